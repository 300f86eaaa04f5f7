//! Phone numbers: read tolerantly, kept as E.164, printed masked. Where a number belongs is told by the number
//! itself, not by its calling code: +7 is Russia and Kazakhstan.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberType};

/// Log directives that silence the library, which tells the numbers that it reads where every step is logged.
pub const LOG_DIRECTIVES: &str = "rlibphonenumber=off";

/// The longest text that is looked at; no spelling of a number is longer.
const LONGEST_TEXT: usize = 40;

/// A country or territory, ISO 3166-1 alpha-2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region(rlibphonenumber::Region);

impl Region {
    /// Russia.
    pub const RU: Self = Self(rlibphonenumber::Region::RU);
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Region {
    type Err = PhoneError;

    fn from_str(code: &str) -> Result<Self, PhoneError> {
        if code.len() != 2 {
            return Err(PhoneError::UnknownRegion);
        }
        rlibphonenumber::Region::from_code(code)
            .map(Self)
            .map_err(|_| PhoneError::UnknownRegion)
    }
}

impl serde::Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Region {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is no phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not a number that somebody could have.
    #[error("not a valid phone number")]
    Invalid,
    /// Not the two letters of a country.
    #[error("not a country code of two letters")]
    UnknownRegion,
}

/// A valid phone number. It prints masked (`+7916•••4567`); the whole number is read by [`Phone::e164`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    e164: String,
}

impl Phone {
    /// Reads a number as people write it. `default_region` says how to read one without a calling code.
    ///
    /// # Errors
    /// [`PhoneError::Invalid`] for whatever nobody could have, for extensions, and for other digits than 0 to 9.
    pub fn parse(text: &str, default_region: Region) -> Result<Self, PhoneError> {
        let text = text.trim();
        let plain = |c: char| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    '+' | '-' | '(' | ')' | ' ' | '.' | '/' | '\u{a0}' | '‑' | '–'
                )
        };
        let digits = text.strip_prefix("tel:").unwrap_or(text);
        if text.len() > LONGEST_TEXT || !digits.chars().all(plain) {
            return Err(PhoneError::Invalid);
        }
        let number =
            PhoneNumber::parse(digits, Some(default_region.0)).map_err(|_| PhoneError::Invalid)?;
        if !number.is_valid() {
            return Err(PhoneError::Invalid);
        }
        Ok(Self {
            e164: number.format_as(PhoneNumberFormat::E164).into_owned(),
        })
    }

    /// Reads a number that is already E.164, as the store gives it back.
    ///
    /// # Errors
    /// [`PhoneError::Invalid`] if it is not exactly that.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::Invalid)?;
        if !(2..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::Invalid);
        }
        Ok(Self {
            e164: text.to_owned(),
        })
    }

    /// The whole number, E.164: `+79161234567`. Personal data: not for logs.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// The number with its middle hidden: `+7916•••4567`.
    #[must_use]
    pub fn masked(&self) -> String {
        let shown_end = 4;
        let shown_start = self.e164.len().saturating_sub(shown_end + 3).min(5);
        let (start, end) = (
            &self.e164[..shown_start],
            &self.e164[self.e164.len().saturating_sub(shown_end)..],
        );
        format!("{start}•••{end}")
    }

    /// The number less its last four digits: who hands numbers out in bulk hands out neighbours.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.e164[..self.e164.len().saturating_sub(4)]
    }

    /// The last four digits.
    #[must_use]
    pub fn tail(&self) -> Option<PhoneTail> {
        let start = self.e164.len().checked_sub(4)?;
        PhoneTail::parse(&self.e164[start..]).ok()
    }

    /// The country or territory that the number belongs to, if it belongs to one.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        let region = self.number()?.get_region_code()?;
        (region != rlibphonenumber::Region::World).then_some(Region(region))
    }

    /// Whether it is a mobile number; where fixed and mobile can't be told apart, it may be one.
    #[must_use]
    pub fn is_mobile(&self) -> bool {
        self.number().is_some_and(|number| {
            matches!(
                number.get_type(),
                PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile
            )
        })
    }

    fn number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(&self.e164, None).ok()
    }
}

/// The last four digits of a number, by which people name their phone at a till.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PhoneTail([u8; 4]);

