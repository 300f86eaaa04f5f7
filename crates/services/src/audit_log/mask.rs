//! The last wall before the log: what looks like a phone, an e-mail address, a code or a token is not written down,
//! whoever has put it into an entry. Names can't be recognised; whoever writes an entry leaves them out.

use serde_json::Value;

/// What stands in place of a masked value.
pub(super) const MASK: &str = "•••";

/// Members of an object whose texts and numbers are never written.
const SECRET_NAMES: &[&str] = &[
    "phone",
    "email",
    "birthday",
    "first_name",
    "last_name",
    "full_name",
    "patronymic",
    "secret",
    "password",
    "pin",
    "otp",
    "token",
    "access_token",
    "refresh_token",
];

/// Masks whatever must not be written, however deep it stands.
pub(super) fn masked(value: Value) -> Value {
    match value {
        Value::String(text) if is_secret(&text) => MASK.into(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(_) | Value::Number(_) if is_secret_name(&name, &value) => {
                        MASK.into()
                    }
                    value => masked(value),
                };
                (name, value)
            })
            .collect(),
        value => value,
    }
}

/// The text, or the mask in its place.
pub(super) fn masked_text(text: String) -> String {
    if is_secret(&text) {
        MASK.to_owned()
    } else {
        text
    }
}

fn is_secret_name(name: &str, value: &Value) -> bool {
    let digits = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    SECRET_NAMES.contains(&name) || (name == "code" && value.as_str().is_some_and(digits))
}

fn is_secret(text: &str) -> bool {
    is_phone(text) || is_address(text) || is_token(text)
}

/// Ten digits or more, and nothing but what people write between them.
fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let between = |byte: u8| byte.is_ascii_digit() || b" +-()".contains(&byte);
    (10..=15).contains(&digits) && text.bytes().all(between)
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(before, after)| {
        !before.is_empty() && after.contains('.') && !text.contains(char::is_whitespace)
    })
}

/// A signed token, an integration key or a refresh token: 40 characters of base64 or more in one piece.
fn is_token(text: &str) -> bool {
    let kind = text.starts_with("eyJ") && text.matches('.').count() >= 2;
    let key = text.starts_with("ock_") && text.len() > 16;
    kind || key || text.starts_with("-----BEGIN")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_must_not_be_written_is_masked() {
        let before = json!({
            "phone": "x", "code": "123456", "list": ["+7 (916) 123-45-67", "79161234567", "a@b.ru"],
            "deep": { "token": "t", "password": 5, "key": "ock_0123456789abcdef0", "jwt": "eyJ.a.b" },
        });
        let after = json!({
            "phone": MASK, "code": MASK, "list": [MASK, MASK, MASK],
            "deep": { "token": MASK, "password": MASK, "key": MASK, "jwt": MASK },
        });
        assert_eq!(masked(before), after);
    }

    #[test]
    fn what_may_be_written_stays() {
        let plain = json!({
            "code": "gold", "rate": 500, "amount": 79_161_234_567_i64, "at": "2026-03-02T09:00:00Z",
            "id": "018f2b7e-1234-7abc-8def-0123456789ab", "name": "Кафе «Луна»", "prefix": "ock_abcd1234",
            "role": "owner@018f2b7e-1234-7abc-8def-0123456789ab", "phone": null,
        });
        assert_eq!(masked(plain.clone()), plain);
    }
}
