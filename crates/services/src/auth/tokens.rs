//! What a sign-in or a renewal gives: an access token and the refresh token after it.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{MemberId, SessionId};
use store::error::StoreError;

use super::access_token::{self, NewAccessToken};
use super::signing_keys::Keyring;
use crate::caller::Person;
use crate::context::Context;

/// What every refresh token begins with, so that a leaked one is found by scanners.
const PREFIX: &str = "ocr_";

/// Tokens for one sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Bearer of the requests (RFC 9068).
    pub access_token: String,
    /// Seconds for which it is valid.
    pub expires_in: u32,
    /// Gives the next pair, once.
    pub refresh_token: String,
    /// When the sign-in ends unless it is renewed before.
    pub refresh_expires_at: DateTime<Utc>,
    /// The sign-in.
    pub session: SessionId,
    /// The member.
    pub member: MemberId,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("session", &self.session)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

/// A refresh token: 256 bits, of which only the hash is stored.
#[derive(Clone, Copy)]
pub(super) struct RefreshToken([u8; 32]);

impl RefreshToken {
    pub(super) const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(PREFIX)?;
        if secret.len() != 43 {
            return None;
        }
        Some(Self(URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?))
    }

    pub(super) fn child(self, ctx: &Context) -> Self {
        Self(ctx.vault().refresh_child(&self.0))
    }

    pub(super) fn hash(self) -> Vec<u8> {
        digest::digest(&digest::SHA256, &self.0).as_ref().to_vec()
    }

    fn text(self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// How long a sign-in lives: staff and operators can do more harm, and theirs end sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionLife {
    /// Without renewal.
    pub(super) idle: TimeDelta,
    /// In all.
    pub(super) whole: TimeDelta,
}

impl SessionLife {
    /// The longest that anybody's is.
    pub(super) const LONGEST: Self = Self {
        idle: TimeDelta::days(30),
        whole: TimeDelta::days(90),
    };

    pub(super) fn of(person: &Person) -> Self {
        if person.staff.is_empty() && person.operator.is_empty() {
            Self::LONGEST
        } else {
            Self {
                idle: TimeDelta::hours(1),
                whole: TimeDelta::hours(12),
            }
        }
    }

    /// When a sign-in ends that was made and last renewed at these times.
    pub(super) fn ends_at(
        self,
        created_at: DateTime<Utc>,
        last_seen_at: DateTime<Utc>,
    ) -> DateTime<Utc> {
        (created_at + self.whole).min(last_seen_at + self.idle)
    }
}

/// The pair of tokens, after everything was stored.
pub(super) fn tokens(
    ctx: &Context,
    keyring: &Keyring,
    person: &Person,
    created_at: DateTime<Utc>,
    refresh: RefreshToken,
) -> Result<Tokens, StoreError> {
    let now = ctx.clock().now();
    let new = NewAccessToken {
        member: person.member,
        session: person.session,
        auth_time: person.auth_time,
        amr: &person.amr,
        id: ctx.ids().uuid(),
        now,
    };
    let access_token =
        access_token::issue(keyring, &ctx.config().public_url, &new).ok_or_else(|| {
            StoreError(sqlx::Error::Configuration(
                "there is no key that signs tokens".into(),
            ))
        })?;
    Ok(Tokens {
        access_token,
        expires_in: u32::try_from(access_token::LIFE.num_seconds()).unwrap_or(0),
        refresh_token: refresh.text(),
        refresh_expires_at: SessionLife::of(person).ends_at(created_at, now),
        session: person.session,
        member: person.member,
    })
}

#[cfg(test)]
mod tests {
    use domain::rights::OperatorRole;

    use super::*;

    #[test]
    fn a_refresh_token_goes_there_and_back() {
        let token = RefreshToken::new([9; 32]);
        assert_eq!(
            RefreshToken::parse(&token.text()).unwrap().hash(),
            token.hash()
        );
        for text in [
            "",
            "ocr_",
            "ocr_AAAA",
            "ock_AAAA",
            &format!("{}A", token.text()),
        ] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_sign_in_ends_by_rest_and_by_age() {
        let at = |days: i64| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        assert_eq!(SessionLife::LONGEST.ends_at(at(0), at(0)), at(30));
        assert_eq!(SessionLife::LONGEST.ends_at(at(0), at(80)), at(90));
    }

    #[test]
    fn whoever_has_a_role_signs_in_every_day() {
        let cashier = Person {
            operator: vec![OperatorRole::Support],
            ..nobody()
        };
        let at = |hours: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        let life = SessionLife::of(&cashier);
        assert_eq!(life.ends_at(at(0), at(0)), at(1));
        assert_eq!(life.ends_at(at(0), at(11)), at(12));
        assert_eq!(life.ends_at(at(0), at(30)), at(12));
        assert_eq!(SessionLife::of(&nobody()), SessionLife::LONGEST);
    }

    fn nobody() -> Person {
        Person {
            member: uuid::Uuid::from_u128(1).into(),
            session: uuid::Uuid::from_u128(2).into(),
            staff: Vec::new(),
            operator: Vec::new(),
            auth_time: DateTime::UNIX_EPOCH,
            amr: Vec::new(),
            withheld: false,
        }
    }
}
