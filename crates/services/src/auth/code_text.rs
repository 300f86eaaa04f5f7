//! The text that brings a one-time code. Its last line lets browsers fill the code in, on our own site only (WICG
//! sms-one-time-codes); a line with the app's hash lets Android hand it to the app (SMS Retriever).

use domain::people::{CodePurpose, Locale};

/// The most bytes of a message that SMS Retriever looks at; also one part in UCS-2.
const ONE_PART: usize = 140;

/// The message.
pub(super) fn code_text(
    locale: Locale,
    purpose: CodePurpose,
    code: &str,
    host: &str,
    app_hash: Option<&str>,
) -> String {
    let end = match app_hash {
        Some(hash) => format!("\n{hash}\n@{host} #{code}"),
        None => format!("\n\n@{host} #{code}"),
    };
    let whole = format!("{}{end}", sentence(locale, purpose, code));
    if app_hash.is_none() || bytes(&whole) <= ONE_PART {
        return whole;
    }
    let brief = match locale {
        Locale::Ru => format!("Код {code}"),
        Locale::En => format!("Code {code}"),
    };
    format!("{brief}{end}")
}

/// What the code is for, so that nobody gives away a code for something else than he thinks.
fn sentence(locale: Locale, purpose: CodePurpose, code: &str) -> String {
    match (locale, purpose) {
        (Locale::Ru, CodePurpose::SignIn) => {
            format!("Код для входа: {code}. Никому его не говорите.")
        }
        (Locale::Ru, CodePurpose::ChangePhone) => {
            format!("Код для смены номера: {code}. Никому его не говорите.")
        }
        (Locale::En, CodePurpose::SignIn) => {
            format!("Your sign-in code: {code}. Tell it to nobody.")
        }
        (Locale::En, CodePurpose::ChangePhone) => {
            format!("Your code for changing the phone: {code}. Tell it to nobody.")
        }
    }
}

/// The length on the way: as UCS-2 or as UTF-8, whichever is more.
fn bytes(text: &str) -> usize {
    text.len().max(text.encode_utf16().count() * 2)
}

/// The host of an address, without port.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_names_host_and_code() {
        for locale in Locale::ALL {
            for purpose in CodePurpose::ALL {
                let text = code_text(*locale, *purpose, "012345", "circle.example", None);
                assert_eq!(text.lines().last(), Some("@circle.example #012345"));
                assert_eq!(text.matches("012345").count(), 2);
                assert!(text.encode_utf16().count() <= 134, "two parts at most");
            }
        }
    }

    #[test]
    fn android_finds_the_app_in_one_part() {
        let hash = "FA+9qCX9VSu";
        for host in ["circle.example", "loyalty.own-circle-of-a-town.example"] {
            for locale in Locale::ALL {
                for purpose in CodePurpose::ALL {
                    let text = code_text(*locale, *purpose, "012345", host, Some(hash));
                    assert!(bytes(&text) <= ONE_PART, "{text}");
                    let lines: Vec<&str> = text.lines().collect();
                    assert_eq!(lines[lines.len() - 2], hash);
                    assert_eq!(lines[lines.len() - 1], format!("@{host} #012345"));
                    assert!(lines[0].contains("012345"));
                }
            }
        }
    }

    #[test]
    fn a_host_has_no_port() {
        assert_eq!(host_of("https://circle.example:8443/x"), "circle.example");
        assert_eq!(host_of("http://127.0.0.1:8080"), "127.0.0.1");
    }
}
