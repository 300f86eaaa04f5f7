//! Rows of CSV.

use domain::loyalty::basket::{BasketInput, LineInput};
use domain::member_code::MemberNumber;
use domain::money::Money;
use domain::phone::Phone;

use super::{ReadRow, RowCode, RowFault, RowPurchase, RowReader};
use crate::imports::layout::{Column, Layout};
use crate::imports::values;
use crate::members::MemberReference;

/// Reads the fields of a row by the layout of its file.
pub(super) fn read(reader: &RowReader, fields: &[String]) -> ReadRow {
    let Some(layout) = &reader.layout else {
        return (
            None,
            Err(RowFault::whole(
                RowCode::Internal,
                "the layout of the file is not known",
            )),
        );
    };
    if fields.len() != layout.columns.len() {
        let detail = format!(
            "{} fields where the header has {}",
            fields.len(),
            layout.columns.len()
        );
        return (
            None,
            Err(RowFault::whole(RowCode::WrongFieldCount, &detail)),
        );
    }
    let cells = Cells { layout, fields };
    match cells
        .needed(Column::ReceiptNumber)
        .and_then(|text| values::line(text, Column::ReceiptNumber.as_str()))
    {
        Ok(receipt) => (Some(receipt.clone()), purchase(reader, &cells, receipt)),
        Err(fault) => (None, Err(fault)),
    }
}

struct Cells<'a> {
    layout: &'a Layout,
    fields: &'a [String],
}

impl<'a> Cells<'a> {
    /// The value of a column; an empty one is none.
    fn get(&self, column: Column) -> Option<&'a str> {
        let place = self
            .layout
            .columns
            .iter()
            .position(|known| *known == column)?;
        let text = self.fields.get(place)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn needed(&self, column: Column) -> Result<&'a str, RowFault> {
        self.get(column).ok_or_else(|| {
            RowFault::at(
                column.as_str(),
                RowCode::MissingValue,
                "this column needs a value",
            )
        })
    }

    fn amount(&self, column: Column) -> Result<Option<Money>, RowFault> {
        self.get(column)
            .map(|text| values::amount(text, column.as_str()))
            .transpose()
    }
}

fn purchase(
    reader: &RowReader,
    cells: &Cells<'_>,
    receipt_number: String,
) -> Result<RowPurchase, RowFault> {
    let occurred_at = Column::OccurredAt;
    let moment = values::moment(
        cells.needed(occurred_at)?,
        reader.zone,
        occurred_at.as_str(),
    )?;
    let location = cells.get(Column::LocationId).map(|text| {
        text.parse::<uuid::Uuid>().map_err(|_| {
            RowFault::at(
                Column::LocationId.as_str(),
                RowCode::BadFormat,
                "must be the identifier of a location",
            )
        })
    });
    let cashier = cells
        .get(Column::Cashier)
        .map(|text| values::line(text, Column::Cashier.as_str()));
    Ok(RowPurchase {
        receipt_number,
        member: member(reader, cells)?,
        basket: basket(cells)?,
        location: location.transpose()?.map(Into::into),
        cashier: cashier.transpose()?,
        occurred_at: moment,
    })
}

fn member(reader: &RowReader, cells: &Cells<'_>) -> Result<MemberReference, RowFault> {
    let (phone, number, customer) = (
        cells.get(Column::Phone),
        cells.get(Column::CardNumber),
        cells.get(Column::CustomerId),
    );
    let bad =
        |column: Column, error: String| RowFault::at(column.as_str(), RowCode::BadFormat, &error);
    match (phone, number, customer) {
        (Some(phone), None, None) => Phone::parse(phone, reader.region)
            .map(MemberReference::Phone)
            .map_err(|error| bad(Column::Phone, error.to_string())),
        (None, Some(number), None) => MemberNumber::parse(number)
            .map(MemberReference::Number)
            .map_err(|error| bad(Column::CardNumber, error.to_string())),
        (None, None, Some(customer)) => {
            values::line(customer, Column::CustomerId.as_str()).map(MemberReference::Alias)
        }
        _ => Err(RowFault::whole(
            RowCode::OneOf,
            "a row names its member by exactly one of phone, card_number and customer_id",
        )),
    }
}

