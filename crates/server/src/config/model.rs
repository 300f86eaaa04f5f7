//! All settings with their types.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use chrono_tz::Tz;
use domain::signing_alg::SigningAlg;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Every setting; what each means stands in `owncircle.example.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where the metrics are read.
    pub metrics_listen: SocketAddr,
    /// How the service is reached from outside, without a slash at the end.
    pub public_url: String,
    /// What this process does.
    pub role: Role,
    /// Whether messages are shown instead of sent.
    pub environment: Environment,
    /// The folder of all data; `None` chooses one.
    pub data_dir: Option<PathBuf>,
    /// A server to use instead of our own.
    pub database_url: Option<Secret>,
    /// A file that holds `database_url`.
    pub database_url_file: Option<PathBuf>,
    /// Where all processes count together.
    pub redis_url: Option<Secret>,
    /// A file that holds `redis_url`.
    pub redis_url_file: Option<PathBuf>,
    /// The longest wait for an answer of Redis, milliseconds.
    pub redis_timeout_ms: NonZeroU32,
    /// The largest number of connections to the database.
    pub database_pool_size: NonZeroU32,
    /// The folder with PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// As root: who runs our own PostgreSQL.
    pub postgres_account: Option<String>,
    /// The key of all keys.
    pub master_key: Option<Secret>,
    /// A file that holds `master_key`.
    pub master_key_file: Option<PathBuf>,
    /// What is logged, and how.
    pub log: Log,
    /// The programme as it is first made.
    pub programme: Programme,
    /// Text messages.
    pub sms: Sms,
    /// Access tokens.
    pub tokens: Tokens,
    /// Signing in.
    pub auth: Auth,
    /// Limits of requests.
    pub limits: Limits,
    /// Purchases in groups.
    pub posting: Posting,
    /// Jobs.
    pub worker: Worker,
    /// The audit log.
    pub audit: AuditLog,
}

/// The audit log's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditLog {
    /// The folder of the anchors; `None`: below the data folder.
    pub anchor_dir: Option<PathBuf>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Requests and jobs.
    All,
    /// Requests only.
    Api,
    /// Jobs only.
    Worker,
}

impl Role {
    /// Whether requests are served.
    #[must_use]
    pub fn serves_api(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    /// Whether jobs are run.
    #[must_use]
    pub fn runs_jobs(self) -> bool {
        matches!(self, Self::All | Self::Worker)
    }
}

/// Where the service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Codes and messages are visible in an outbox.
    Development,
    /// Nothing of that.
    Production,
}

/// The log's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// The level, or levels by module.
    pub level: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The programme as it is first made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    /// Its name.
    pub name: String,
    /// Its currency, ISO 4217.
    pub currency: String,
    /// The zone in which its days are counted.
    pub time_zone: Tz,
}

/// Text messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// How a phone number without a country code is read, ISO 3166.
    pub default_region: String,
    /// The countries that get messages.
    #[serde(deserialize_with = "list")]
    pub regions: Vec<String>,
    /// One-time codes an hour.
    pub hourly_budget: u32,
    /// One-time codes a day.
    pub daily_budget: u32,
    /// One-time codes for a network in five minutes.
    pub per_network: u32,
    /// One-time codes for a device in an hour.
    pub per_device: u32,
    /// One-time codes for a prefix in an hour.
    pub per_prefix: u32,
    /// One-time codes for a country in an hour.
    pub per_region: u32,
    /// After how many codes of a prefix or country it is looked at how many came back.
    pub brake_after: NonZeroU32,
    /// The hash of the Android app; empty for none.
    pub android_app_hash: String,
    /// Numbers for tests with their codes, `phone=code`.
    #[serde(deserialize_with = "list")]
    pub test_numbers: Vec<String>,
    /// The day from which on they are numbers like all others; empty for none.
    pub test_numbers_until: String,
}

/// Access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The algorithm of new keys.
    pub alg: SigningAlg,
}

/// Signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Whether staff and operators have to sign in with a second factor.
    pub staff_second_factor: SecondFactor,
}

/// Whether a second factor is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// A role is worth nothing without it.
    Required,
    /// A code by text message is enough.
    Optional,
}

/// Limits of requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Proxies whose X-Forwarded-For is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<String>,
    /// The largest ordinary body, bytes.
    pub body_bytes: NonZeroU32,
    /// The largest batch, bytes.
    pub batch_bytes: NonZeroU32,
    /// The largest imported file, bytes.
    pub import_bytes: NonZeroU32,
    /// The time of an ordinary request, seconds.
    pub request_seconds: NonZeroU32,
    /// The time of an upload, seconds.
    pub upload_seconds: NonZeroU32,
    /// Requests a second of a signed-in caller.
    pub requests_per_second: NonZeroU32,
    /// Requests at once of a signed-in caller.
    pub burst: NonZeroU32,
    /// Requests a second of an address without a credential.
    pub anonymous_requests_per_second: NonZeroU32,
    /// Requests at once of an address without a credential.
    pub anonymous_burst: NonZeroU32,
    /// Requests of the API under way at once.
    pub in_flight: NonZeroU32,
}

/// How purchases are gathered into groups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// Groups written side by side; 0 chooses.
    pub workers: u32,
    /// Purchases of tills that wait at most.
    pub queue: NonZeroU32,
    /// The largest group.
    pub group: NonZeroU32,
    /// How many of a group come from batches and imports at most.
    pub bulk: NonZeroU32,
}

/// The running of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Jobs at a time.
    pub concurrency: NonZeroU32,
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A message about a wrong type would show the value.
        String::deserialize(deserializer)
            .map(Self)
            .map_err(|_| de::Error::custom("a secret must be a text"))
    }
}

/// A list, or one text with commas, which is how the environment gives it.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Items;
    impl<'de> Visitor<'de> for Items {
        type Value = Vec<String>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a list of texts")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Ok(items.map(ToOwned::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(item) = items.next_element()? {
                all.push(item);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Items)
}
