//! The forms in which a file of purchases may come.

use std::fmt;
use std::str::FromStr;

/// A form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportFormat {
    /// Comma-, semicolon- or tab-separated values in UTF-8 with a header that names the columns.
    Csv,
    /// One JSON object a line, as an ordinary post of a purchase takes it.
    Ndjson,
    /// The CDNOW sample: customer, number in the sample, day, number of discs, dollars; separated by spaces.
    Cdnow,
}

/// No such form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form of a file is csv, ndjson or cdnow")]
pub struct UnknownFormat;

impl ImportFormat {
    /// All forms.
    pub const ALL: &'static [Self] = &[Self::Csv, Self::Ndjson, Self::Cdnow];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Cdnow => "cdnow",
        }
    }

    /// The form that the beginning of a file looks like; CSV if it looks like nothing known.
    #[must_use]
    pub fn guess(beginning: &[u8]) -> Self {
        let text = String::from_utf8_lossy(beginning);
        let line = text.trim_start_matches('\u{feff}').trim_start();
        if line.starts_with('{') {
            return Self::Ndjson;
        }
        let fields: Vec<&str> = line
            .lines()
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        let is_number = |field: &&str| {
            field
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        if fields.len() == 5 && fields.iter().all(is_number) {
            return Self::Cdnow;
        }
        Self::Csv
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ImportFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|format| format.as_str() == name);
        found.copied().ok_or(UnknownFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_guessed_by_the_first_line() {
        for (text, format) in [
            ("\u{feff}{\"receipt_number\":\"1\"}", ImportFormat::Ndjson),
            (" 00004 0001 19970101  2   29.33\r\n", ImportFormat::Cdnow),
            ("receipt_number,total\n", ImportFormat::Csv),
            ("", ImportFormat::Csv),
        ] {
            assert_eq!(ImportFormat::guess(text.as_bytes()), format, "{text}");
        }
    }

    #[test]
    fn names_go_there_and_back() {
        for format in ImportFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(*format));
        }
        assert_eq!("xls".parse::<ImportFormat>(), Err(UnknownFormat));
    }
}
