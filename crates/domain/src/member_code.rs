//! How a member shows who he is: the member's number (printed on a card, good for earning) and the rotating code
//! (shown by the phone, new every 30 seconds, good for spending). Pure: the time is passed in.

use aws_lc_rs::{constant_time, hmac};

/// Seconds for which one rotating code is shown.
pub const STEP_SECONDS: i64 = 30;

/// Steps by which the phone's clock may differ, either way.
pub const STEPS_OF_GRACE: i64 = 1;

/// Digits at the end of a rotating code.
const CODE_DIGITS: usize = 8;

/// Digits of a locator.
pub const LOCATOR_DIGITS: usize = 12;

/// What each rotating code begins with, so that a scanner's reading can be told from a number.
const PREFIX: &str = "SK1";

/// A text that is no rotating code, or no member's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberCodeError {
    /// Not of the form of a rotating code.
    #[error("not a member code")]
    NotACode,
    /// Not a member's number, or mistyped: the check digit is wrong.
    #[error("not a member's number")]
    NotANumber,
}

/// A rotating code as it was scanned or typed: `SK1.<12 digits>.<8 digits>`. Not yet verified.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberCode {
    locator: String,
    digits: String,
}

impl MemberCode {
    /// The code that the card with this locator and secret shows at `unix_seconds`.
    #[must_use]
    pub fn generate(locator: &str, secret: &[u8; 32], unix_seconds: i64) -> Self {
        Self {
            locator: locator.to_owned(),
            digits: digits_of_step(secret, step_at(unix_seconds)),
        }
    }

    /// Reads a code. Scanners type: a Russian keyboard layout turns `SK1.` into `ЫЛ1ю`, and people type look-alikes;
    /// both are read.
    ///
    /// # Errors
    /// [`MemberCodeError::NotACode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MemberCodeError> {
        if text.len() > 64 {
            return Err(MemberCodeError::NotACode);
        }
        let text: String = text.trim().chars().map(latin).collect();
        let mut parts = text.split('.');
        let (Some(PREFIX), Some(locator), Some(digits), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MemberCodeError::NotACode);
        };
        if !all_digits(locator, LOCATOR_DIGITS) || !all_digits(digits, CODE_DIGITS) {
            return Err(MemberCodeError::NotACode);
        }
        Ok(Self {
            locator: locator.to_owned(),
            digits: digits.to_owned(),
        })
    }

    /// Which card it claims to be.
    #[must_use]
    pub fn locator(&self) -> &str {
        &self.locator
    }

    /// The step whose code this is, if it is one that is valid at `unix_seconds`. A step is to be used once.
    #[must_use]
    pub fn verify(&self, secret: &[u8; 32], unix_seconds: i64) -> Option<i64> {
        let now = step_at(unix_seconds);
        let mut found = None;
        for step in now.saturating_sub(STEPS_OF_GRACE)..=now.saturating_add(STEPS_OF_GRACE) {
            let expected = digits_of_step(secret, step);
            if constant_time::verify_slices_are_equal(expected.as_bytes(), self.digits.as_bytes())
                .is_ok()
            {
                found = Some(step);
            }
        }
        found
    }
}

impl std::fmt::Display for MemberCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}.{}.{}", self.locator, self.digits)
    }
}

impl std::fmt::Debug for MemberCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberCode({PREFIX}.{}.••••••••)", self.locator)
    }
}

/// The step that a moment lies in.
#[must_use]
pub const fn step_at(unix_seconds: i64) -> i64 {
    unix_seconds.div_euclid(STEP_SECONDS)
}

/// The last eight digits of HMAC-SHA-256 over the step: the first eight bytes of the hash, modulo 10^8.
fn digits_of_step(secret: &[u8; 32], step: i64) -> String {
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        &step.to_be_bytes(),
    );
    let mut first = [0; 8];
    first.copy_from_slice(&tag.as_ref()[..8]);
    format!("{:08}", u64::from_be_bytes(first) % 100_000_000)
}

/// A member's number: twelve digits, the first of them 2 as in-store numbers have it, so that it can be printed
/// as EAN-13 with its check digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberNumber(String);

impl MemberNumber {
    /// Digits without the check digit.
    pub const DIGITS: usize = 12;

