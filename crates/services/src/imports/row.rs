//! A row of a file and what can be wrong with it. How each form of file is read stands in the files below. Pure.

mod cdnow;
mod csv;
mod ndjson;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::ids::{BusinessId, LocationId};
use domain::loyalty::basket::BasketInput;
use domain::loyalty::purchase::Spend;
use domain::phone::Region;
use uuid::Uuid;

use super::cutter::{Cutting, Record};
use super::format::ImportFormat;
use super::layout::Layout;
use crate::loyalty::posting::PostItem;
use crate::members::MemberReference;

/// Makes the closed list of the codes that a row's verdict may have.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a row was not posted. A name that is also in the catalogue of problems means the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RowCode {
            $($(#[$doc])* $name,)*
        }

        impl RowCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The same purchase was posted before.
    Duplicate = "duplicate",
    /// The receipt was posted before, for another member or amount.
    ReceiptConflict = "receipt_conflict",
    /// Not UTF-8.
    NotUtf8 = "not_utf8",
    /// Quotation marks that don't match.
    BadQuoting = "bad_quoting",
    /// Longer than 64 KiB.
    RowTooLong = "row_too_long",
    /// Not as many fields as the header has.
    WrongFieldCount = "wrong_field_count",
    /// No JSON object.
    InvalidJson = "invalid_json",
    /// A field that is not known.
    UnknownField = "unknown_field",
    /// A field of another type.
    WrongType = "wrong_type",
    /// A field without its value.
    MissingValue = "missing_value",
    /// A value that can't be read.
    BadFormat = "bad_format",
    /// Not exactly one way of naming the member.
    OneOf = "one_of",
    /// Values that don't go together.
    NotAllowed = "not_allowed",
    /// A file can't spend points.
    SpendingNotAllowed = "spending_not_allowed",
    /// A negative or too large amount.
    AmountOutOfRange = "amount_out_of_range",
    /// The business is not active.
    BusinessSuspended = "business_suspended",
    /// The business has no such outlet, or the sender may not act for it.
    UnknownLocation = "unknown_location",
    /// There is no such member.
    UnknownMember = "unknown_member",
    /// The member's code is worth nothing.
    InvalidMemberCode = "invalid_member_code",
    /// The member is blocked.
    MemberBlocked = "member_blocked",
    /// The sender's own purchase.
    OwnAccount = "own_account",
    /// The programme has no such category.
    UnknownCategory = "unknown_category",
    /// The parts don't make the total.
    TotalMismatch = "total_mismatch",
    /// The purchase lies in the future.
    PostedInFuture = "posted_in_future",
    /// The purchase is too old.
    TooOld = "too_old",
    /// A sum would not fit.
    Overflow = "overflow",
    /// A mistake of ours.
    Internal = "internal",
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// What kind of fault.
    pub code: RowCode,
    /// The column, or the JSON pointer, at which it is.
    pub place: Option<String>,
    /// The fault in a sentence, without the value: it may be a phone.
    pub detail: String,
}

impl RowFault {
    /// A fault of the whole row.
    #[must_use]
    pub fn whole(code: RowCode, detail: &str) -> Self {
        Self {
            code,
            place: None,
            detail: detail.to_owned(),
        }
    }

    /// A fault of one value.
    #[must_use]
    pub fn at(place: &str, code: RowCode, detail: &str) -> Self {
        Self {
            place: Some(place.to_owned()),
            ..Self::whole(code, detail)
        }
    }
}

/// A purchase as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPurchase {
    /// The receipt's number.
    pub receipt_number: String,
    /// Who bought.
    pub member: MemberReference,
    /// What was bought.
    pub basket: BasketInput,
    /// The outlet.
    pub location: Option<LocationId>,
    /// The cashier.
    pub cashier: Option<String>,
    /// When it was bought.
    pub occurred_at: DateTime<Utc>,
}

/// A row with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1, the header not counted.
    pub number: i64,
    /// The line on which it begins, from 1.
    pub line: i64,
    /// The receipt's number, if it could be read.
    pub receipt_number: Option<String>,
    /// The purchase, or what is wrong.
    pub purchase: Result<RowPurchase, RowFault>,
}

/// What a row depends on besides its own bytes.
#[derive(Clone, Debug)]
pub struct RowReader {
    /// The form of the file.
    pub format: ImportFormat,
    /// The layout of a CSV file.
    pub layout: Option<Layout>,
    /// The zone of a day without one.
    pub zone: Tz,
    /// How a phone without a calling code is read.
    pub region: Region,
    /// Whose file it is.
    pub business: BusinessId,
    /// The one outlet for which the sender may act.
    pub only_location: Option<LocationId>,
}

/// What was read, and the receipt's number as soon as it was known.
type ReadRow = (Option<String>, Result<RowPurchase, RowFault>);

