//! The caches of one process, side by side, so that whoever changes something sees what must be forgotten. What is
//! forgotten here because of a change is told to the other processes too ([`crate::changes`]).

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, KeyId, MemberId, SessionId};
use domain::loyalty::tier::Ladder;
use shared_state::SharedState;

use crate::auth::integration_keys::VerifiedKey;
use crate::auth::session_state::SessionState;
use crate::auth::signing_keys::{Keyring, KeyringCache};
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
    /// Valid integration keys, by the hash of their secret.
    pub(crate) keys: Cache<[u8; 32], Arc<VerifiedKey>>,
    /// When the use of a key was last written down.
    pub(crate) key_uses:
        std::sync::Mutex<std::collections::HashMap<KeyId, chrono::DateTime<chrono::Utc>>>,
    /// Sign-ins that live, with what their members may do.
    pub(crate) sessions: Told<Cache<SessionId, Arc<SessionState>>>,
    /// The programme's settings.
    pub(crate) programme: Told<Cache<(), Arc<Programme>>>,
    /// Wrong rotating codes.
    code_attempts: Told<CodeAttempts>,
    /// The tiers.
    pub(crate) ladder: Told<Cache<(), Arc<Ladder>>>,
    /// What members have.
    pub(crate) balances: BalanceCache,
    /// Terms, outlets and rules of businesses.
    pub(crate) places: Told<PlaceCache>,
    /// The keys that sign and verify access tokens.
    pub(crate) keyring: Told<KeyringCache>,
    teller: Teller,
}

impl Caches {
    /// Empty ones.
    pub(crate) fn new(shared: SharedState) -> Self {
        let teller = Teller(shared);
        Self {
            keys: Cache::default(),
            key_uses: std::sync::Mutex::default(),
            sessions: Told::new(&teller),
            programme: Told::new(&teller),
            code_attempts: Told::new(&teller),
            ladder: Told::new(&teller),
            balances: BalanceCache::default(),
            places: Told::new(&teller),
            keyring: Told::new(&teller),
            teller,
        }
    }

    /// Wrong rotating codes.
    pub(crate) fn code_attempts(&self) -> &Told<CodeAttempts> {
        &self.code_attempts
    }

    /// Forgets what these members have, because a transaction that may have changed it has ended.
    pub(crate) fn forget_balances<'m>(&self, members: impl IntoIterator<Item = &'m MemberId>) {
        let members: Vec<MemberId> = members.into_iter().copied().collect();
        for member in &members {
            self.balances.forget(member);
        }
        if self.teller.has_listeners() {
            for members in members.chunks(TOGETHER) {
                self.teller.tell(&Change::Balances(members.to_vec()));
            }
        }
    }

    /// Forgets what a member may do, because it was changed.
    pub(crate) fn forget_member(&self, member: MemberId) {
        self.change(&Change::Member(member));
    }

    /// Forgets an integration key, because it was revoked.
    pub(crate) fn forget_key(&self, key: KeyId) {
        self.change(&Change::Key(key));
    }

    fn change(&self, change: &Change) {
        self.forget_kept(change);
        self.teller.tell(change);
    }

    /// Follows what another process has changed.
    pub(crate) fn follow(&self, change: &Change, now: DateTime<Utc>) {
        match change {
            Change::WrongCode(business, card) => {
                self.code_attempts.cache.count(*business, *card, now);
            }
            change => self.forget_kept(change),
        }
    }

    fn forget_kept(&self, change: &Change) {
        match change {
            Change::Session(session) => self.sessions.cache.forget(session),
            Change::Member(member) => self
                .sessions
                .forget_where(|_, state| state.person.member == *member),
            Change::Key(key) => self
                .keys
                .forget_where(|_, verified| verified.caller.key == *key),
            Change::Business(business) => self.places.cache.forget(*business),
            Change::Rules(business) => self.places.cache.forget_rules(*business),
            Change::Ladder => self.ladder.cache.forget(&()),
            Change::Programme => self.programme.cache.forget(&()),
            Change::Keyring => self.keyring.cache.set(None),
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
        for change in [Change::Ladder, Change::Programme, Change::Keyring] {
            self.forget_kept(&change);
        }
        self.places.forget_all();
        self.balances.forget_all();
    }
}

/// The way to the other processes.
#[derive(Clone, Debug)]
struct Teller(SharedState);

impl Teller {
    fn has_listeners(&self) -> bool {
        self.0.is_shared()
    }

    fn tell(&self, change: &Change) {
        if self.has_listeners() {
            self.0.tell_soon(&change.to_bytes());
        }
    }
}

/// A cache whose forgetting is told to the other processes.
#[derive(Debug)]
pub(crate) struct Told<C> {
    cache: C,
    teller: Teller,
}

impl<C: Default> Told<C> {
    fn new(teller: &Teller) -> Self {
        Self {
            cache: C::default(),
            teller: teller.clone(),
        }
    }
}

impl<C> Deref for Told<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.cache
    }
}

impl Told<Cache<SessionId, Arc<SessionState>>> {
    /// Forgets a sign-in, because it was ended.
    pub(crate) fn forget(&self, session: &SessionId) {
        self.cache.forget(session);
        self.teller.tell(&Change::Session(*session));
    }
}

impl Told<Cache<(), Arc<Programme>>> {
    /// Forgets the settings, because they were changed.
    pub(crate) fn forget(&self, key: &()) {
        self.cache.forget(key);
        self.teller.tell(&Change::Programme);
    }
}

impl Told<Cache<(), Arc<Ladder>>> {
    /// Forgets the tiers, because they were changed.
    pub(crate) fn forget(&self, key: &()) {
        self.cache.forget(key);
        self.teller.tell(&Change::Ladder);
    }
}

impl Told<PlaceCache> {
    /// Forgets a business, because its terms or outlets were changed.
    pub(crate) fn forget(&self, business: BusinessId) {
        self.cache.forget(business);
        self.teller.tell(&Change::Business(business));
    }

    /// Forgets the rules of a business, or those that hold everywhere, because one was added or changed.
    pub(crate) fn forget_rules(&self, business: Option<BusinessId>) {
        self.cache.forget_rules(business);
        self.teller.tell(&Change::Rules(business));
    }
}

impl Told<KeyringCache> {
    /// Keeps what was read; `None` forgets it, because a key was added or has changed its state.
    pub(crate) fn set(&self, last: Option<(DateTime<Utc>, Arc<Keyring>)>) {
        let changed = last.is_none();
        self.cache.set(last);
        if changed {
            self.teller.tell(&Change::Keyring);
        }
    }
}

impl Told<CodeAttempts> {
    /// Counts a wrong rotating code.
    pub(crate) fn failed(&self, business: BusinessId, locator: &str, now: DateTime<Utc>) {
        let card = CodeAttempts::card(locator);
        self.cache.count(business, card, now);
        self.teller.tell(&Change::WrongCode(business, card));
    }
}
