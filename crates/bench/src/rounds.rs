//! The rounds: ours and pgbench by turns, everything once a round. After each load the purchases are counted, after each
//! round the ledger is audited.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use services::auth::Tokens;
use services::context::Context;

use crate::cluster::{Cluster, NAME, PEER, Written};
use crate::figures::{Figures, Sample, name, ratio};
use crate::load::requests::{Requests, Scenario, Town};
use crate::load::{self, Load};
use crate::peer::Scripts;
use crate::pgbench::Pgbench;
use crate::plan::Plan;
use crate::population::{phone, total};
use crate::processes;
use crate::program::{Program, Serving};
use crate::random::Random;
use crate::stage::{self, FIRST_BUSINESS, Shop};

/// How often the service's memory is looked at during a load.
const LOOK: Duration = Duration::from_millis(100);

/// How long the loads before the first round last.
const WARM_UP: Duration = Duration::from_secs(1);

/// When access tokens are renewed.
const RENEW_AFTER: Duration = Duration::from_secs(5 * 60);

/// A seed for everything that is drawn; runs differ by what the machine does.
const SEED: u64 = 20_260_302;

/// All that the rounds work with.
pub(crate) struct Bench<'a> {
    pub(crate) plan: Plan,
    pub(crate) cluster: &'a Cluster,
    pub(crate) program: Program,
    pub(crate) serving: Serving,
    pub(crate) ctx: Context,
    pub(crate) shops: Vec<Shop>,
    pub(crate) town: Arc<Town>,
    pub(crate) pgbench: Pgbench,
    pub(crate) scripts: Scripts,
    pub(crate) figures: Figures,
    /// Draws that were made: each load has a seed of its own.
    pub(crate) loads: u64,
    /// The sign-ins behind the town's tokens, in the same order, and when they were last renewed.
    pub(crate) sign_ins: Vec<Tokens>,
    pub(crate) renewed: Instant,
}

/// A load on our service.
struct Ours {
    name: &'static str,
    scenario: Scenario,
    connections: u32,
    time: Duration,
    most: u64,
}

impl Ours {
    fn posting(name: &'static str, connections: u32, time: Duration) -> Self {
        Self {
            name,
            scenario: Scenario::Post,
            connections,
            time,
            most: u64::MAX,
        }
    }
}

