//! Counting on Redis: what many processes count is decided by scripts, which Redis runs one after the other. What is
//! told goes through a stream, of which every process reads what is new.

mod link;
mod news;
mod takes;

use std::sync::Arc;
use std::time::Duration;

use redis::{Client, Script};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::link::Link;
use self::takes::Takes;
use crate::caps::{Cap, CapError, Deed, Unavailable};
use crate::keys::{Digest, Keys};
use crate::now::Now;
use crate::quota::{Quota, Taken};
use crate::state::BadAddress;
use crate::subscription::{Heard, WAITING};

/// After which time it is worth trying again, when Redis is away.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct RedisStore {
    link: Arc<Link>,
    keys: Arc<Keys>,
    now: Now,
    takes: Takes,
    teller: news::Teller,
    heard: broadcast::Sender<Heard>,
    listening: watch::Receiver<bool>,
    caps: Script,
    counted: Script,
    /// Ends the tasks.
    _stop: DropGuard,
}

impl RedisStore {
    pub(crate) fn open(
        url: &str,
        keys: Arc<Keys>,
        now: Now,
        node: u64,
        patience: Duration,
    ) -> Result<Self, BadAddress> {
        if url.starts_with("rediss:") {
            // Whoever came first has chosen; there is one provider in the tree.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let client = Client::open(url).map_err(|_| BadAddress)?;
        let stop = CancellationToken::new();
        let link = Arc::new(Link::new(client.clone(), keys.single("probe"), patience));
        tokio::spawn(stop.clone().run_until_cancelled_owned({
            let link = Arc::clone(&link);
            async move { link.keep().await }
        }));
        let heard = broadcast::Sender::new(WAITING);
        let stream = keys.single("news");
        let (is_listening, listening) = watch::channel(false);
        tokio::spawn(stop.clone().run_until_cancelled_owned(news::listen(
            client,
            stream.clone(),
            heard.clone(),
            is_listening,
        )));
        Ok(Self {
            takes: Takes::start(Arc::clone(&link), now.clone(), &stop),
            teller: news::Teller::start(Arc::clone(&link), stream, node, &stop),
            link,
            keys,
            now,
            heard,
            listening,
            caps: Script::new(include_str!("caps.lua")),
            counted: Script::new(include_str!("counted.lua")),
            _stop: stop.drop_guard(),
        })
    }

    /// None: Redis is away, or too slow.
    pub(crate) async fn take(
        &self,
        bucket: &'static str,
        digest: &Digest,
        quota: Quota,
        n: u32,
    ) -> Option<Taken> {
        if !self.link.is_up() {
            return None;
        }
        self.takes
            .take(self.keys.name(bucket, digest), quota, n)
            .await
    }

    pub(crate) async fn caps(&self, caps: &[Cap<'_>], deed: Deed) -> Result<(), CapError> {
        let mut call = self.caps.prepare_invoke();
        call.arg(self.moment()).arg(deed.name());
        for cap in caps {
            call.key(self.name(cap))
                .arg(cap.most.get())
                .arg(cap.micros());
        }
        let (reached, wait): (usize, u64) = self
            .link
            .call(async |connection| call.invoke_async(connection).await)
            .await
            .ok_or(UNAVAILABLE)?;
        match reached.checked_sub(1) {
            Some(cap) if matches!(deed, Deed::Admit | Deed::Look) => Err(CapError::Reached {
                cap,
                retry_after: Duration::from_micros(wait),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn counted(&self, cap: &Cap<'_>) -> Result<u32, Unavailable> {
        let mut call = self.counted.key(self.name(cap));
        call.arg(self.moment()).arg(cap.micros());
        self.link
            .call(async |connection| call.invoke_async(connection).await)
            .await
            .ok_or(UNAVAILABLE)
    }

    pub(crate) async fn tell(&self, message: &[u8]) -> Result<(), Unavailable> {
        self.teller.tell(message).await.ok_or(UNAVAILABLE)
    }

    pub(crate) fn tell_soon(&self, message: &[u8]) {
        self.teller.tell_soon(message);
    }

    pub(crate) async fn told(&self) {
        self.teller.told().await;
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Waits until Redis answers and its news are heard, or until it is known to be away.
    pub(crate) async fn wait_until(&self, up: bool) {
        let mut listening = self.listening.clone();
        loop {
            self.link.wait_until(up).await;
            if !up {
                return;
            }
            // An error says that the task has ended, with this store.
            let _ = listening.wait_for(|listening| *listening).await;
            if self.link.is_up() {
                return;
            }
        }
    }

    fn name(&self, cap: &Cap<'_>) -> String {
        let digest = self.keys.digest(cap.bucket, cap.micros(), cap.key);
        self.keys.name(cap.bucket, &digest)
    }

    fn moment(&self) -> String {
        moment(&self.now)
    }
}

const UNAVAILABLE: Unavailable = Unavailable {
    retry_after: RETRY_AFTER,
};

/// The moment for a script; nothing: Redis's own.
fn moment(now: &Now) -> String {
    now.told().map(|now| now.to_string()).unwrap_or_default()
}
