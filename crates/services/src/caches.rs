//! The caches of one process, side by side, so that whoever changes something sees what must be forgotten.

use std::sync::Arc;

use domain::ids::{KeyId, MemberId, SessionId};

use crate::auth::integration_keys::VerifiedKey;
use crate::auth::session_state::SessionState;
use crate::auth::signing_keys::KeyringCache;
use crate::cache::Cache;
use crate::loyalty::balance::BalanceCache;
use crate::loyalty::places::PlaceCache;
use crate::members::code_attempts::CodeAttempts;
use crate::programme::Programme;

/// See [`crate::cache::Cache`] for how old an answer may be.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    /// Valid integration keys, by the hash of their secret.
    pub(crate) keys: Cache<[u8; 32], Arc<VerifiedKey>>,
    /// When the use of a key was last written down.
    pub(crate) key_uses:
        std::sync::Mutex<std::collections::HashMap<KeyId, chrono::DateTime<chrono::Utc>>>,
    /// Sign-ins that live, with what their members may do.
    pub(crate) sessions: Cache<SessionId, Arc<SessionState>>,
    /// The programme's settings.
    pub(crate) programme: Cache<(), Arc<Programme>>,
    /// Wrong rotating codes.
    code_attempts: CodeAttempts,
    /// The tiers.
    pub(crate) ladder: Cache<(), Arc<domain::loyalty::tier::Ladder>>,
    /// What members have.
    pub(crate) balances: BalanceCache,
    /// Terms, outlets and rules of businesses.
    pub(crate) places: PlaceCache,
    /// What keys and outlets credited in this hour, through this process.
    pub(crate) till_hours: crate::fraud::TillHours,
    /// The keys that sign and verify access tokens.
    pub(crate) keyring: KeyringCache,
}

impl Caches {
    /// Wrong rotating codes.
    pub(crate) fn code_attempts(&self) -> &CodeAttempts {
        &self.code_attempts
    }

    /// Forgets what these members have, because a transaction that may have changed it has ended.
    pub(crate) fn forget_balances<'m>(&self, members: impl IntoIterator<Item = &'m MemberId>) {
        for member in members {
            self.balances.forget(member);
        }
    }

    /// Forgets what a member may do, because it was changed.
    pub(crate) fn forget_member(&self, member: MemberId) {
        self.sessions
            .forget_where(|_, state| state.person.member == member);
    }
}
