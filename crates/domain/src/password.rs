//! Passwords as NIST SP 800-63B-4 wants them: long enough beside a second factor, none that many people have, and no rule
//! about what characters they are made of. Guessing tables come from the crate `zxcvbn`; it knows no Russian ones.

use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password that goes with a second factor.
pub const LEAST: usize = 8;

/// The most characters; a limit only so that nobody sends a book.
pub const MOST: usize = 256;

/// What many people in this country choose, in small letters; longer ones that only add digits count as well.
const COMMON_HERE: [&str; 24] = [
    "йцукенгш",
    "йцукенгшщз",
    "фывапролд",
    "ячсмитьбю",
    "пароль",
    "парольпароль",
    "любовь",
    "солнышко",
    "привет",
    "приветпривет",
    "москва",
    "россия",
    "наташа",
    "александр",
    "екатерина",
    "анастасия",
    "максим",
    "спартак",
    "зайчик",
    "администратор",
    "админ",
    "свойкруг",
    "owncircle",
    "svoykrug",
];

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("must have at least 8 characters")]
    TooShort,
    /// Too many.
    #[error("must have at most 256 characters")]
    TooLong,
    /// It is among the first that somebody who guesses would try.
    #[error("is one that is guessed soon: choose a longer or rarer one")]
    TooCommon,
}

/// A password in the one form in which it is hashed and compared. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password that somebody signs in with: brought into its form, and judged no further.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.nfkc().collect())
    }

    /// A password that somebody chooses. `about` are words that whoever guesses would try first, such as the person's
    /// phone. Takes some milliseconds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn chosen(text: &str, about: &[&str]) -> Result<Self, PasswordError> {
        // A character has at most four bytes: an endless text is refused before it is walked.
        if text.len() > MOST * 4 {
            return Err(PasswordError::TooLong);
        }
        let password = Self::given(text);
        match password.0.chars().count() {
            ..LEAST => return Err(PasswordError::TooShort),
            LEAST..=MOST => {}
            _ => return Err(PasswordError::TooLong),
        }
        let letters = password.0.to_lowercase();
        let bare = letters.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
        let guessed = bare.is_empty() && letters.chars().count() < 12;
        if guessed || COMMON_HERE.contains(&bare) || zxcvbn(&letters, about).score() < Score::Two {
            return Err(PasswordError::TooCommon);
        }
        Ok(password)
    }

    /// Its bytes, for the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_and_characters_do_not() {
        let choose = |text: &str| Password::chosen(text, &[]).map(|_| ());
        assert_eq!(choose("kiwi7ge"), Err(PasswordError::TooShort));
        assert_eq!(choose("вжзюфк8"), Err(PasswordError::TooShort));
        for fine in [
            "vrkqzmxw",
            "зелёный слон пьёт кефир",
            "correct horse battery staple with 64 characters and many more words",
            "🦊🍋 луна и кит",
            " leading and trailing spaces count ",
        ] {
            assert_eq!(choose(fine), Ok(()), "{fine}");
        }
        assert_eq!(choose(&"ж".repeat(257)), Err(PasswordError::TooLong));
        assert_eq!(choose(&"x".repeat(100_000)), Err(PasswordError::TooLong));
    }

    #[test]
    fn what_everybody_has_is_refused() {
        for common in [
            "password",
            "Password1",
            "qwertyuiop",
            "12345678",
            "1234567890",
            "iloveyou1",
            "Пароль123",
            "йцукенгш",
            "солнышко2024",
            "SvoyKrug2026!",
            "aaaaaaaaaa",
        ] {
            let refused = Password::chosen(common, &[]).err();
            assert_eq!(refused, Some(PasswordError::TooCommon), "{common}");
        }
        let own = Password::chosen("79161234567", &["79161234567"]).err();
        assert_eq!(own, Some(PasswordError::TooCommon));
    }

    #[test]
    fn two_ways_to_write_a_character_are_one() {
        assert_eq!(Password::given("e\u{301}"), Password::given("\u{e9}"));
        assert_ne!(Password::given("a"), Password::given("A"));
        assert_eq!(format!("{:?}", Password::given("secret")), "Password");
    }
}
