//! One of our databases with a service on it: the usual one, the one with a long past, the one with many promotions.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use crate::cluster::{Cluster, Written};
use crate::figures::{Sample, ratio};
use crate::load::tills::{Scenario, Tills, Town};
use crate::load::{self, Load, Outcome, Requests};
use crate::processes;
use crate::program::{Program, Serving};

/// How often the service's memory is looked at during a load.
const LOOK: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug)]
pub(crate) struct Side {
    /// Its database.
    pub(crate) database: &'static str,
    /// The program on it.
    pub(crate) program: Program,
    /// The service on it.
    pub(crate) serving: Serving,
    /// Purchases that were answered, imported or laid in.
    pub(crate) purchases: i64,
}

/// A load on one of our services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ours {
    /// What is asked for.
    pub(crate) scenario: Scenario,
    /// How many connections at a time.
    pub(crate) connections: u32,
    /// For how long new requests are sent.
    pub(crate) time: Duration,
    /// How many requests are sent at most.
    pub(crate) most: u64,
    /// From what everything is drawn.
    pub(crate) seed: u64,
}

impl Side {
    /// Puts load on the service.
    ///
    /// # Errors
    /// If an answer is not as expected.
    pub(crate) async fn load(
        &mut self,
        cluster: &Cluster,
        town: &Arc<Town>,
        ours: Ours,
    ) -> anyhow::Result<(Sample, Outcome)> {
        let load = Load {
            address: self.serving.address,
            connections: ours.connections,
            time: ours.time,
            most: ours.most,
            seed: ours.seed,
            tolerated: 0,
        };
        let requests = Box::new(Tills::new(ours.scenario, Arc::clone(town)));
        let posts = requests.expected() == 201;
        let process = self.serving.process();
        let (sample, outcome) = measured(cluster, process, load, requests).await?;
        if posts {
            self.purchases += i64::try_from(outcome.answers)?;
        }
        Ok((sample, outcome))
    }

    /// Counts purchases: as many as were answered, no more and no fewer.
    ///
    /// # Errors
    /// If they are not.
    pub(crate) async fn count(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let count = "select count(*) from purchases";
        let found = cluster.number(self.database, count).await?;
        ensure!(
            found == self.purchases,
            "{found} purchases are in {}, {} were answered",
            self.database,
            self.purchases
        );
        Ok(())
    }
}

/// Puts load on a process that listens, and tells what it cost that process and the database.
///
/// # Errors
/// If an answer is not as expected.
pub(crate) async fn measured(
    cluster: &Cluster,
    process: u32,
    load: Load,
    mut requests: Box<dyn Requests>,
) -> anyhow::Result<(Sample, Outcome)> {
    let before = cluster.written().await?;
    let used_before = processes::processor_micros(process)?;
    let mut running = tokio::task::spawn_blocking(move || load::run(&load, &mut *requests));
    let mut most_kib = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut running => break outcome??,
            () = tokio::time::sleep(LOOK) => {
                most_kib = most_kib.max(processes::resident_kib(process)?);
            }
        }
    };
    let used = processes::processor_micros(process)?.saturating_sub(used_before);
    let after = cluster.written().await?;
    let rate = outcome.answers as f64 / outcome.elapsed.as_secs_f64();
    let mut sample = Sample::of(rate, &outcome.latency);
    sample.add_use((before, after), outcome.answers);
    sample.server_micros = each(used as f64, outcome.answers);
    sample.generator_micros = each(outcome.processor.as_micros() as f64, outcome.answers);
    sample.resident_mib = Some(most_kib as f64 / 1024.0);
    if !outcome.apart.is_empty() {
        sample.apart_p99 = Some(outcome.apart.value_at_quantile(0.99) as f64 / 1_000.0);
    }
    Ok((sample, outcome))
}

impl Sample {
    /// Adds what each of `count` cost the database server, and what other programs used in that time.
    pub(crate) fn add_use(&mut self, (before, after): (Written, Written), count: u64) {
        let foreign = after.foreign.saturating_sub(before.foreign);
        let elapsed = after.at.duration_since(before.at);
        self.foreign_cores = ratio(foreign as f64 / 1e6, elapsed.as_secs_f64());
        let processor = after.processor.saturating_sub(before.processor);
        self.postgres_micros = each(processor as f64, count);
        self.wal_bytes = each((after.wal - before.wal) as f64, count);
    }
}

fn each(all: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| all / count as f64)
}
