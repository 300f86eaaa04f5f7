//! Reads the single values of a row: amounts, moments, texts. Pure.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use domain::money::Money;
use domain::text::Text;

use super::row::{RowCode, RowFault};

/// The largest amount of one purchase, in hundredths: ten billion.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// The earliest moment that is taken for a date and not for a mistake: 1 January 1970.
const EARLIEST: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// An amount as people write it: `12`, `12.3` or `12,30`, with at most two digits behind the point.
///
/// # Errors
/// What is wrong with it, at `place`.
pub fn amount(text: &str, place: &str) -> Result<Money, RowFault> {
    let fault = |code, detail: &str| Err(RowFault::at(place, code, detail));
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 2 {
        return fault(
            RowCode::BadFormat,
            "must be an amount such as 12, 12.3 or 12,30",
        );
    }
    let mut hundredths = 0_i64;
    let padding = if fraction.len() == 1 { "0" } else { "" };
    for digit in [whole, fraction, padding].concat().bytes() {
        let next = hundredths
            .checked_mul(10)
            .and_then(|sum| sum.checked_add(i64::from(digit - b'0')));
        match next {
            Some(next) if next <= MAX_AMOUNT => hundredths = next,
            _ => return fault(RowCode::AmountOutOfRange, OUT_OF_RANGE),
        }
    }
    if negative && hundredths != 0 {
        return fault(RowCode::AmountOutOfRange, OUT_OF_RANGE);
    }
    Ok(Money::from_hundredths(hundredths))
}

/// What an amount must be.
pub const OUT_OF_RANGE: &str = "must be 0 to 10000000000.00";

/// A moment with its zone (RFC 3339), or a day, which means its noon in `zone`.
///
/// # Errors
/// What is wrong with it, at `place`.
pub fn moment(text: &str, zone: Tz, place: &str) -> Result<DateTime<Utc>, RowFault> {
    let text = text.trim();
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let found = match day {
        Ok(day) => noon(day, zone),
        Err(_) => DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|moment| DateTime::from_timestamp_micros(moment.timestamp_micros())),
    };
    match found {
        Some(moment) if moment >= EARLIEST => Ok(moment),
        _ => Err(RowFault::at(
            place,
            RowCode::BadFormat,
            "must be a moment such as 2026-03-02T15:04:05+03:00, or a day such as 2026-03-02",
        )),
    }
}

/// Noon of a day.
#[must_use]
pub fn noon(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let noon = zone.from_local_datetime(&day.and_hms_opt(12, 0, 0)?);
    noon.earliest().map(|moment| moment.with_timezone(&Utc))
}

/// A line of text of at most a hundred characters.
///
/// # Errors
/// What is wrong with it, at `place`.
pub fn line(text: &str, place: &str) -> Result<String, RowFault> {
    Text::<100>::new(text)
        .map(Text::into_string)
        .map_err(|error| RowFault::at(place, RowCode::BadFormat, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundredths(text: &str) -> Result<i64, RowCode> {
        amount(text, "total")
            .map(Money::hundredths)
            .map_err(|fault| fault.code)
    }

    #[test]
    fn amounts_are_read_to_the_hundredth() {
        for (text, expected) in [
            ("12.30", 1230),
            ("12,3", 1230),
            ("12", 1200),
            (" 0.00 ", 0),
            ("0.05", 5),
            ("-0", 0),
            ("007", 700),
            ("10000000000.00", MAX_AMOUNT),
        ] {
            assert_eq!(hundredths(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_told() {
        for text in [
            "", "-", ".", "12.", ".5", "1.234", "1 000", "1'000", "1,000.00", "+5", "1e3", "NaN",
            "--5", "٣", "12.3.4",
        ] {
            assert_eq!(hundredths(text), Err(RowCode::BadFormat), "{text}");
        }
        for text in [
            "-0.01",
            "10000000000.01",
            "9223372036854775808",
            "99999999999999999999999999",
        ] {
            assert_eq!(hundredths(text), Err(RowCode::AmountOutOfRange), "{text}");
        }
    }

    #[test]
    fn moments_and_days() {
        let zone = chrono_tz::Europe::Moscow;
        let read = |text| moment(text, zone, "occurred_at").map(|moment| moment.to_rfc3339());
        assert_eq!(
            read("2026-03-02T15:04:05.1234567+03:00").as_deref(),
            Ok("2026-03-02T12:04:05.123456+00:00")
        );
        assert_eq!(
            read(" 2026-03-02 ").as_deref(),
            Ok("2026-03-02T09:00:00+00:00")
        );
        for text in [
            "",
            "2026-02-30",
            "02.03.2026",
            "2026-03-02T15:04:05",
            "1969-12-31",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(
                read(text).map_err(|fault| fault.code),
                Err(RowCode::BadFormat),
                "{text}"
            );
        }
    }
}
