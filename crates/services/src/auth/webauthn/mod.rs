//! What a passkey has to prove (W3C Web Authentication Level 3, sections 7.1 and 7.2), from values alone: no clock, no
//! database. Attestation is not asked for and not believed; the user must have been verified. Start at
//! [`check_enrolment`] and [`check_assertion`]. Signatures are checked by aws-lc, keys and CBOR are read by `coset`.

mod authenticator_data;
mod client_data;
mod public_key;

use aws_lc_rs::digest::{SHA256, digest};
use coset::cbor::Value;

use self::authenticator_data::AuthenticatorData;
use self::client_data::Ceremony;
pub(crate) use self::public_key::ALGORITHMS;
use self::public_key::PublicKey;

/// The longest identifier that an authenticator may give a passkey, in bytes.
const LONGEST_CREDENTIAL: usize = 1023;

/// Who asks: the host that passkeys are bound to, and the origin whose pages may use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelyingParty {
    /// The host, without port.
    pub(crate) id: String,
    /// Scheme, host and port.
    pub(crate) origin: String,
}

/// Why an answer of an authenticator is worth nothing. For our own log: outside, all are one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CeremonyFault {
    /// What the browser says of itself is not what browsers say.
    #[error("the client data is malformed")]
    ClientData,
    /// The answer is for another ceremony.
    #[error("made for another ceremony")]
    WrongCeremony,
    /// The answer is to another challenge.
    #[error("made for another challenge")]
    WrongChallenge,
    /// A page that is not ours asked.
    #[error("made for a page that is not ours")]
    WrongOrigin,
    /// What the authenticator says is not what authenticators say.
    #[error("the authenticator's data are malformed")]
    AuthenticatorData,
    /// The passkey is another site's.
    #[error("made for another site")]
    WrongSite,
    /// Nobody touched the authenticator.
    #[error("nobody was there")]
    NobodyThere,
    /// The authenticator did not look who it was.
    #[error("the user was not verified")]
    NotVerified,
    /// The public key is malformed or of a kind that was not offered.
    #[error("the key is none that was offered")]
    Key,
    /// The signature is not the passkey's.
    #[error("the signature is wrong")]
    Signature,
    /// The authenticator has signed less often than before: there is a copy.
    #[error("the counter went back")]
    CounterWentBack,
    /// A passkey that was bound to one device no longer is, or the other way round.
    #[error("the passkey changed its nature")]
    Changed,
}

/// A passkey that was just made.
#[derive(Debug)]
pub(crate) struct NewCredential {
    /// What the authenticator calls it.
    pub(crate) id: Vec<u8>,
    /// COSE_Key.
    pub(crate) public_key: Vec<u8>,
    /// How often it has signed.
    pub(crate) sign_count: u32,
    /// Whether it may be kept in several devices.
    pub(crate) backup_eligible: bool,
    /// Whether it is.
    pub(crate) backed_up: bool,
}

/// What is known of a passkey that signs.
#[derive(Debug)]
pub(crate) struct KnownCredential<'a> {
    /// COSE_Key.
    pub(crate) public_key: &'a [u8],
    /// How often it had signed.
    pub(crate) sign_count: u32,
    /// Whether it may be kept in several devices.
    pub(crate) backup_eligible: bool,
}

/// What an authenticator says when somebody signs in.
#[derive(Debug)]
pub(crate) struct Assertion<'a> {
    /// What the browser says, as it was signed.
    pub(crate) client_data: &'a [u8],
    /// What the authenticator says, as it was signed.
    pub(crate) authenticator_data: &'a [u8],
    /// The signature over both.
    pub(crate) signature: &'a [u8],
}

/// What a good assertion changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asserted {
    /// How often the passkey has signed.
    pub(crate) sign_count: u32,
    /// Whether it is kept in several devices.
    pub(crate) backed_up: bool,
}

impl RelyingParty {
    /// The party of a service that is reached at this address.
    pub(crate) fn of(public_url: &str) -> Self {
        let (scheme, rest) = public_url
            .split_once("://")
            .unwrap_or(("https", public_url));
        let authority = rest.split('/').next().unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(port))
            }
            _ => (authority, None),
        };
        let usual = if scheme == "http" { "80" } else { "443" };
        // A browser leaves out the port that goes with the scheme.
        let origin = match port.filter(|port| *port != usual) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Self {
            id: host.to_ascii_lowercase(),
            origin: origin.to_ascii_lowercase(),
        }
    }

    fn hash(&self) -> [u8; 32] {
        sha256(self.id.as_bytes())
    }
}

