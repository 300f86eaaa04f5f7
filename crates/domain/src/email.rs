//! E-mail addresses: checked as browsers check them, kept as they were written, printed masked.

use std::fmt;

/// The longest address that mail servers take, in bytes (RFC 5321).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// Not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

/// An e-mail address of the form that HTML asks for. It prints masked (`a•••@example.org`); the whole is read by
/// [`Email::as_str`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address; the part after the sign is made small.
    ///
    /// # Errors
    /// [`NotAnEmail`].
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(NotAnEmail);
        }
        let (local, host) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let in_local = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
        let dots_apart = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        let local_is_good =
            (1..=LONGEST_LOCAL).contains(&local.len()) && local.bytes().all(in_local) && dots_apart;
        if !local_is_good || !host.contains('.') || !host.split('.').all(is_label) {
            return Err(NotAnEmail);
        }
        Ok(Self(format!("{local}@{}", host.to_ascii_lowercase())))
    }

    /// The whole address. Personal data: not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which the address is found again: all of it small, for people write it as they like.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The address with most of its first part hidden.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, host) = self.0.split_once('@').unwrap_or(("", &self.0));
        format!("{}•••@{host}", &local[..local.len().min(1)])
    }
}

/// A name between the dots of a host.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them_and_printed_masked() {
        let email = Email::parse(" Anna.K@Example.ORG ").unwrap();
        assert_eq!(email.as_str(), "Anna.K@example.org");
        assert_eq!(email.folded(), "anna.k@example.org");
        assert_eq!(format!("{email:?}"), "Email(A•••@example.org)");
        assert!(Email::parse("a+b@sub.example.org").is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "anna",
            "@example.org",
            "anna@",
            "anna@example",
            "a b@example.org",
            "a@b@example.org",
            ".a@example.org",
            "a..b@example.org",
            "a@-example.org",
            "a@example..org",
            "a@example.org\r\nbcc:x@example.org",
            "анна@example.org",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}.org", "b".repeat(64)),
        ] {
            assert_eq!(Email::parse(text), Err(NotAnEmail), "{text:?}");
        }
    }
}