impl PhoneTail {
    /// Reads four digits.
    ///
    /// # Errors
    /// [`PhoneError::Invalid`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let digits: [u8; 4] = text
            .trim()
            .as_bytes()
            .try_into()
            .map_err(|_| PhoneError::Invalid)?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(PhoneError::Invalid)
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for PhoneTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneTail")
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Phone, PhoneError> {
        Phone::parse(text, Region::RU)
    }

    fn region(code: &str) -> Option<Region> {
        Some(code.parse().unwrap())
    }

    #[test]
    fn spellings_of_one_mobile_number_are_one_number() {
        for text in [
            "8 (916) 123-45-67",
            "+7 916 123 45 67",
            "89161234567",
            "9161234567",
            "tel:+7-916-123-45-67",
            "+7 (916) 123‑45‑67",
            " 8.916.123.45.67 ",
        ] {
            let phone = parse(text).unwrap();
            assert_eq!(phone.e164(), "+79161234567", "{text}");
            assert_eq!(phone.region(), region("RU"));
            assert!(phone.is_mobile());
        }
    }

    #[test]
    fn kazakhstan_is_not_russia() {
        for text in ["87011234567", "+7 701 123 45 67"] {
            let phone = parse(text).unwrap();
            assert_eq!(
                (phone.e164(), phone.region()),
                ("+77011234567", region("KZ")),
                "{text}"
            );
        }
    }

    #[test]
    fn fixed_and_free_numbers_are_valid_and_not_mobile() {
        for (text, e164) in [
            ("+7 495 123-45-67", "+74951234567"),
            ("+7 800 555 35 35", "+78005553535"),
            ("8 812 123 45 67", "+78121234567"),
        ] {
            let phone = parse(text).unwrap();
            assert_eq!(
                (phone.e164(), phone.region()),
                (e164, region("RU")),
                "{text}"
            );
            assert!(!phone.is_mobile(), "{text}");
        }
    }

    #[test]
    fn whatever_nobody_has_is_refused() {
        for text in [
            "",
            "+",
            "8",
            "+7916123456",
            "+791612345678",
            "+79161234567;ext=5",
            "+79161234567 ext. 5",
            "٨٩١٦١٢٣٤٥٦٧",
            "+7916123456٧",
            ".;phone-context=",
            "+dwPAA;phone-context=AA",
            "1-800-FLOWERS",
            "+7 916 123 45 67 and a very long tail of text",
        ] {
            assert_eq!(parse(text), Err(PhoneError::Invalid), "{text}");
        }
    }

    #[test]
    fn a_network_without_a_country_has_no_region() {
        // +883 is a network of the world; whether a number of it is valid is the metadata's business.
        if let Ok(phone) = parse("+883510012345678") {
            assert_eq!(phone.region(), None);
            assert!(!phone.is_mobile());
        }
    }

    #[test]
    fn prints_masked() {
        let phone = parse("+79161234567").unwrap();
        assert_eq!(phone.to_string(), "+7916•••4567");
        assert_eq!(format!("{phone:?}"), "Phone(+7916•••4567)");
        for e164 in ["+12", "+123456", "+123456789"] {
            let masked = Phone::from_e164(e164).unwrap().masked();
            assert!(
                masked.contains('•')
                    && masked.chars().filter(char::is_ascii_digit).count() < e164.len()
            );
        }
    }

    #[test]
    fn neighbours_have_one_prefix() {
        assert_eq!(parse("+79161234567").unwrap().prefix(), "+7916123");
        assert_eq!(Phone::from_e164("+12").unwrap().prefix(), "");
    }

    #[test]
    fn e164_comes_back_as_it_was() {
        assert_eq!(Phone::from_e164("+79161234567"), parse("89161234567"));
        for text in [
            "79161234567",
            "+7916 1234567",
            "+7",
            "+1234567890123456",
            "+7916123456٧",
        ] {
            assert_eq!(Phone::from_e164(text), Err(PhoneError::Invalid), "{text}");
        }
    }

    #[test]
    fn regions_are_two_letters() {
        assert_eq!("ru".parse(), Ok(Region::RU));
        for code in ["", "R", "RUS", "001", "Р"] {
            assert_eq!(
                code.parse::<Region>(),
                Err(PhoneError::UnknownRegion),
                "{code}"
            );
        }
    }
}
