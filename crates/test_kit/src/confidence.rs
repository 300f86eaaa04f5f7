//! What a test says in confidence does not come out in the log. Every request and answer of a test is looked through for
//! phones, names of members, addresses, passwords, codes and tokens; the log of the whole test is kept, and when its
//! database goes, none of them may stand there.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use serde_json::Value;
use services::log::secrecy;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Everything but the steps of those who carry bytes and requests; the program is listened to with them.
const LISTENED_TO: &str = "trace,h2=debug,hyper=debug,hyper_util=debug,mio=debug,redis=debug,sqlx=debug,tokio=debug,\
                           tokio_util=debug,tower=debug";

/// Shorter ones are found anywhere: of tokens and phones, and of names.
const SHORTEST: usize = 8;
const SHORTEST_NAME: usize = 4;

/// The log of this process; a test is a process of its own.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(|| {
    let listening = tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::new(format!("{LISTENED_TO},{}", secrecy())))
        .with_writer(ToLog)
        .try_init();
    listening.expect("nobody else listens to everything");
    Mutex::default()
});

static TOLD: Mutex<Told> = Mutex::new(Told {
    texts: BTreeSet::new(),
    codes: BTreeSet::new(),
});

struct Told {
    texts: BTreeSet<String>,
    /// Six digits, which are only meant where they stand alone.
    codes: BTreeSet<String>,
}

struct ToLog;

impl Write for &ToLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        held(&LOG).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for ToLog {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to keep the log.
pub(crate) fn listen() {
    LazyLock::force(&LOG);
}

/// Takes what a request or an answer has in its headers.
pub(crate) fn note_headers(headers: &HeaderMap) {
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        held(&TOLD).text(token);
    }
}

/// Takes what the body of a request to a path has.
pub(crate) fn note_request(path: &str, body: &Value) {
    held(&TOLD).walk(body, path.contains("/users/me"));
}

/// Takes a code that was sent.
pub(crate) fn note_code(code: &str) {
    held(&TOLD).codes.insert(code.to_owned());
}

/// Takes what an answer has.
pub(crate) fn note_answer(body: &[u8]) {
    if let Ok(body) = serde_json::from_slice(body) {
        held(&TOLD).walk(&body, false);
    }
}

impl Told {
    fn walk(&mut self, value: &Value, of_a_member: bool) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) => self.field(name, text, of_a_member),
                        other => self.walk(other, of_a_member),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, of_a_member)),
            _ => {}
        }
    }

    fn field(&mut self, name: &str, value: &str, of_a_member: bool) {
        match name {
            "phone" => {
                let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                self.text(&digits[digits.len().saturating_sub(10)..]);
            }
            "code" | "totp" if is_code(value) => {
                self.codes.insert(value.to_owned());
            }
            "name" | "birthday" if of_a_member && value.chars().count() >= SHORTEST_NAME => {
                self.texts.insert(value.to_owned());
            }
            "access_token" | "refresh_token" | "token" | "secret" | "password" | "email"
            | "recovery_code" => self.text(value),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if text.chars().count() >= SHORTEST {
            self.texts.insert(text.to_owned());
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether digits stand alone: six of them are soon found inside an identifier or a time.
#[must_use]
pub fn stands_alone(line: &str, digits: &str) -> bool {
    line.match_indices(digits).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + digits.len()..].chars().next();
        let apart =
            |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
        apart(before) && apart(after)
    })
}

/// Whether a line tells a code; a number of a field, `"rows":123456`, is none.
fn tells_code(line: &str, code: &str) -> bool {
    stands_alone(line, code) && !line.contains(&format!("\":{code}"))
}

/// Says that the log is free of what was told so far.
///
/// # Panics
/// If it is not, and the test has not failed already.
pub(crate) fn assert_kept() {
    if std::thread::panicking() {
        return;
    }
    let bytes = std::mem::take(&mut *held(&LOG));
    let log = String::from_utf8_lossy(&bytes);
    let told = held(&TOLD);
    let found = log.lines().find_map(|line| {
        let text = told.texts.iter().find(|text| line.contains(*text));
        let code = told.codes.iter().find(|code| tells_code(line, code));
        Some((text.or(code)?.clone(), line.to_owned()))
    });
    drop(told);
    if let Some((secret, line)) = found {
        panic!("the log tells {secret}: {line}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_told_is_found_in_the_log() {
        listen();
        note_request(
            "/api/v1/auth/token",
            &json!({"phone": "+7 916 123-45-67", "code": "012345", "name": "Кофейня на углу"}),
        );
        tracing::info!(
            receipt = "Кофейня на углу",
            id = "a-012345",
            "nothing of it"
        );
        note_code("123456");
        tracing::info!(rows = 123_456, "a number");
        assert_kept();
        for line in ["8 (916) 9161234567", "code 012345 is wrong"] {
            tracing::debug!("{line}");
            assert!(std::panic::catch_unwind(assert_kept).is_err(), "{line}");
        }
    }
}
