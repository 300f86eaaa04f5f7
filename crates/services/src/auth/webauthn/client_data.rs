//! What the browser says: which ceremony, which challenge, whose page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::CeremonyFault;

/// Which of the two ceremonies it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// A passkey is made.
    Create,
    /// A passkey signs.
    Get,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// The fields that matter; browsers may say more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
}

/// Passes what was made in this ceremony, for this challenge, on a page of this origin that stands in no other's frame.
pub(super) fn check(
    bytes: &[u8],
    ceremony: Ceremony,
    challenge: &[u8],
    origin: &str,
) -> Result<(), CeremonyFault> {
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| CeremonyFault::ClientData)?;
    if said.ceremony != ceremony.name() {
        return Err(CeremonyFault::WrongCeremony);
    }
    if URL_SAFE_NO_PAD.decode(&said.challenge).ok().as_deref() != Some(challenge) {
        return Err(CeremonyFault::WrongChallenge);
    }
    if said.origin != origin || said.cross_origin == Some(true) || said.top_origin.is_some() {
        return Err(CeremonyFault::WrongOrigin);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_browser_says_has_to_fit() {
        let ours = "https://circle.example";
        let check = |json: &str| check(json.as_bytes(), Ceremony::Get, &[1, 2, 3], ours);
        let said = |extra: &str| {
            format!(r#"{{"type":"webauthn.get","challenge":"AQID","origin":"{ours}"{extra}}}"#)
        };
        assert_eq!(check(&said("")), Ok(()));
        assert_eq!(check(&said(r#","crossOrigin":false,"new":1"#)), Ok(()));
        for (json, fault) in [
            (said(r#","crossOrigin":true"#), CeremonyFault::WrongOrigin),
            (
                said(r#","topOrigin":"https://a.example""#),
                CeremonyFault::WrongOrigin,
            ),
            (
                said("").replace("get", "create"),
                CeremonyFault::WrongCeremony,
            ),
            (
                said("").replace("AQID", "AQIE"),
                CeremonyFault::WrongChallenge,
            ),
            (
                said("").replace("AQID", "AQID="),
                CeremonyFault::WrongChallenge,
            ),
            (
                said("").replace("https", "http"),
                CeremonyFault::WrongOrigin,
            ),
            (
                said("").replace(ours, "https://circle.example.evil"),
                CeremonyFault::WrongOrigin,
            ),
            (
                said("").replace("origin", "oregon"),
                CeremonyFault::ClientData,
            ),
            ("[]".to_owned(), CeremonyFault::ClientData),
        ] {
            assert_eq!(check(&json), Err(fault), "{json}");
        }
    }
}