    /// A number from 64 random bits: `2` and eleven digits. The caller sees to it that it is new.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(format!("2{:011}", bits % 100_000_000_000))
    }

    /// Reads twelve digits, or thirteen with the right check digit; spaces and dashes are skipped.
    ///
    /// # Errors
    /// [`MemberCodeError::NotANumber`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MemberCodeError> {
        if text.len() > 40 {
            return Err(MemberCodeError::NotANumber);
        }
        let digits: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '\u{a0}'))
            .collect();
        let number = match digits.len() {
            12 => digits.as_str(),
            13 => digits.get(..12).ok_or(MemberCodeError::NotANumber)?,
            _ => return Err(MemberCodeError::NotANumber),
        };
        if !all_digits(number, 12) || !number.starts_with('2') {
            return Err(MemberCodeError::NotANumber);
        }
        let number = Self(number.to_owned());
        if digits.len() == 13 && number.ean13() != digits {
            return Err(MemberCodeError::NotANumber);
        }
        Ok(number)
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The thirteen digits of the bar code.
    #[must_use]
    pub fn ean13(&self) -> String {
        let sum: u32 = self
            .0
            .bytes()
            .enumerate()
            .map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 })
            .sum();
        format!("{}{}", self.0, (10 - sum % 10) % 10)
    }
}

impl std::fmt::Display for MemberNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn all_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

/// The Latin character that was meant: letters of the Russian layout on the keys S, K and the full stop, and
/// Cyrillic letters that look like Latin ones.
const fn latin(c: char) -> char {
    match c {
        'ы' | 'Ы' | 's' => 'S',
        'л' | 'Л' | 'к' | 'К' | 'k' => 'K',
        'ю' | 'Ю' | ',' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];
    const LOCATOR: &str = "123456789012";

    #[test]
    fn a_code_is_valid_for_its_step_and_the_ones_beside() {
        let at = 1_772_442_000;
        let code = MemberCode::generate(LOCATOR, &SECRET, at);
        let step = step_at(at);
        for shift in [-30, 0, 29, 30, 59] {
            assert_eq!(code.verify(&SECRET, at + shift), Some(step), "{shift}");
        }
        for shift in [-31, 60, 3600] {
            assert_eq!(code.verify(&SECRET, at + shift), None, "{shift}");
        }
        assert_eq!(code.verify(&[8; 32], at), None);
    }

    #[test]
    fn a_code_goes_through_text_and_both_keyboard_layouts() {
        let code = MemberCode::generate(LOCATOR, &SECRET, 0);
        let text = code.to_string();
        assert_eq!(text.len(), 25);
        for typed in [
            text.clone(),
            text.to_lowercase(),
            text.replace('S', "Ы").replace('K', "Л").replace('.', "ю"),
            text.replace('K', "К"),
            format!(" {text}\r\n"),
        ] {
            assert_eq!(
                MemberCode::parse(&typed).unwrap().to_string(),
                text,
                "{typed}"
            );
        }
        assert!(!format!("{code:?}").contains(&code.digits));
    }

    #[test]
    fn other_texts_are_no_codes() {
        for text in [
            "",
            "SK1",
            "SK2.123456789012.12345678",
            "SK1.12345678901.12345678",
            "SK1.123456789012.1234567",
            "SK1.123456789012.12345678.1",
            "SK1.١23456789012.12345678",
            "SK1.123456789012.1234567a",
        ] {
            assert_eq!(
                MemberCode::parse(text),
                Err(MemberCodeError::NotACode),
                "{text}"
            );
        }
    }

    #[test]
    fn steps_are_whole_before_the_epoch_too() {
        assert_eq!(
            (step_at(-1), step_at(0), step_at(29), step_at(30)),
            (-1, 0, 0, 1)
        );
    }

    #[test]
    fn a_number_has_the_check_digit_of_ean13() {
        // 2·1 = 2, and 10 − 2 = 8.
        let number = MemberNumber::parse("200000000000").unwrap();
        assert_eq!(number.ean13(), "2000000000008");
        let number = MemberNumber::from_random(u64::MAX);
        assert_eq!(number.as_str().len(), MemberNumber::DIGITS);
        assert_eq!(MemberNumber::parse(&number.ean13()), Ok(number.clone()));
        assert_eq!(MemberNumber::parse(number.as_str()), Ok(number));
    }

    #[test]
    fn a_mistyped_number_is_refused() {
        let right = MemberNumber::from_random(12_345_678_901).ean13();
        for i in 0..13 {
            let mut typed = right.clone().into_bytes();
            typed[i] = if typed[i] == b'9' { b'0' } else { typed[i] + 1 };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(
                MemberNumber::parse(&typed),
                Err(MemberCodeError::NotANumber),
                "{typed}"
            );
        }
        for text in ["", "12", "100000000000", "2000000000000000", "2٠0000000000"] {
            assert_eq!(
                MemberNumber::parse(text),
                Err(MemberCodeError::NotANumber),
                "{text}"
            );
        }
    }
}
