//! A long load that shows whether memory grows.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::figures::{median, name};
use crate::load::tills::Scenario;
use crate::processes;
use crate::rounds::Bench;
use crate::side::Ours;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// From when on memory should not grow any more, at the latest.
const SETTLED: Duration = Duration::from_secs(60);

/// Over how long memory is taken together.
const WINDOW: Duration = Duration::from_secs(10);

/// When, since the start, and how much, KiB.
type Look = (Duration, u64);

impl Bench<'_> {
    /// Keeps the service under load, and tells by how much its memory grew between the first minute and the end.
    ///
    /// # Errors
    /// If an answer is not as expected.
    pub(crate) async fn soak(&mut self) -> anyhow::Result<()> {
        let whole = self.plan.soak;
        if whole.is_zero() {
            return Ok(());
        }
        crate::tell(&format!("Under load for {} s", whole.as_secs()));
        let ours = Ours {
            scenario: Scenario::Post,
            connections: 64,
            time: whole,
            most: u64::MAX,
            seed: self.seed(),
        };
        let process = self.small.serving.process();
        let started = Instant::now();
        let mut looks: Vec<Look> = Vec::new();
        let loaded = self.small.load(self.cluster, &self.town, ours);
        let mut loaded = Box::pin(loaded);
        let done = loop {
            tokio::select! {
                done = &mut loaded => break done,
                () = tokio::time::sleep(LOOK) => {
                    looks.push((started.elapsed(), processes::resident_kib(process)?));
                }
            }
        };
        drop(loaded);
        let (sample, _) = done.context(name::SOAK)?;
        self.keep(name::SOAK, sample);
        self.figures.growth_mib = growth(&looks, whole);
        self.small.count(self.cluster).await
    }
}

/// By how much memory grew between the first minute, or half of a shorter load, and the end, MiB.
fn growth(looks: &[Look], whole: Duration) -> Option<f64> {
    let around = |from: Duration, until: Duration| {
        let within = looks.iter().filter(|(at, _)| (from..=until).contains(at));
        median(within.map(|(_, kib)| *kib as f64 / 1024.0).collect())
    };
    let settled = SETTLED.min(whole / 2);
    let end = around(whole.saturating_sub(WINDOW), whole)?;
    Some(end - around(settled.saturating_sub(WINDOW / 2), settled + WINDOW / 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_between_the_first_minute_and_the_end() {
        let look = |second: u64, mib: u64| (Duration::from_secs(second), mib * 1024);
        // It settles within a minute, and then grows by a MiB every hundred seconds.
        let looks: Vec<Look> = (0..=600)
            .map(|second| look(second, if second < 50 { 10 } else { 40 + second / 100 }))
            .collect();
        assert_eq!(growth(&looks, Duration::from_secs(600)), Some(5.0));
        assert_eq!(growth(&looks[..5], Duration::from_secs(600)), None);
        let short: Vec<Look> = (0..=20).map(|second| look(second, 30)).collect();
        assert_eq!(growth(&short, Duration::from_secs(20)), Some(0.0));
    }
}
