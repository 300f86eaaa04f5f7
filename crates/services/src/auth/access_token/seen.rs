//! Tokens whose signature was found right, so that it is computed once and not for every request: a signature that is
//! right stays right as long as the keys are the same. Times are compared at every request all the same.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use domain::ids::{MemberId, SessionId};

use super::{AccessClaims, LEEWAY_SECONDS, TokenError};

/// When so many came, what came before them is forgotten: at most twice as many are kept.
const HALF: usize = 8192;

/// SHA-256 of a token and of the service that it was checked for.
pub(super) type TokenName = [u8; 32];

/// What a token with a right signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeenToken {
    pub(super) member: MemberId,
    pub(super) session: SessionId,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) nbf: Option<i64>,
}

/// See the module. It belongs to one set of keys and goes with it.
#[derive(Debug, Default)]
pub(in crate::auth) struct SeenTokens(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<TokenName, SeenToken>,
    old: HashMap<TokenName, SeenToken>,
}

/// The name of a token.
pub(super) fn name_of(public_url: &str, token: &str) -> TokenName {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(public_url.as_bytes());
    context.update(&[0]);
    context.update(token.as_bytes());
    let mut name = [0; 32];
    name.copy_from_slice(context.finish().as_ref());
    name
}

impl SeenTokens {
    /// What the token says, if it was seen before.
    pub(super) fn get(&self, name: &TokenName) -> Option<SeenToken> {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = halves.young.get(name).or_else(|| halves.old.get(name));
        found.copied()
    }

    /// Keeps what a token says whose signature is right.
    pub(super) fn put(&self, name: TokenName, seen: SeenToken) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.young.len() >= HALF {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(name, seen);
    }
}

impl SeenToken {
    /// Whom the token speaks for at this moment, by our own clock.
    pub(super) fn at(&self, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        let seconds = now.timestamp();
        if self.exp <= seconds.saturating_sub(LEEWAY_SECONDS) {
            return Err(TokenError::Expired);
        }
        let latest_start = seconds.saturating_add(LEEWAY_SECONDS);
        if self.iat > latest_start || self.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(TokenError::NotYet);
        }
        Ok(AccessClaims {
            member: self.member,
            session: self.session,
            expires_at: DateTime::from_timestamp(self.exp, 0).ok_or(TokenError::Claims)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn it_stays_small_and_keeps_what_came_last() {
        let tokens = SeenTokens::default();
        let seen = SeenToken {
            member: Uuid::from_u128(1).into(),
            session: Uuid::from_u128(2).into(),
            iat: 0,
            exp: 600,
            nbf: None,
        };
        let names: Vec<TokenName> = (0..4 * HALF)
            .map(|n| name_of("https://circle.example", &n.to_string()))
            .collect();
        for name in &names {
            tokens.put(*name, seen);
        }
        let kept = names.iter().filter(|name| tokens.get(name).is_some());
        assert_eq!(kept.count(), 2 * HALF);
        assert_eq!(tokens.get(&names[4 * HALF - 1]), Some(seen));
        assert_eq!(tokens.get(&names[0]), None);
    }

    #[test]
    fn a_token_has_another_name_at_another_service() {
        assert_ne!(
            name_of("https://a.example", "t"),
            name_of("https://b.example", "t")
        );
        assert_ne!(name_of("ab", "c"), name_of("a", "bc"));
    }
}