impl Bench<'_> {
    /// Does what is done first once, without counting it.
    ///
    /// # Errors
    /// As a round.
    pub(crate) async fn warm_up(&mut self) -> anyhow::Result<()> {
        self.ours(Ours::posting("warm-up", 64, WARM_UP)).await?;
        for script in [&self.scripts.own, &self.scripts.function] {
            let run = self.pgbench.run(self.cluster, script, 8, WARM_UP);
            run.await?;
        }
        self.figures.samples.clear();
        Ok(())
    }

    /// Measures everything once and audits what came of it.
    ///
    /// # Errors
    /// If an answer is not as expected, a purchase is missing or the ledger does not add up.
    pub(crate) async fn round(&mut self) -> anyhow::Result<()> {
        let (time, short) = (self.plan.time, self.plan.short);
        let posting = [
            Ours::posting(name::POST_1, 1, short),
            Ours::posting(name::POST_32, 32, time),
            Ours::posting(name::POST_64, 64, time),
        ];
        for (place, ours) in posting.into_iter().enumerate() {
            self.ours(ours).await?;
            self.peer(name::FUNCTION[place], true).await?;
            self.peer(name::OWN[place], false).await?;
        }
        self.ours(Ours::posting(name::POST_256, 256, time)).await?;
        self.redemption().await?;
        self.renew_tokens().await?;
        for (name, scenario) in [
            (name::QUOTE, Scenario::Quote),
            (name::BALANCE, Scenario::Balance),
        ] {
            let reading = Ours {
                scenario,
                ..Ours::posting(name, 32, short)
            };
            self.ours(reading).await?;
        }
        self.import().await?;
        self.audit(NAME).await
    }

    async fn ours(&mut self, ours: Ours) -> anyhow::Result<()> {
        self.loads += 1;
        let load = Load {
            address: self.serving.address,
            connections: ours.connections,
            time: ours.time,
            most: ours.most,
            seed: SEED.wrapping_mul(self.loads),
        };
        let requests = Arc::new(Requests::new(ours.scenario, Arc::clone(&self.town)));
        let process = self.serving.process();
        let before = self.cluster.written().await?;
        let started = Instant::now();
        let server_before = processes::processor_micros(process)?;
        let work = Arc::clone(&requests);
        let mut running = tokio::task::spawn_blocking(move || load::run(&load, &work));
        let mut most_kib = 0;
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome?.with_context(|| ours.name)?,
                () = tokio::time::sleep(LOOK) => {
                    most_kib = most_kib.max(processes::resident_kib(process)?);
                }
            }
        };
        let server = processes::processor_micros(process)?.saturating_sub(server_before);
        let after = self.cluster.written().await?;
        let rate = outcome.answers as f64 / outcome.elapsed.as_secs_f64();
        let mut sample = Sample::of(rate, &outcome.latency);
        add_use(
            &mut sample,
            (before, after),
            started.elapsed(),
            outcome.answers,
        );
        sample.server_micros = each(server as f64, outcome.answers);
        sample.resident_mib = Some(most_kib as f64 / 1024.0);
        self.keep(ours.name, sample);
        if requests.expected() == 201 {
            self.expect(i64::try_from(outcome.answers)?).await?;
        }
        Ok(())
    }

    async fn peer(
        &mut self,
        (clients, name): (u32, &'static str),
        function: bool,
    ) -> anyhow::Result<()> {
        let script = match function {
            true => &self.scripts.function,
            false => &self.scripts.own,
        };
        let before = self.cluster.written().await?;
        let started = Instant::now();
        let run = self
            .pgbench
            .run(self.cluster, script, clients, self.plan.pgbench);
        let measured = run.await?;
        let after = self.cluster.written().await?;
        let mut sample = Sample::of(measured.per_second, &measured.latency);
        add_use(
            &mut sample,
            (before, after),
            started.elapsed(),
            measured.count,
        );
        self.keep(name, sample);
        Ok(())
    }

    /// Access tokens live for ten minutes; a run with many rounds takes longer.
    async fn renew_tokens(&mut self) -> anyhow::Result<()> {
        if self.renewed.elapsed() < RENEW_AFTER {
            return Ok(());
        }
        stage::renew(&self.ctx, &mut self.sign_ins).await?;
        self.renewed = Instant::now();
        self.town = Arc::new(self.town.with_tokens(&self.sign_ins));
        Ok(())
    }

    /// Purchases that points pay in part, each from three lots, which are laid in before.
    async fn redemption(&mut self) -> anyhow::Result<()> {
        let lots = self.plan.redemptions * 3;
        let shop = self.shops.first().context("no business")?.id;
        stage::lay_in_lots(&self.ctx, shop, &self.town.joined, lots).await?;
        self.expect(i64::from(lots)).await?;
        let ours = Ours {
            scenario: Scenario::Redeem,
            most: u64::from(self.plan.redemptions),
            ..Ours::posting(name::REDEEM, 64, self.plan.time)
        };
        self.ours(ours).await?;
        let others = "select count(*) from purchases \
                      where points_spent > 0 and jsonb_array_length(explanation -> 'spent') <> 3";
        let others = self.cluster.number(NAME, others).await?;
        ensure!(others == 0, "{others} redemptions were not from three lots");
        Ok(())
    }

    /// A file of purchases of members drawn at random, through the command, parsing and start included.
    async fn import(&mut self) -> anyhow::Result<()> {
        self.loads += 1;
        let mut random = Random::new(SEED.wrapping_mul(self.loads));
        let now = self.ctx.clock().now().to_rfc3339();
        let mut text = String::from("receipt_number,occurred_at,phone,total\n");
        for _ in 0..self.plan.rows {
            let receipt = self.ctx.ids().uuid();
            let buyer = phone(self.town.population.member(&mut random));
            let bill = total(&mut random) / 100;
            writeln!(text, "{receipt},{now},{buyer},{bill}.00")?;
        }
        let file = self.cluster.folder().join("purchases.csv");
        std::fs::write(&file, text).context("the file to be imported")?;
        let file = file.to_string_lossy().into_owned();
        let before = self.cluster.written().await?;
        let started = Instant::now();
        let printed = self
            .program
            .run_well(&["import", "--json", "--business", FIRST_BUSINESS, &file])
            .await?;
        let elapsed = started.elapsed();
        let after = self.cluster.written().await?;
        let told: serde_json::Value = serde_json::from_str(&printed)?;
        let rows = i64::from(self.plan.rows);
        ensure!(told["posted"] == rows, "not all rows were posted: {told}");
        let mut sample = Sample {
            per_second: f64::from(self.plan.rows) / elapsed.as_secs_f64(),
            ..Sample::default()
        };
        let count = u64::from(self.plan.rows);
        add_use(&mut sample, (before, after), elapsed, count);
        self.keep(name::IMPORT, sample);
        self.expect(rows).await
    }

    /// Counts purchases: so many more than before, no more and no fewer.
    pub(crate) async fn expect(&mut self, more: i64) -> anyhow::Result<()> {
        self.figures.purchases += more;
        let expected = self.figures.purchases;
        let found = self
            .cluster
            .number(NAME, "select count(*) from purchases")
            .await?;
        ensure!(
            found == expected,
            "{found} purchases are there, {expected} were answered"
        );
        Ok(())
    }

    /// Audits a database; what differs ends the run.
    ///
    /// # Errors
    /// With the differences.
    pub(crate) async fn audit(&mut self, database: &str) -> anyhow::Result<()> {
        self.figures.audit_clean = Some(false);
        let program = self.program.on(&self.cluster.url(database));
        let audited = program.run_well(&["audit"]).await;
        audited.with_context(|| format!("the audit of {database}"))?;
        self.figures.audit_clean = Some(true);
        Ok(())
    }

    /// The audit of what pgbench wrote: it did the same work.
    ///
    /// # Errors
    /// With the differences.
    pub(crate) async fn audit_peer(&mut self) -> anyhow::Result<()> {
        self.audit(PEER).await
    }

    fn keep(&mut self, name: &'static str, sample: Sample) {
        let known = self.figures.samples.entry(name).or_default();
        known.push(sample);
        let latency = match (sample.p50, sample.p99) {
            (Some(p50), Some(p99)) => format!(", p50 {p50:.2} ms, p99 {p99:.2} ms"),
            _ => String::new(),
        };
        crate::tell(&format!("{name}: {:.0}/s{latency}", sample.per_second));
    }
}

/// What each of `count` cost the database server, and what other programs used in that time.
fn add_use(
    sample: &mut Sample,
    (before, after): (Written, Written),
    elapsed: Duration,
    count: u64,
) {
    let foreign = Duration::from_micros(after.foreign.saturating_sub(before.foreign));
    sample.foreign_cores = ratio(foreign.as_secs_f64(), elapsed.as_secs_f64());
    let processor = after.processor.saturating_sub(before.processor);
    sample.postgres_micros = each(processor as f64, count);
    sample.wal_bytes = each((after.wal - before.wal) as f64, count);
}

fn each(all: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| all / count as f64)
}
