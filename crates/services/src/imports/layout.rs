//! What the beginning of a file tells: whether it can be imported at all, and for CSV which column stands where. Pure.

use serde::{Deserialize, Serialize};

use super::cutter::{Cutter, Cutting, Record};
use super::format::ImportFormat;

/// How many lines of the beginning are looked at.
const LINES_LOOKED_AT: usize = 100;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A column of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The receipt's number.
    ReceiptNumber,
    /// When it was bought.
    OccurredAt,
    /// The member's phone.
    Phone,
    /// The number on the member's card.
    CardNumber,
    /// The business's own customer number.
    CustomerId,
    /// The whole bill.
    Total,
    /// The part that earns nothing.
    NotEarning,
    /// The part that points may not pay.
    NotPayable,
    /// The category of the whole.
    Category,
    /// The outlet.
    LocationId,
    /// The cashier.
    Cashier,
}

impl Column {
    /// All columns with their names.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::ReceiptNumber, "receipt_number"),
        (Self::OccurredAt, "occurred_at"),
        (Self::Phone, "phone"),
        (Self::CardNumber, "card_number"),
        (Self::CustomerId, "customer_id"),
        (Self::Total, "total"),
        (Self::NotEarning, "not_earning"),
        (Self::NotPayable, "not_payable"),
        (Self::Category, "category"),
        (Self::LocationId, "location_id"),
        (Self::Cashier, "cashier"),
    ];

    /// The name in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(column, _)| *column == self);
        found.map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = if name == "card" { "card_number" } else { &name };
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(column, _)| *column)
    }
}

/// How a CSV file is laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What stands between fields.
    pub delimiter: u8,
    /// The columns in their order.
    pub columns: Vec<Column>,
}

/// What the beginning of a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its layout, if it is CSV.
    pub layout: Option<Layout>,
    /// Where the first row begins.
    pub first_byte: usize,
    /// The lines before the first row.
    pub first_line: u32,
}

/// Why a file can't be imported at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is no text.
    #[error("the file is not a text: it holds zero bytes")]
    Binary,
    /// It is text in another encoding.
    #[error("the file is not in UTF-8")]
    NotUtf8,
    /// The header can't be read.
    #[error("the first line is no header: its quotation marks don't match, or it is too long")]
    BadHeader,
    /// The header names columns that are not known.
    #[error("unknown columns: {}", .0.join(", "))]
    UnknownColumns(Vec<String>),
    /// The header names a column twice.
    #[error("column {0} stands twice")]
    ColumnTwice(&'static str),
    /// The header lacks columns.
    #[error("missing columns: {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
}

impl FileFault {
    /// The name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::Binary => "binary_file",
            Self::NotUtf8 => "not_utf8",
            Self::BadHeader => "bad_header",
            Self::UnknownColumns(_) => "unknown_columns",
            Self::ColumnTwice(_) => "column_twice",
            Self::MissingColumns(_) => "missing_columns",
        }
    }
}

/// Looks at the beginning of a file; `at_end`: that is all of it.
///
/// # Errors
/// [`FileFault`]: no row of it could be posted.
pub fn probe(beginning: &[u8], format: ImportFormat, at_end: bool) -> Result<Probe, FileFault> {
    if beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff") {
        return Err(FileFault::NotUtf8);
    }
    if beginning.contains(&0) {
        return Err(FileFault::Binary);
    }
    let mark = if beginning.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let text = &beginning[mark..];
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(FileFault::Empty);
    }
    if !is_mostly_utf8(text) {
        return Err(FileFault::NotUtf8);
    }
    if format != ImportFormat::Csv {
        return Ok(Probe {
            layout: None,
            first_byte: mark,
            first_line: 0,
        });
    }
    let mut probe = header(text, at_end)?;
    probe.first_byte += mark;
    Ok(probe)
}

/// Whether not more than half of the first lines are broken: one broken row is a broken row, but a file in another
/// encoding is not to be posted in part.
fn is_mostly_utf8(text: &[u8]) -> bool {
    let (mut lines, mut broken) = (0_usize, 0_usize);
    let beginning = text.split_inclusive(|byte| *byte == b'\n');
    for line in beginning.take(LINES_LOOKED_AT) {
        lines += 1;
        // A last line that was cut off may end within a character.
        let cut_off =
            |error: &std::str::Utf8Error| error.error_len().is_none() && !line.ends_with(b"\n");
        broken += usize::from(std::str::from_utf8(line).is_err_and(|error| !cut_off(&error)));
    }
    broken * 2 <= lines
}

