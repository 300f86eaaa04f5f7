//! Access tokens (RFC 9068): short, signed with the one algorithm of their key, checked in one place. Nothing that the token says of keys is
//! believed but its `kid`, which is looked up among our own; times are compared with the service's clock.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{MemberId, SessionId};
use jsonwebtoken::Validation;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use self::seen::SeenToken;
use super::signing_keys::Keyring;

pub(super) mod seen;

/// How long an access token lives.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);

/// How far two clocks may differ.
const LEEWAY_SECONDS: i64 = 30;

/// The longest token that is looked at.
const LONGEST: usize = 8 * 1024;

/// The longest name of a key.
const LONGEST_KID: usize = 64;

/// The one client of these tokens: our own pages and apps.
const CLIENT: &str = "own-circle";

/// Who a valid access token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// The member.
    pub member: MemberId,
    /// The sign-in.
    pub session: SessionId,
    /// From when on the token is worth nothing.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is refused. For our own log: outside, all are one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url, or too long.
    #[error("not a token in compact form")]
    Form,
    /// The header is not the one that our tokens have.
    #[error("not a header of our access tokens")]
    Header,
    /// No key of ours has this name.
    #[error("signed with a key that is not ours")]
    UnknownKey,
    /// The signature or a claim that every token has is wrong or missing.
    #[error("the signature or a claim is wrong")]
    Claims,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not valid yet")]
    NotYet,
}

impl TokenError {
    /// The reason, for a log.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Form => "not a token in compact form",
            Self::Header => "not a header of our access tokens",
            Self::UnknownKey => "signed with a key that is not ours",
            Self::Claims => "the signature or a claim is wrong",
            Self::Expired => "expired",
            Self::NotYet => "not valid yet",
        }
    }
}

#[derive(Serialize)]
struct HeaderOut<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct HeaderIn {
    alg: String,
    typ: String,
    kid: String,
    /// Whatever it says must be understood, we don't.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    client_id: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: Uuid,
    sid: Uuid,
    auth_time: i64,
    amr: Vec<String>,
}

/// What an access token is made from.
#[derive(Debug)]
pub(super) struct NewAccessToken<'a> {
    pub(super) member: MemberId,
    pub(super) session: SessionId,
    pub(super) auth_time: DateTime<Utc>,
    pub(super) amr: &'a [String],
    pub(super) id: Uuid,
    pub(super) now: DateTime<Utc>,
}

/// Signs an access token; `None` if there is no key that signs.
pub(super) fn issue(
    keyring: &Keyring,
    public_url: &str,
    new: &NewAccessToken<'_>,
) -> Option<String> {
    let (kid, key) = keyring.signing()?;
    let claims = Claims {
        iss: public_url.to_owned(),
        aud: audience(public_url),
        sub: new.member.as_uuid(),
        client_id: CLIENT.to_owned(),
        iat: new.now.timestamp(),
        exp: (new.now + LIFE).timestamp(),
        nbf: None,
        jti: new.id,
        sid: new.session.as_uuid(),
        auth_time: new.auth_time.timestamp(),
        amr: new.amr.to_vec(),
    };
    let header = HeaderOut {
        alg: key.alg().as_str(),
        typ: "at+jwt",
        kid,
    };
    let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).ok()?);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).ok()?, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
    Some(token)
}

/// The one place where an access token is believed.
///
/// # Errors
/// See [`TokenError`].
pub fn verify_access_token(
    token: &str,
    keyring: &Keyring,
    public_url: &str,
    now: DateTime<Utc>,
) -> Result<AccessClaims, TokenError> {
    if token.len() > LONGEST {
        return Err(TokenError::Form);
    }
    let name = seen::name_of(public_url, token);
    if let Some(seen) = keyring.seen().get(&name) {
        return seen.at(now);
    }
    let found = check_token(token, keyring, public_url)?;
    let claims = found.at(now)?;
    keyring.seen().put(name, found);
    Ok(claims)
}

/// All that is right or wrong with a token whatever the time is.
fn check_token(token: &str, keyring: &Keyring, public_url: &str) -> Result<SeenToken, TokenError> {
    let header = header_of(token)?;
    if header.crit || !matches!(header.typ.as_str(), "at+jwt" | "application/at+jwt") {
        return Err(TokenError::Header);
    }
    if header.kid.len() > LONGEST_KID {
        return Err(TokenError::UnknownKey);
    }
    let key = keyring
        .verifying(&header.kid)
        .ok_or(TokenError::UnknownKey)?;
    if header.alg != format!("{:?}", key.alg) {
        return Err(TokenError::Header);
    }
    let mut rules = Validation::new(key.alg);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_issuer(&[public_url]);
    rules.set_audience(&[audience(public_url)]);
    // The crate would ask the system's clock; ours is asked by whoever uses the token.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &rules)
        .map_err(|_| TokenError::Claims)?
        .claims;
    check_claims(&claims, public_url)?;
    Ok(SeenToken {
        member: claims.sub.into(),
        session: claims.sid.into(),
        iat: claims.iat,
        exp: claims.exp,
        nbf: claims.nbf,
    })
}

/// The header of a token in compact form.
fn header_of(token: &str) -> Result<HeaderIn, TokenError> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Form);
    };
    let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !token.bytes().all(base64url) {
        return Err(TokenError::Form);
    }
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| TokenError::Form)?;
    serde_json::from_slice(&header).map_err(|_| TokenError::Header)
}

/// What the crate does not check, or not strictly: one issuer, one audience, one client, a short life.
fn check_claims(claims: &Claims, public_url: &str) -> Result<(), TokenError> {
    let life = claims
        .exp
        .checked_sub(claims.iat)
        .ok_or(TokenError::Claims)?;
    if claims.iss != public_url
        || claims.aud != audience(public_url)
        || claims.client_id != CLIENT
        || !(1..=LIFE.num_seconds()).contains(&life)
    {
        return Err(TokenError::Claims);
    }
    Ok(())
}

/// Whom the tokens are for.
fn audience(public_url: &str) -> String {
    format!("{public_url}/api")
}

#[cfg(test)]
mod tests;
