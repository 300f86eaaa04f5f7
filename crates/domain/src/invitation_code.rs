//! The code by which a member brings others: unguessable (40 bits), without look-alikes, with a character that finds
//! typing errors.

use std::fmt;

/// Thirty-two characters, none of which looks like another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

/// Not a code, or a mistyped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation code")]
pub struct NotAnInvitationCode;

/// An invitation code: eight characters and one that checks them, shown as `ABC-DEF-GHJ`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InvitationCode(String);

impl InvitationCode {
    /// The code made of five random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 5]) -> Self {
        let bits = random
            .iter()
            .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let digits = (0..LENGTH).map(|n| {
            let five = (bits >> (5 * (LENGTH - 1 - n))) & 31;
            usize::try_from(five).unwrap_or_default()
        });
        let mut code: String = digits.clone().map(letter).collect();
        code.push(letter(check(digits)));
        Self(code)
    }

    /// Reads a code as people write it: small letters, dashes, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`NotAnInvitationCode`].
    pub fn parse(text: &str) -> Result<Self, NotAnInvitationCode> {
        if text.len() > 32 {
            return Err(NotAnInvitationCode);
        }
        let mut digits = Vec::with_capacity(LENGTH + 1);
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            digits.push(value(c).ok_or(NotAnInvitationCode)?);
        }
        let (last, body) = digits.split_last().ok_or(NotAnInvitationCode)?;
        if body.len() != LENGTH || check(body.iter().copied()) != *last {
            return Err(NotAnInvitationCode);
        }
        Ok(Self(digits.into_iter().map(letter).collect()))
    }

    /// The nine characters without dashes, as the database keeps them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A sum with weights that finds every single wrong character and every two that changed places.
fn check(digits: impl Iterator<Item = usize>) -> usize {
    let weights = [1, 3, 5, 7, 9, 11, 13, 15];
    digits
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum::<usize>()
        % 32
}

fn letter(digit: usize) -> char {
    char::from(ALPHABET[digit % ALPHABET.len()])
}

fn value(c: char) -> Option<usize> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let byte = u8::try_from(c).ok()?;
    ALPHABET.iter().position(|letter| *letter == byte)
}

impl fmt::Display for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.0.split_at(3);
        let (second, third) = rest.split_at(3);
        write!(f, "{first}-{second}-{third}")
    }
}

impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = InvitationCode::from_random([0x01, 0x23, 0x45, 0x67, 0x89]);
        let shown = code.to_string();
        assert_eq!(shown.len(), 11);
        for text in [shown.clone(), shown.to_lowercase(), shown.replace('-', " ")] {
            assert_eq!(InvitationCode::parse(&text), Ok(code.clone()), "{text}");
        }
        let confused = shown.replace('0', "o").replace('1', "l");
        assert_eq!(InvitationCode::parse(&confused), Ok(code));
    }

    #[test]
    fn every_wrong_character_is_found() {
        let code = InvitationCode::from_random([0xfe, 0x12, 0x9a, 0x00, 0x77]);
        let whole = code.as_str().to_owned();
        for at in 0..whole.len() {
            for other in ALPHABET.iter().map(|byte| char::from(*byte)) {
                let mut wrong: Vec<char> = whole.chars().collect();
                if wrong[at] == other {
                    continue;
                }
                wrong[at] = other;
                let wrong: String = wrong.into_iter().collect();
                assert_eq!(InvitationCode::parse(&wrong), Err(NotAnInvitationCode));
            }
        }
        for bad in ["", "-", "U", "ABC", &"A".repeat(40)] {
            assert_eq!(InvitationCode::parse(bad), Err(NotAnInvitationCode));
        }
    }
}