fn basket(cells: &Cells<'_>) -> Result<BasketInput, RowFault> {
    let total = values::amount(cells.needed(Column::Total)?, Column::Total.as_str())?;
    let not_earning = cells.amount(Column::NotEarning)?;
    let not_payable = cells.amount(Column::NotPayable)?;
    let Some(category) = cells.get(Column::Category) else {
        return Ok(BasketInput::Amounts {
            total,
            not_earning: not_earning.unwrap_or_default(),
            not_payable: not_payable.unwrap_or_default(),
        });
    };
    if not_earning.is_some() || not_payable.is_some() {
        return Err(RowFault::at(
            Column::Category.as_str(),
            RowCode::NotAllowed,
            "a category says by itself what earns and what points may pay",
        ));
    }
    Ok(BasketInput::Lines {
        lines: vec![LineInput {
            category: Some(category.to_owned()),
            amount: total,
        }],
        total: Some(total),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Row, reader};
    use super::*;
    use crate::imports::cutter::Record;
    use crate::imports::format::ImportFormat;
    use crate::imports::layout::probe;

    const HEADER: &str = "receipt_number,occurred_at,phone,card_number,customer_id,total,not_earning,not_payable,category,location_id,cashier";

    fn row(line: &str) -> Row {
        let layout = probe(HEADER.as_bytes(), ImportFormat::Csv, true)
            .unwrap()
            .layout;
        let fields = line
            .split(',')
            .map(|field| field.as_bytes().to_vec())
            .collect();
        let read = reader(ImportFormat::Csv, layout).read(Record::Fields(fields), 1, 2);
        read.expect("a row")
    }

    #[test]
    fn a_whole_row() {
        let location = uuid::Uuid::from_u128(5);
        let found = row(&format!(
            " A-1 ,2026-03-02T12:00:00Z,8 916 123-45-67,,,100.50,20,30.5,,{location},Ольга"
        ));
        assert_eq!(found.receipt_number.as_deref(), Some("A-1"));
        let purchase = found.purchase.unwrap();
        assert_eq!(purchase.location, Some(location.into()));
        assert_eq!(purchase.cashier.as_deref(), Some("Ольга"));
        assert_eq!(purchase.total(), Some(10_050));
        let MemberReference::Phone(phone) = &purchase.member else {
            panic!("{purchase:?}")
        };
        assert_eq!(phone.e164(), "+79161234567");
        assert_eq!(
            purchase.basket,
            BasketInput::Amounts {
                total: Money::from_hundredths(10_050),
                not_earning: Money::from_hundredths(2_000),
                not_payable: Money::from_hundredths(3_050),
            }
        );
    }

    #[test]
    fn a_category_makes_a_line() {
        let purchase = row("1,2026-03-02,,,client-17,5,,,food,,").purchase.unwrap();
        assert_eq!(purchase.member, MemberReference::Alias("client-17".into()));
        let BasketInput::Lines { lines, total } = purchase.basket else {
            panic!("no lines")
        };
        assert_eq!(lines[0].category.as_deref(), Some("food"));
        assert_eq!(total, Some(Money::from_hundredths(500)));
    }

    /// Rows with their fault and its column.
    const FAULTY: &[(&str, RowCode, Option<&str>)] = &[
        ("1,2", RowCode::WrongFieldCount, None),
        (
            ",2026-03-02,,,c,5,,,,,",
            RowCode::MissingValue,
            Some("receipt_number"),
        ),
        ("1,,,,c,5,,,,,", RowCode::MissingValue, Some("occurred_at")),
        (
            "1,yesterday,,,c,5,,,,,",
            RowCode::BadFormat,
            Some("occurred_at"),
        ),
        (
            "1,2026-03-02,,,c,,,,,,",
            RowCode::MissingValue,
            Some("total"),
        ),
        (
            "1,2026-03-02,,,c,five,,,,,",
            RowCode::BadFormat,
            Some("total"),
        ),
        (
            "1,2026-03-02,,,c,-5,,,,,",
            RowCode::AmountOutOfRange,
            Some("total"),
        ),
        (
            "1,2026-03-02,,,c,5,x,,,,",
            RowCode::BadFormat,
            Some("not_earning"),
        ),
        (
            "1,2026-03-02,,,c,5,1,,food,,",
            RowCode::NotAllowed,
            Some("category"),
        ),
        (
            "1,2026-03-02,,,c,5,,,,here,",
            RowCode::BadFormat,
            Some("location_id"),
        ),
        (
            "1,2026-03-02,,,c,5,,,,,a\u{0}b",
            RowCode::BadFormat,
            Some("cashier"),
        ),
        (
            "1,2026-03-02,12,,,5,,,,,",
            RowCode::BadFormat,
            Some("phone"),
        ),
        (
            "1,2026-03-02,,12,,5,,,,,",
            RowCode::BadFormat,
            Some("card_number"),
        ),
        ("1,2026-03-02,,,,5,,,,,", RowCode::OneOf, None),
        ("1,2026-03-02,+79161234567,,c,5,,,,,", RowCode::OneOf, None),
    ];

    #[test]
    fn faults_name_their_column() {
        for (line, code, place) in FAULTY {
            let fault = row(line).purchase.unwrap_err();
            assert_eq!(
                (fault.code, fault.place.as_deref()),
                (*code, *place),
                "{line}"
            );
            assert!(!fault.detail.is_empty());
        }
    }

    #[test]
    fn the_senders_location_holds() {
        let mut reader = reader(
            ImportFormat::Csv,
            probe(
                b"receipt_number,occurred_at,customer_id,total,location_id",
                ImportFormat::Csv,
                true,
            )
            .unwrap()
            .layout,
        );
        let only = uuid::Uuid::from_u128(8);
        reader.only_location = Some(only.into());
        let read = |location: &str| {
            let fields = ["1", "2026-03-02", "c", "5", location];
            let fields = fields
                .iter()
                .map(|field| field.as_bytes().to_vec())
                .collect();
            let row = reader.read(Record::Fields(fields), 1, 1).expect("a row");
            row.purchase
                .map(|purchase| purchase.location)
                .map_err(|fault| fault.code)
        };
        assert_eq!(read(""), Ok(Some(only.into())));
        assert_eq!(read(&only.to_string()), Ok(Some(only.into())));
        assert_eq!(
            read(&uuid::Uuid::from_u128(9).to_string()),
            Err(RowCode::UnknownLocation)
        );
    }
}
