//! What every use case has at hand: the pool, the clock, identifiers, keys, and the ways to the world outside.
//! Cheap to clone. It holds no request and no caller.

use std::path::PathBuf;
use std::sync::Arc;

use connectors::sms::SmsSender;
use domain::ids::BusinessId;
use domain::phone::Region;
use domain::signing_alg::SigningAlg;
use shared_state::SharedState;
use sqlx::PgPool;
use store::error::StoreError;

use crate::auth::PasswordHashing;
use crate::auth::code_rules::CodeRules;
use crate::caches::Caches;
use crate::changes;
use crate::clock::Clock;
use crate::ids::IdSource;
use crate::jobs::Timetable;
use crate::limits::{LimitCounters, PostgresCounters, SharedCounters};
use crate::loyalty::engine::{Engine, EngineConfig};
use crate::readers::{Reader, Readers};
use crate::tenant::{Connection, Tenant};
use crate::vault::Vault;

/// How many long requests are worked on at once; more of them would not be done sooner.
const MOST_KEY_HOLDERS: u32 = 4;

/// Whether staff and operators have to sign in with a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaffSecondFactor {
    /// Without one, a person with a role is a member and no more.
    #[default]
    Required,
    /// A code by text message is enough. For trying things out.
    Optional,
}

/// What the services need to know of the configuration.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where the service is reached from outside, without a slash at the end: `https://circle.example`.
    pub public_url: String,
    /// Whether messages go to the visible development outbox.
    pub development: bool,
    /// How a phone without a calling code is read.
    pub default_region: Region,
    /// The countries to whose mobile numbers one-time codes are sent.
    pub sms_regions: Vec<Region>,
    /// What bounds the sending of one-time codes.
    pub codes: CodeRules,
    /// The algorithm of the keys that are made to sign access tokens.
    pub signing_alg: SigningAlg,
    /// Whether staff and operators have to sign in with a second factor.
    pub staff_second_factor: StaffSecondFactor,
    /// What runs by the clock, for whoever asks.
    pub timetable: Timetable,
    /// How purchases are gathered into groups.
    pub engine: EngineConfig,
    /// The folder in which the head of the audit log is anchored; without one it is not.
    pub audit_anchors: Option<PathBuf>,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            development: false,
            default_region: Region::RU,
            sms_regions: vec![Region::RU],
            codes: CodeRules::default(),
            signing_alg: SigningAlg::Rs256,
            staff_second_factor: StaffSecondFactor::Required,
            timetable: Timetable::default(),
            engine: EngineConfig::default(),
            audit_anchors: None,
        }
    }
}

/// What a [`Context`] is made of.
#[derive(Debug)]
pub struct ContextParts {
    /// Connections to the database.
    pub pool: PgPool,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where identifiers come from.
    pub ids: IdSource,
    /// The keys.
    pub vault: Vault,
    /// Who delivers text messages.
    pub sms: Arc<dyn SmsSender>,
    /// The configuration.
    pub config: ServiceConfig,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Context {
    inner: Arc<Inner>,
    tenant: Tenant,
}

#[derive(Debug)]
struct Inner {
    parts: ContextParts,
    caches: Arc<Caches>,
    shared: SharedState,
    readers: Readers,
    key_holders: PgPool,
    engine: Engine,
    password_hashing: PasswordHashing,
    counters: Arc<dyn LimitCounters>,
}

impl Context {
    /// Joins the parts, for a process that is alone.
    #[must_use]
    pub fn new(parts: ContextParts) -> Self {
        let key = parts.vault.shared_state_key();
        let shared = SharedState::in_process(key, parts.clock.for_counting());
        Self::with_shared(parts, shared)
    }

    /// Joins the parts, for a process that counts together with others, and tells them what it changes.
    ///
    /// # Panics
    /// Outside a runtime of tokio, if `shared` is on Redis.
    #[must_use]
    pub fn with_shared(parts: ContextParts, shared: SharedState) -> Self {
        let counters: Arc<dyn LimitCounters> = if shared.is_shared() {
            Arc::new(SharedCounters::new(shared.clone()))
        } else {
            Arc::new(PostgresCounters)
        };
        Self::join(parts, shared, counters)
    }