impl RowReader {
    /// How the file is cut into records.
    #[must_use]
    pub fn cutting(&self) -> Cutting {
        match (self.format, &self.layout) {
            (ImportFormat::Csv, Some(layout)) => Cutting::Fields(layout.delimiter),
            _ => Cutting::Lines,
        }
    }

    /// Reads a record; none: it is blank.
    #[must_use]
    pub fn read(&self, record: Record, number: i64, line: i64) -> Option<Row> {
        let (receipt_number, purchase) = match record {
            Record::Blank => return None,
            Record::BadQuoting => (
                None,
                Err(RowFault::whole(
                    RowCode::BadQuoting,
                    "the quotation marks don't match",
                )),
            ),
            Record::TooLong => (
                None,
                Err(RowFault::whole(
                    RowCode::RowTooLong,
                    "the row is longer than 64 KiB",
                )),
            ),
            Record::Fields(fields) => self.read_fields(fields, line),
        };
        Some(Row {
            number,
            line,
            receipt_number,
            purchase: purchase.and_then(|purchase| self.at_allowed_location(purchase)),
        })
    }

    fn read_fields(&self, fields: Vec<Vec<u8>>, line: i64) -> ReadRow {
        let texts: Result<Vec<String>, _> = fields.into_iter().map(String::from_utf8).collect();
        let Ok(texts) = texts else {
            let fault = RowFault::whole(RowCode::NotUtf8, "the row is not in UTF-8");
            return (None, Err(fault));
        };
        match (self.format, texts.first()) {
            (ImportFormat::Csv, _) => csv::read(self, &texts),
            (ImportFormat::Ndjson, Some(text)) => ndjson::read(self, text),
            (ImportFormat::Cdnow, Some(text)) => cdnow::read(self, text, line),
            (_, None) => (
                None,
                Err(RowFault::whole(
                    RowCode::WrongFieldCount,
                    "nothing is there",
                )),
            ),
        }
    }

    fn at_allowed_location(&self, mut purchase: RowPurchase) -> Result<RowPurchase, RowFault> {
        match (self.only_location, purchase.location) {
            (Some(only), Some(other)) if only != other => Err(RowFault::at(
                match self.format {
                    ImportFormat::Ndjson => "/location_id",
                    ImportFormat::Csv | ImportFormat::Cdnow => "location_id",
                },
                RowCode::UnknownLocation,
                "the sender may not act for this location",
            )),
            (only, given) => {
                purchase.location = given.or(only);
                Ok(purchase)
            }
        }
    }
}

impl RowPurchase {
    /// The purchase as the posting path takes it.
    #[must_use]
    pub fn item(
        &self,
        business: BusinessId,
        sender: Option<domain::ids::MemberId>,
        import: (Uuid, i64),
    ) -> PostItem {
        PostItem {
            business,
            location: self.location,
            cashier: self.cashier.clone(),
            cashier_member: sender,
            receipt_number: self.receipt_number.clone(),
            member: self.member.clone(),
            basket: self.basket.clone(),
            spend: Spend::Nothing,
            occurred_at: Some(self.occurred_at),
            import: Some(import),
            idempotency: None,
        }
    }

    /// The bill, as far as it can be told without the programme's rules.
    #[must_use]
    pub fn total(&self) -> Option<i64> {
        match &self.basket {
            BasketInput::Amounts { total, .. } => Some(total.hundredths()),
            BasketInput::Lines { lines, .. } => lines
                .iter()
                .try_fold(0_i64, |sum, line| sum.checked_add(line.amount.hundredths())),
        }
    }
}

/// A reader for tests: of a business in Moscow that may act everywhere.
#[cfg(test)]
fn reader(format: ImportFormat, layout: Option<Layout>) -> RowReader {
    RowReader {
        format,
        layout,
        zone: chrono_tz::Europe::Moscow,
        region: Region::RU,
        business: uuid::Uuid::from_u128(1).into(),
        only_location: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let names: std::collections::BTreeSet<_> =
            RowCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), RowCode::ALL.len());
    }

    #[test]
    fn broken_records_have_their_verdict() {
        let reader = reader(ImportFormat::Cdnow, None);
        let code = |record| {
            let row = reader.read(record, 7, 9).expect("a row");
            assert_eq!((row.number, row.line), (7, 9));
            row.purchase.unwrap_err().code
        };
        assert_eq!(code(Record::BadQuoting), RowCode::BadQuoting);
        assert_eq!(code(Record::TooLong), RowCode::RowTooLong);
        assert_eq!(
            code(Record::Fields(vec![b"\xff\xfe".to_vec()])),
            RowCode::NotUtf8
        );
        assert_eq!(reader.read(Record::Blank, 1, 1), None);
    }
}
