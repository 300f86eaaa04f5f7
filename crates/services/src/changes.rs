//! What was changed, so that every process forgets what it keeps of it: this one at once, the others as soon as they
//! hear of it. A process that hears nothing, because Redis is away or there is none, finds out by the age of what it
//! keeps ([`crate::cache::MAX_AGE`]).

use std::sync::Weak;

use domain::ids::{BusinessId, KeyId, MemberId, SessionId};
use serde::{Deserialize, Serialize};
use shared_state::{News, Subscription};

use crate::caches::Caches;
use crate::clock::Clock;

/// Something that was changed, as it is told to other processes. Identifiers alone: what they stand for is read from
/// the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// A sign-in was ended.
    #[serde(rename = "s")]
    Session(SessionId),
    /// What a member may do: roles given or taken, blocked or let in again, all sign-ins ended.
    #[serde(rename = "m")]
    Member(MemberId),
    /// An integration key was revoked.
    #[serde(rename = "k")]
    Key(KeyId),
    /// Terms or outlets of a business.
    #[serde(rename = "b")]
    Business(BusinessId),
    /// Rules of a business, or those that hold everywhere.
    #[serde(rename = "r")]
    Rules(Option<BusinessId>),
    /// The tiers.
    #[serde(rename = "l")]
    Ladder,
    /// The programme's settings.
    #[serde(rename = "p")]
    Programme,
    /// The keys that sign tokens.
    #[serde(rename = "j")]
    Keyring,
    /// What members have.
    #[serde(rename = "w")]
    Balances(Vec<MemberId>),
    /// A business sent a wrong rotating code of this card.
    #[serde(rename = "c")]
    WrongCode(BusinessId, u64),
}

impl Change {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // It is made of identifiers and numbers, of which none has no place in JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Follows what other processes tell, until the caches are gone.
pub(crate) async fn follow(mut news: Subscription, caches: Weak<Caches>, clock: Clock) {
    while let Some(heard) = news.next().await {
        let Some(caches) = caches.upgrade() else {
            return;
        };
        match heard {
            News::Missed => caches.forget_all(),
            News::Told(message) => match Change::from_bytes(&message) {
                Some(change) => caches.follow(&change, clock.now()),
                // From a process of another version: it may have meant anything.
                None => caches.forget_all(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_was_told() {
        let id = uuid::Uuid::from_u128(7);
        let all = [
            Change::Session(id.into()),
            Change::Member(id.into()),
            Change::Key(id.into()),
            Change::Business(id.into()),
            Change::Rules(None),
            Change::Rules(Some(id.into())),
            Change::Ladder,
            Change::Programme,
            Change::Keyring,
            Change::Balances(vec![id.into(), id.into()]),
            Change::WrongCode(id.into(), u64::MAX),
        ];
        for change in all {
            assert_eq!(Change::from_bytes(&change.to_bytes()), Some(change));
        }
        assert_eq!(Change::from_bytes(b"from tomorrow"), None);
    }
}