fn header(text: &[u8], at_end: bool) -> Result<Probe, FileFault> {
    let blank = text
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let blank_lines = text[..blank].iter().filter(|byte| **byte == b'\n').count();
    let text = &text[blank..];
    let delimiter = delimiter_of(text.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let mut cutter = Cutter::new(Cutting::Fields(delimiter));
    let cut = cutter.next(text, at_end).1.ok_or(FileFault::BadHeader)?;
    let Record::Fields(fields) = cut.record else {
        return Err(FileFault::BadHeader);
    };
    let names: Vec<String> = fields
        .into_iter()
        .map(|field| String::from_utf8(field).map_err(|_| FileFault::NotUtf8))
        .collect::<Result<_, _>>()?;
    let layout = Layout {
        delimiter,
        columns: columns(&names)?,
    };
    Ok(Probe {
        layout: Some(layout),
        first_byte: blank + cut.bytes,
        first_line: u32::try_from(blank_lines).unwrap_or(u32::MAX) + cut.lines,
    })
}

/// The delimiter that makes the most columns.
fn delimiter_of(line: &[u8]) -> u8 {
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let candidates = [b'\t', b';', b','];
    candidates
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter))
        .unwrap_or(b',')
}

fn columns(names: &[String]) -> Result<Vec<Column>, FileFault> {
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| Column::from_name(name).is_none())
        .map(|name| name.trim().chars().take(40).collect())
        .take(20)
        .collect();
    if !unknown.is_empty() {
        return Err(FileFault::UnknownColumns(unknown));
    }
    let columns: Vec<Column> = names
        .iter()
        .filter_map(|name| Column::from_name(name))
        .collect();
    for (place, column) in columns.iter().enumerate() {
        if columns[..place].contains(column) {
            return Err(FileFault::ColumnTwice(column.as_str()));
        }
    }
    let has = |column| columns.contains(&column);
    let needed = [Column::ReceiptNumber, Column::OccurredAt, Column::Total];
    let mut missing: Vec<&'static str> = needed
        .into_iter()
        .filter(|column| !has(*column))
        .map(Column::as_str)
        .collect();
    if !has(Column::Phone) && !has(Column::CardNumber) && !has(Column::CustomerId) {
        missing.push("one of phone, card_number and customer_id");
    }
    if missing.is_empty() {
        Ok(columns)
    } else {
        Err(FileFault::MissingColumns(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Result<Probe, FileFault> {
        probe(text.as_bytes(), ImportFormat::Csv, true)
    }

    #[test]
    fn headers_in_any_order_with_any_delimiter() {
        for (text, delimiter) in [
            (
                "total,phone,receipt_number,occurred_at\r\n1,2,3,4\r\n",
                b',',
            ),
            (
                "\u{feff}Total; Phone ;\"RECEIPT_NUMBER\";occurred_at\n1;2;3;4\n",
                b';',
            ),
            ("\n\ntotal\tphone\treceipt_number\toccurred_at", b'\t'),
        ] {
            let found = csv(text).unwrap();
            let layout = found.layout.unwrap();
            assert_eq!(layout.delimiter, delimiter);
            assert_eq!(
                layout.columns,
                [
                    Column::Total,
                    Column::Phone,
                    Column::ReceiptNumber,
                    Column::OccurredAt
                ]
            );
            assert!(!text[found.first_byte..].contains("occurred_at"));
            assert_eq!(
                usize::try_from(found.first_line).unwrap(),
                text[..found.first_byte].lines().count()
            );
        }
    }

    #[test]
    fn faults_of_a_file_are_told_apart() {
        let code = |text: &str| csv(text).unwrap_err().code();
        assert_eq!(code(""), "empty_file");
        assert_eq!(code(" \r\n"), "empty_file");
        assert_eq!(code("PK\u{3}\u{4}\0\0"), "binary_file");
        assert_eq!(
            code("receipt_number,occurred_at,phone,price"),
            "unknown_columns"
        );
        assert_eq!(
            code("receipt_number,occurred_at,phone,total,total"),
            "column_twice"
        );
        assert_eq!(code("\"receipt_number,occurred_at"), "bad_header");
        assert_eq!(
            csv("receipt_number,total").unwrap_err(),
            FileFault::MissingColumns(vec![
                "occurred_at",
                "one of phone, card_number and customer_id"
            ])
        );
        assert_eq!(
            csv("receipt_number,occurred_at,card,customer_id,total").map(|found| found.first_line),
            Ok(1)
        );
    }

    #[test]
    fn another_encoding_is_not_one_broken_row() {
        let header = b"receipt_number,occurred_at,phone,total,cashier\n".to_vec();
        let row = |cashier: &[u8]| [b"1,2026-01-01,+79161234567,5,", cashier, b"\n"].concat();
        let (utf8, cp1251) = (row("Ольга".as_bytes()), row(b"\xce\xeb\xfc\xe3\xe0"));
        let file = |rows: &[&Vec<u8>]| {
            let mut file = header.clone();
            rows.iter().for_each(|row| file.extend(*row));
            probe(&file, ImportFormat::Csv, true).map(|_| ())
        };
        assert_eq!(file(&[&utf8, &utf8, &cp1251]), Ok(()));
        assert_eq!(file(&[&cp1251, &cp1251]), Err(FileFault::NotUtf8));
        let utf16: Vec<u8> = "receipt"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let marked = [b"\xff\xfe".to_vec(), utf16.clone()].concat();
        assert_eq!(
            probe(&marked, ImportFormat::Ndjson, true),
            Err(FileFault::NotUtf8)
        );
        assert_eq!(
            probe(&utf16, ImportFormat::Ndjson, true),
            Err(FileFault::Binary)
        );
    }
}
