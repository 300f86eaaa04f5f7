//! The load generator: a number of connections, each of which sends its next request as soon as it has the answer to
//! the one before (a closed loop), until a time or a number of requests is over. Every answer's status is checked.

mod connection;
pub(crate) mod requests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;

pub(crate) use connection::Connection;

use crate::random::Random;
use requests::Requests;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest latency that is told apart, microseconds.
const LONGEST: u64 = 60_000_000;

/// How many answers that were not expected are shown.
const SHOWN: usize = 3;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Where the service listens.
    pub(crate) address: SocketAddr,
    /// How many connections at a time.
    pub(crate) connections: u32,
    /// For how long new requests are sent.
    pub(crate) time: Duration,
    /// How many requests are sent at most.
    pub(crate) most: u64,
    /// From what everything is drawn.
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Answers, all of them as expected.
    pub(crate) answers: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Microseconds from a request to its answer.
    pub(crate) latency: Histogram<u64>,
}

/// A histogram of latencies in microseconds.
///
/// # Errors
/// Never, with these bounds.
pub(crate) fn latencies() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, 3).context("a histogram")
}

/// Puts load on a service and blocks until it is over. It has a thread and a runtime of its own, so that nothing else
/// of this process delays it.
///
/// # Errors
/// If a connection fails or an answer is not as expected.
pub(crate) fn run(load: &Load, requests: &Arc<Requests>) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_all(load, requests))
}

async fn run_all(load: &Load, requests: &Arc<Requests>) -> anyhow::Result<Outcome> {
    let sent = Arc::new(AtomicU64::new(0));
    let mut opened = Vec::new();
    for _ in 0..load.connections {
        opened.push(Connection::open(load.address).await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, connection) in (0..).zip(opened) {
        let loaded = Loop {
            connection,
            random: Random::new(load.seed.wrapping_add(number)),
            requests: Arc::clone(requests),
            sent: Arc::clone(&sent),
            most: load.most,
            until: started + load.time,
        };
        tasks.spawn(loaded.run());
    }
    let mut latency = latencies()?;
    let mut unexpected = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (own, strange) = done??;
        latency.add(own)?;
        unexpected.extend(strange);
    }
    let elapsed = started.elapsed();
    ensure!(
        unexpected.is_empty(),
        "{} answers were not as expected, such as:\n{}",
        unexpected.len(),
        unexpected[..unexpected.len().min(SHOWN)].join("\n")
    );
    Ok(Outcome {
        answers: latency.len(),
        elapsed,
        latency,
    })
}

/// One connection's part.
struct Loop {
    connection: Connection,
    random: Random,
    requests: Arc<Requests>,
    sent: Arc<AtomicU64>,
    most: u64,
    until: Instant,
}

impl Loop {
    async fn run(mut self) -> anyhow::Result<(Histogram<u64>, Vec<String>)> {
        let mut latency = latencies()?;
        let mut unexpected = Vec::new();
        let mut request = Vec::with_capacity(1024);
        while Instant::now() < self.until {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            if number >= self.most {
                break;
            }
            request.clear();
            self.requests
                .write(number, &mut self.random, &mut request)?;
            let sent = Instant::now();
            let exchange = self.connection.exchange(&request);
            let answer = tokio::time::timeout(PATIENCE, exchange)
                .await
                .context("no answer in time")??;
            let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(LONGEST);
            if answer.status == self.requests.expected() {
                latency.saturating_record(micros);
            } else {
                let body = String::from_utf8_lossy(answer.body);
                unexpected.push(format!("{}: {body}", answer.status));
            }
        }
        Ok((latency, unexpected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_latencies() {
        let mut all = latencies().expect("a histogram");
        for micros in 1..=1_000 {
            all.saturating_record(micros);
        }
        assert_eq!(all.value_at_quantile(0.5), 500);
        assert_eq!(all.value_at_quantile(0.99), 990);
        all.saturating_record(u64::MAX);
        assert!(all.max() >= LONGEST);
    }
}