    /// Joins the parts, for a process that is alone, with somebody else who counts against limits.
    #[must_use]
    pub fn with_counters(parts: ContextParts, counters: Arc<dyn LimitCounters>) -> Self {
        let key = parts.vault.shared_state_key();
        let shared = SharedState::in_process(key, parts.clock.for_counting());
        Self::join(parts, shared, counters)
    }

    fn join(parts: ContextParts, shared: SharedState, counters: Arc<dyn LimitCounters>) -> Self {
        let caches = Arc::new(Caches::new(shared.clone()));
        if shared.is_shared() {
            let (weak, clock) = (Arc::downgrade(&caches), parts.clock.clone());
            tokio::spawn(changes::follow(shared.subscribe(), weak, clock));
        }
        Self {
            tenant: Tenant::Nobody,
            inner: Arc::new(Inner {
                engine: Engine::new(parts.config.engine),
                key_holders: store::pool::aside(&parts.pool, MOST_KEY_HOLDERS),
                parts,
                counters,
                caches,
                shared,
                readers: Readers::default(),
                password_hashing: PasswordHashing::default(),
            }),
        }
    }

    /// The pool of connections.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.parts.pool
    }

    /// The same, working for one business: what belongs to others is not there.
    #[must_use]
    pub fn of(&self, business: BusinessId) -> Self {
        self.with(Tenant::Of(business))
    }

    /// The same, working across businesses. Said where a job, a command or an operator's endpoint begins, and never where
    /// the business is known.
    #[must_use]
    pub fn across(&self) -> Self {
        self.with(Tenant::Across)
    }

    fn with(&self, tenant: Tenant) -> Self {
        Self {
            inner: self.inner.clone(),
            tenant,
        }
    }

    /// For whom the database is asked.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// A connection for reading. With a tenant it can do nothing else.
    ///
    /// # Errors
    /// If the database can't be reached or no connection becomes free in time.
    pub async fn connection(&self) -> Result<Connection, StoreError> {
        Connection::open(self.tenant, self.pool()).await
    }

    /// A connection for one short look outside a transaction, cheaper than [`Context::connection`]. It sees across
    /// businesses: its statements are few, and each names its business or is marked as one that asks for none.
    ///
    /// # Errors
    /// If the database can't be reached or no connection becomes free in time.
    pub async fn reader(&self) -> Result<Reader<'_>, StoreError> {
        self.inner.readers.take(&self.inner.parts.pool).await
    }

    /// Connections that hold the key of a long request while the engine works for it.
    pub(crate) fn key_holders(&self) -> &PgPool {
        &self.inner.key_holders
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.parts.clock
    }

    /// Where identifiers come from.
    #[must_use]
    pub fn ids(&self) -> &IdSource {
        &self.inner.parts.ids
    }

    /// The keys.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.parts.vault
    }

    /// Who delivers text messages.
    #[must_use]
    pub fn sms(&self) -> &Arc<dyn SmsSender> {
        &self.inner.parts.sms
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &ServiceConfig {
        &self.inner.parts.config
    }

    /// Who hashes passwords.
    pub(crate) fn password_hashing(&self) -> &PasswordHashing {
        &self.inner.password_hashing
    }

    /// Who counts against limits.
    pub(crate) fn counters(&self) -> &dyn LimitCounters {
        self.inner.counters.as_ref()
    }

    /// What all processes count together and tell each other.
    #[must_use]
    pub fn shared(&self) -> &SharedState {
        &self.inner.shared
    }

    /// The engine that posts.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Carries out what waits in the engine, which takes nothing new, and closes all connections.
    pub async fn close(&self) {
        self.engine().drain().await;
        self.shared().told().await;
        self.inner.readers.close().await;
        self.key_holders().close().await;
        self.pool().close().await;
    }

    /// Answers that may be a few seconds old.
    pub(crate) fn caches(&self) -> &Caches {
        &self.inner.caches
    }
}
