//! What the HTTP side keeps for the life of the process: its configuration, the rate limiter, the key of cursors, and
//! whether the process wants more requests.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use ipnet::IpNet;
use services::context::Context;
use tokio::sync::Semaphore;

use crate::page::CursorSealer;
use crate::rate_limit::{Quota, RequestLimits};
use crate::request_counts::RequestCounts;

/// The settings of the HTTP side.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The largest ordinary body, in bytes.
    pub body_bytes: usize,
    /// The largest body of a batch, in bytes.
    pub batch_bytes: usize,
    /// The largest imported file, in bytes.
    pub import_bytes: usize,
    /// How long an ordinary request may take.
    pub request_timeout: Duration,
    /// How long the upload of a file may take.
    pub upload_timeout: Duration,
    /// What one signed-in caller may ask.
    pub signed_in_quota: Quota,
    /// What one address may ask without a valid credential.
    pub anonymous_quota: Quota,
    /// How many requests of the API may be under way at once; what comes beyond is refused before it costs anything.
    pub in_flight: NonZeroU32,
    /// The proxies in front of the service: what they say of the client is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Cleared when the process is about to stop.
    pub readiness: Readiness,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            batch_bytes: 4 * 1024 * 1024,
            import_bytes: 1024 * 1024 * 1024,
            request_timeout: Duration::from_secs(10),
            upload_timeout: Duration::from_secs(600),
            signed_in_quota: Quota {
                per_second: NonZeroU32::new(500).expect("not zero"),
                burst: NonZeroU32::new(2000).expect("not zero"),
            },
            anonymous_quota: Quota {
                per_second: NonZeroU32::new(20).expect("not zero"),
                burst: NonZeroU32::new(100).expect("not zero"),
            },
            in_flight: NonZeroU32::new(1024).expect("not zero"),
            trusted_proxies: Vec::new(),
            readiness: Readiness::default(),
        }
    }
}

/// Whether the process wants requests: shared by the health answer and by whoever stops the process.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// From now on the process answers that it is not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether the process is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// See the module. Cheap to clone; it is the state of every router.
#[derive(Clone, Debug)]
pub struct HttpKit {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    services: Context,
    config: HttpConfig,
    limits: RequestLimits,
    cursors: CursorSealer,
    places: Semaphore,
    counts: RequestCounts,
    secure: bool,
    origin: HeaderValue,
}

impl HttpKit {
    /// Joins services and settings.
    #[must_use]
    pub fn new(services: Context, config: HttpConfig) -> Self {
        let shared = services.shared().clone();
        let limits = RequestLimits::new(shared, config.signed_in_quota, config.anonymous_quota);
        let cursors = CursorSealer::new(services.vault().cursor_key());
        let origin = HeaderValue::from_str(origin_of(&services.config().public_url))
            .unwrap_or(HeaderValue::from_static("null"));
        let places = usize::try_from(config.in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS);
        let secure = services.config().public_url.starts_with("https://");
        Self {
            inner: Arc::new(Inner {
                services,
                config,
                limits,
                cursors,
                places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
                counts: RequestCounts::default(),
                secure,
                origin,
            }),
        }
    }

    /// The use cases' context.
    #[must_use]
    pub fn services(&self) -> &Context {
        &self.inner.services
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &HttpConfig {
        &self.inner.config
    }

    /// Who counts requests.
    #[must_use]
    pub fn limits(&self) -> &RequestLimits {
        &self.inner.limits
    }

    /// Who makes and opens cursors.
    #[must_use]
    pub fn cursors(&self) -> &CursorSealer {
        &self.inner.cursors
    }

    /// The places for requests under way.
    pub(crate) fn places(&self) -> &Semaphore {
        &self.inner.places
    }

    /// The metrics of answered requests.
    pub(crate) fn request_counts(&self) -> &RequestCounts {
        &self.inner.counts
    }

    /// Where the service is reached, without a final slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.inner.services.config().public_url
    }

    /// The one origin whose pages may read our answers: our own.
    #[must_use]
    pub fn origin(&self) -> &HeaderValue {
        &self.inner.origin
    }

    /// Whether the service is reached over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.inner.secure
    }
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

impl axum::extract::FromRef<HttpKit> for Context {
    fn from_ref(kit: &HttpKit) -> Self {
        kit.inner.services.clone()
    }
}
