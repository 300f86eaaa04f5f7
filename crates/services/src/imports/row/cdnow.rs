//! Rows of the CDNOW sample: customer, number in the sample, day (YYYYMMDD), number of discs and dollars. The line is
//! the receipt.

use chrono::NaiveDate;
use domain::loyalty::basket::BasketInput;
use domain::money::Money;

use super::{ReadRow, RowCode, RowFault, RowPurchase, RowReader};
use crate::imports::values;
use crate::members::MemberReference;

/// Reads a line.
pub(super) fn read(reader: &RowReader, text: &str, line: i64) -> ReadRow {
    let receipt = format!("cdnow-{line}");
    (Some(receipt.clone()), purchase(reader, text, receipt))
}

fn purchase(
    reader: &RowReader,
    text: &str,
    receipt_number: String,
) -> Result<RowPurchase, RowFault> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let [customer, sample, day, discs, dollars] = fields[..] else {
        return Err(RowFault::whole(
            RowCode::WrongFieldCount,
            "a line has five fields: customer, number in the sample, day, discs, dollars",
        ));
    };
    for (place, field) in [("customer", customer), ("sample", sample), ("discs", discs)] {
        if field.len() > 20 || !field.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RowFault::at(place, RowCode::BadFormat, "must be a number"));
        }
    }
    let day = NaiveDate::parse_from_str(day, "%Y%m%d")
        .ok()
        .and_then(|day| values::noon(day, reader.zone))
        .ok_or_else(|| RowFault::at("day", RowCode::BadFormat, "must be a day such as 19970118"))?;
    Ok(RowPurchase {
        receipt_number,
        member: MemberReference::Alias(format!("cdnow-{customer}")),
        basket: BasketInput::Amounts {
            total: values::amount(dollars, "dollars")?,
            not_earning: Money::ZERO,
            not_payable: Money::ZERO,
        },
        location: None,
        cashier: None,
        occurred_at: day,
    })
}

#[cfg(test)]
mod tests {
    use super::super::reader;
    use super::*;
    use crate::imports::format::ImportFormat;

    #[test]
    fn a_line_of_the_sample() {
        let reader = reader(ImportFormat::Cdnow, None);
        let (receipt, purchase) = read(&reader, " 00004 0001 19970118  2   29.73", 2);
        assert_eq!(receipt.as_deref(), Some("cdnow-2"));
        let purchase = purchase.unwrap();
        assert_eq!(
            purchase.member,
            MemberReference::Alias("cdnow-00004".into())
        );
        assert_eq!(purchase.total(), Some(2973));
        assert_eq!(
            purchase.occurred_at.to_rfc3339(),
            "1997-01-18T09:00:00+00:00"
        );
        for (line, code) in [
            ("00004 0001 19970118 2", RowCode::WrongFieldCount),
            ("00004 0001 19970132 2 1.00", RowCode::BadFormat),
            ("00004 0001 19970118 2 1.001", RowCode::BadFormat),
            ("00004 x 19970118 2 1.00", RowCode::BadFormat),
        ] {
            assert_eq!(read(&reader, line, 1).1.unwrap_err().code, code, "{line}");
        }
    }
}
