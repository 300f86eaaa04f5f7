//! The caches of one process, side by side, so that whoever changes something sees what must be forgotten. Each
//! `forget_…` here tells the other processes too ([`crate::changes`]).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, KeyId, MemberId, SessionId};
use shared_state::SharedState;

use crate::auth::integration_keys::VerifiedKey;
use crate::auth::session_state::SessionState;
use crate::auth::signing_keys::KeyringCache;
use crate::cache::Cache;
use crate::changes::Change;
use crate::loyalty::balance::BalanceCache;
use crate::loyalty::places::PlaceCache;
use crate::members::code_attempts::CodeAttempts;
use crate::programme::Programme;

/// How many members one message names at most.
const TOGETHER: usize = 500;

/// See [`crate::cache::Cache`] for how old an answer may be.
#[derive(Debug)]
pub(crate) struct Caches {
    /// Who tells the others.
    shared: SharedState,
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
    /// The keys that sign and verify access tokens.
    pub(crate) keyring: KeyringCache,
}

impl Caches {
    /// Empty ones.
    pub(crate) fn new(shared: SharedState) -> Self {
        Self {
            shared,
            keys: Cache::default(),
            key_uses: std::sync::Mutex::default(),
            sessions: Cache::default(),
            programme: Cache::default(),
            code_attempts: CodeAttempts::default(),
            ladder: Cache::default(),
            balances: BalanceCache::default(),
            places: PlaceCache::default(),
            keyring: KeyringCache::default(),
        }
    }

    /// Whether a business has sent too many wrong rotating codes of a card and waits.
    pub(crate) fn code_attempts_exhausted(
        &self,
        business: BusinessId,
        locator: &str,
        now: DateTime<Utc>,
    ) -> bool {
        self.code_attempts.exhausted(business, locator, now)
    }

    /// Counts a wrong rotating code of a business.
    pub(crate) fn code_attempt_failed(
        &self,
        business: BusinessId,
        locator: &str,
        now: DateTime<Utc>,
    ) {
        let card = CodeAttempts::card(locator);
        self.code_attempts.failed(business, card, now);
        self.tell(&Change::WrongCode(business, card));
    }

    /// Forgets what these members have, because a transaction that may have changed it has ended.
    pub(crate) fn forget_balances<'m>(&self, members: impl IntoIterator<Item = &'m MemberId>) {
        let members: Vec<MemberId> = members.into_iter().copied().collect();
        for member in &members {
            self.balances.forget(member);
        }
        if self.shared.is_shared() {
            for members in members.chunks(TOGETHER) {
                self.tell(&Change::Balances(members.to_vec()));
            }
        }
    }

    /// Forgets what a member may do, because it was changed.
    pub(crate) fn forget_member(&self, member: MemberId) {
        self.change(&Change::Member(member));
    }

    /// Forgets a sign-in, because it was ended.
    pub(crate) fn forget_session(&self, session: SessionId) {
        self.change(&Change::Session(session));
    }

    /// Forgets an integration key, because it was revoked.
    pub(crate) fn forget_key(&self, key: KeyId) {
        self.change(&Change::Key(key));
    }

    /// Forgets a business, because its terms or outlets were changed.
    pub(crate) fn forget_business(&self, business: BusinessId) {
        self.change(&Change::Business(business));
    }

    /// Forgets the rules of a business, or those that hold everywhere, because one was added or changed.
    pub(crate) fn forget_rules(&self, business: Option<BusinessId>) {
        self.change(&Change::Rules(business));
    }

    /// Forgets the tiers, because they were changed.
    pub(crate) fn forget_ladder(&self) {
        self.change(&Change::Ladder);
    }

    /// Forgets the programme's settings, because they were changed.
    pub(crate) fn forget_programme(&self) {
        self.change(&Change::Programme);
    }

    /// Forgets the keys that sign tokens, because one was added or has changed its state.
    pub(crate) fn forget_keyring(&self) {
        self.change(&Change::Keyring);
    }

    fn change(&self, change: &Change) {
        self.forget_kept(change);
        self.tell(change);
    }

    fn tell(&self, change: &Change) {
        if self.shared.is_shared() {
            self.shared.tell_soon(&change.to_bytes());
        }
    }

    /// Forgets what another process has changed.
    pub(crate) fn forget(&self, change: &Change, now: DateTime<Utc>) {
        match change {
            Change::WrongCode(business, card) => self.code_attempts.failed(*business, *card, now),
            change => self.forget_kept(change),
        }
    }

    fn forget_kept(&self, change: &Change) {
        match change {
            Change::Session(session) => self.sessions.forget(session),
            Change::Member(member) => self
                .sessions
                .forget_where(|_, state| state.person.member == *member),
            Change::Key(key) => self
                .keys
                .forget_where(|_, verified| verified.caller.key == *key),
            Change::Business(business) => self.places.forget(*business),
            Change::Rules(business) => self.places.forget_rules(*business),
            Change::Ladder => self.ladder.forget(&()),
            Change::Programme => self.programme.forget(&()),
            Change::Keyring => self.keyring.set(None),
            Change::Balances(members) => {
                for member in members {
                    self.balances.forget(member);
                }
            }
            Change::WrongCode(..) => {}
        }
    }

    /// Forgets everything that another process may have changed.
    pub(crate) fn forget_all(&self) {
        self.sessions.forget_where(|_, _| true);
        self.keys.forget_where(|_, _| true);
        self.ladder.forget(&());
        self.programme.forget(&());
        self.keyring.set(None);
        self.places.forget_all();
        self.balances.forget_all();
    }
}
