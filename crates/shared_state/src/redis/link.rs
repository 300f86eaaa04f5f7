//! The connection on which is counted. It is there or away; whoever finds it broken or slow takes it away for all, so
//! that nobody else waits, and one task brings it back.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult, Script};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How long a new connection may take.
pub(super) const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// How often a connection is tried that nobody uses.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// The shortest and the longest pause between two attempts to connect.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Link {
    client: Client,
    current: RwLock<Option<Connected>>,
    up: watch::Sender<bool>,
    lost: Notify,
    probe: Script,
    probe_key: String,
    /// How long anybody waits for an answer.
    patience: Duration,
}

#[derive(Clone)]
struct Connected {
    connection: MultiplexedConnection,
    number: u64,
}

impl Link {
    pub(super) fn new(client: Client, probe_key: String, patience: Duration) -> Self {
        Self {
            client,
            current: RwLock::new(None),
            up: watch::Sender::new(false),
            lost: Notify::new(),
            probe: Script::new(include_str!("take.lua")),
            probe_key,
            patience,
        }
    }

    /// How long anybody waits for an answer.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) async fn wait_until(&self, up: bool) {
        // An error says that the sender is gone, which is ourselves.
        let _ = self.up.subscribe().wait_for(|is| *is == up).await;
    }

    fn connected(&self) -> Option<Connected> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Asks Redis something; None: it is away, or does not answer in time, and is away for all from now on.
    pub(super) async fn call<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Option<T> {
        let mut connected = self.connected()?;
        match timeout(self.patience, ask(&mut connected.connection)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                self.lose(connected.number, &reason(&error));
                None
            }
            Err(_) => {
                self.lose(connected.number, "no answer in time");
                None
            }
        }
    }

    /// Takes this connection away, unless another has taken its place.
    fn lose(&self, number: u64, reason: &str) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|now| now.number != number) {
            return;
        }
        *current = None;
        drop(current);
        self.up.send_replace(false);
        metrics::gauge!("shared_state_up").set(0);
        metrics::counter!("shared_state_lost_total").increment(1);
        tracing::warn!(reason, "Redis is away: this process counts alone");
        self.lost.notify_one();
    }

    /// Keeps a connection for as long as it is let.
    pub(super) async fn keep(&self) {
        let (mut pause, mut number, mut told) = (SHORTEST_PAUSE, 0, false);
        metrics::gauge!("shared_state_up").set(0);
        loop {
            match self.connect().await {
                Ok(connection) => {
                    number += 1;
                    self.put(Connected { connection, number });
                    (pause, told) = (SHORTEST_PAUSE, false);
                    self.watch_over().await;
                }
                Err(reason) => {
                    if !told {
                        tracing::warn!(reason, "Redis can't be reached");
                        told = true;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// A connection on which a script that writes has run in time: a replica or a full server is of no use.
    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let mut connection = connect(&self.client, self.patience * 2).await?;
        let probed = timeout(self.patience * 2, self.run_probe(&mut connection)).await;
        match probed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(reason(&error)),
            Err(_) => return Err("no answer in time".to_owned()),
        }
        // The first run may have loaded the script; the second says how quick it is.
        match timeout(self.patience, self.run_probe(&mut connection)).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn run_probe(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let mut probe = self.probe.key(&self.probe_key);
        probe.arg("").arg(1).arg(1).arg(0);
        let _: Vec<i64> = probe.invoke_async(connection).await?;
        Ok(())
    }

    fn put(&self, connected: Connected) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(connected);
        self.up.send_replace(true);
        metrics::gauge!("shared_state_up").set(1);
        tracing::info!("Redis answers: processes count together");
    }

    /// Tries the connection now and then until somebody has lost it.
    async fn watch_over(&self) {
        while timeout(PROBE_EVERY, self.lost.notified()).await.is_err() {
            let probed = self
                .call(async |connection| self.run_probe(connection).await)
                .await;
            if probed.is_none() {
                tracing::debug!("the probe found Redis away");
            }
        }
    }
}

/// A new connection whose answers come within `patience`, or are an error.
pub(super) async fn connect(
    client: &Client,
    patience: Duration,
) -> Result<MultiplexedConnection, String> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_PATIENCE))
        .set_response_timeout(Some(patience));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    match timeout(CONNECT_PATIENCE, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err("no connection in time".to_owned()),
    }
}

/// What kind of error it is; its text might hold an address or a key.
pub(super) fn reason(error: &redis::RedisError) -> String {
    match error.code() {
        Some(code) => format!("{:?} {code}", error.kind()),
        None => format!("{:?}", error.kind()),
    }
}