/// Checks a new passkey. `attestation` is the attestation object; what it attests is not looked at.
pub(crate) fn check_enrolment(
    party: &RelyingParty,
    challenge: &[u8],
    client_data: &[u8],
    attestation: &[u8],
) -> Result<NewCredential, CeremonyFault> {
    client_data::check(client_data, Ceremony::Create, challenge, &party.origin)?;
    let data = authenticator_data_of(attestation)?;
    let data = AuthenticatorData::parse(&data)?;
    check_presence(party, &data)?;
    let credential = data.credential.ok_or(CeremonyFault::AuthenticatorData)?;
    if !(1..=LONGEST_CREDENTIAL).contains(&credential.id.len()) {
        return Err(CeremonyFault::AuthenticatorData);
    }
    PublicKey::parse(credential.public_key)?.check()?;
    Ok(NewCredential {
        id: credential.id.to_vec(),
        public_key: credential.public_key.to_vec(),
        sign_count: data.sign_count,
        backup_eligible: data.backup_eligible,
        backed_up: data.backed_up,
    })
}

/// Checks that a known passkey signed our challenge, on our page, for its verified user.
pub(crate) fn check_assertion(
    party: &RelyingParty,
    challenge: &[u8],
    known: &KnownCredential<'_>,
    given: &Assertion<'_>,
) -> Result<Asserted, CeremonyFault> {
    client_data::check(given.client_data, Ceremony::Get, challenge, &party.origin)?;
    let data = AuthenticatorData::parse(given.authenticator_data)?;
    check_presence(party, &data)?;
    if data.backup_eligible != known.backup_eligible {
        return Err(CeremonyFault::Changed);
    }
    let signed = [given.authenticator_data, &sha256(given.client_data)].concat();
    PublicKey::parse(known.public_key)?.verify(&signed, given.signature)?;
    // An authenticator that does not count says nought for ever.
    let counts = data.sign_count > 0 || known.sign_count > 0;
    if counts && data.sign_count <= known.sign_count {
        return Err(CeremonyFault::CounterWentBack);
    }
    Ok(Asserted {
        sign_count: data.sign_count,
        backed_up: data.backed_up,
    })
}

/// Our site, somebody there, and verified by the authenticator.
fn check_presence(party: &RelyingParty, data: &AuthenticatorData<'_>) -> Result<(), CeremonyFault> {
    if data.site_hash != party.hash() {
        return Err(CeremonyFault::WrongSite);
    }
    if !data.user_present {
        return Err(CeremonyFault::NobodyThere);
    }
    if !data.user_verified {
        return Err(CeremonyFault::NotVerified);
    }
    Ok(())
}

/// The authenticator's data in an attestation object.
fn authenticator_data_of(attestation: &[u8]) -> Result<Vec<u8>, CeremonyFault> {
    let fault = CeremonyFault::AuthenticatorData;
    let mut rest = attestation;
    let Ok(Value::Map(fields)) = coset::cbor::from_reader(&mut rest) else {
        return Err(fault);
    };
    if !rest.is_empty() {
        return Err(fault);
    }
    let mut found = fields
        .into_iter()
        .filter(|(name, _)| name.as_text() == Some("authData"));
    match (found.next(), found.next()) {
        (Some((_, Value::Bytes(data))), None) => Ok(data),
        _ => Err(fault),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_party_is_the_host_and_the_origin_as_browsers_write_it() {
        for (url, id, origin) in [
            (
                "https://circle.example",
                "circle.example",
                "https://circle.example",
            ),
            (
                "https://Circle.Example:443",
                "circle.example",
                "https://circle.example",
            ),
            (
                "http://localhost:8080",
                "localhost",
                "http://localhost:8080",
            ),
            (
                "https://a.example:8443/x",
                "a.example",
                "https://a.example:8443",
            ),
            ("http://[::1]:8080", "[::1]", "http://[::1]:8080"),
        ] {
            let party = RelyingParty::of(url);
            assert_eq!((party.id.as_str(), party.origin.as_str()), (id, origin));
        }
    }

    #[test]
    fn rubbish_is_refused_and_panics_nobody() {
        let party = RelyingParty::of("https://circle.example");
        let client =
            br#"{"type":"webauthn.create","challenge":"AAAA","origin":"https://circle.example"}"#;
        let challenge = [0; 3];
        for attestation in [
            &b""[..],
            b"\xa0",
            b"\xa1\x68authData\x41\x00",
            b"\xa1\x68authData\x01",
            b"\xff\xff\xff",
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x81; 10_000],
        ] {
            let refused = check_enrolment(&party, &challenge, client, attestation);
            assert_eq!(
                refused.map(|_| ()),
                Err(CeremonyFault::AuthenticatorData),
                "{attestation:?}"
            );
        }
    }
}
