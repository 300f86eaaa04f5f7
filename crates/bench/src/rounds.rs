//! The rounds: ours and others by turns, everything once a round, so that what the machine does meanwhile meets all of
//! them. After each round the purchases are counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use services::auth::Tokens;
use services::context::Context;

use crate::cluster::{Cluster, NAME, PEER};
use crate::figures::{Figures, Sample, name};
use crate::import::{Row, import};
use crate::load::model::ModelTills;
use crate::load::tills::{LOT, SPENT, Scenario, Town};
use crate::load::{Load, Requests, drawn_id};
use crate::others::Others;
use crate::peer::Scripts;
use crate::pgbench::{Pgbench, Script};
use crate::plan::Plan;
use crate::population::total;
use crate::random::Random;
use crate::side::{Ours, Side, measured};
use crate::stage::{self, BASE_RATE};

/// How long the loads before the first round last.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long purchases are posted on the large database before it is measured. What is measured is the time between two
/// checkpoints: right after one, each page that is changed for the first time goes into the log as a whole, and there are
/// many pages.
const WARM_UP_LARGE: Duration = Duration::from_secs(20);

/// What these are called.
const WARMING: &str = "warm-up";

/// When access tokens are renewed; they live for ten minutes.
const RENEW_AFTER: Duration = Duration::from_secs(4 * 60);

/// A seed for everything that is drawn; runs differ by what the machine does.
const SEED: u64 = 20_260_302;

/// The numbers of clients of which pgbench's best is taken.
const CLIENTS: [u32; 4] = [4, 8, 16, 32];

/// Connections on which the services of others are measured: as many as they open to the database.
const PEER_CONNECTIONS: u32 = 32;

/// Of a thousand answers of others, so many may be failures.
const TOLERATED: u64 = 20;

/// All that the rounds work with.
pub(crate) struct Bench<'a> {
    pub(crate) plan: Plan,
    pub(crate) cluster: &'a Cluster,
    pub(crate) small: Side,
    /// With many promotions.
    pub(crate) rules: Side,
    /// With a long past.
    pub(crate) large: Option<Side>,
    pub(crate) ctx: Context,
    pub(crate) town: Arc<Town>,
    pub(crate) pgbench: Pgbench,
    pub(crate) scripts: Scripts,
    pub(crate) others: Option<Others>,
    pub(crate) figures: Figures,
    /// Parts of the names of the loads that are wanted; none: all are.
    pub(crate) only: Vec<String>,
    /// Draws that were made: each load has a seed of its own.
    pub(crate) loads: u64,
    /// The sign-ins behind the town's tokens, in the same order, and when they were last renewed.
    pub(crate) sign_ins: Vec<Tokens>,
    pub(crate) renewed: Instant,
    /// Somebody who runs the programme.
    pub(crate) admin: Tokens,
}

/// One of our databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Small,
    Rules,
    Large,
}

use Which::{Large, Rules, Small};

impl Bench<'_> {
    /// Does what is measured once without counting it, and finds the number of clients that suits pgbench best.
    ///
    /// # Errors
    /// As a round.
    pub(crate) async fn warm_up(&mut self) -> anyhow::Result<()> {
        // A long past takes long to lay in.
        self.renew_tokens().await?;
        for which in [Small, Rules, Large] {
            for scenario in [
                Scenario::Post,
                Scenario::Quote,
                Scenario::BalanceAnew,
                Scenario::History,
            ] {
                let time = match (which, scenario) {
                    (Large, Scenario::Post) => WARM_UP_LARGE,
                    _ => WARM_UP,
                };
                self.ours(which, WARMING, scenario, 64, time).await?;
            }
        }
        let mut scripts = vec![
            (name::FUNCTION, self.scripts.function.clone()),
            (name::STATEMENTS, self.scripts.statements.clone()),
        ];
        if let Some(others) = &self.others {
            scripts.push((name::MODEL_FUNCTION, others.function.clone()));
            scripts.push((name::MODEL_MULTI, others.multi.clone()));
        }
        for (name, script) in &scripts {
            self.find_clients(name, script).await?;
        }
        for (name, raw) in [(name::ORM_POST, false), (name::RAW_POST, true)] {
            self.other(name, raw, false).await?;
        }
        self.figures.samples.clear();
        self.cluster.clean().await
    }

    async fn find_clients(&mut self, name: &'static str, script: &Script) -> anyhow::Result<()> {
        if !self.is_wanted(name) {
            return Ok(());
        }
        let mut best = (0.0, 0);
        for clients in CLIENTS {
            let run = self
                .pgbench
                .run(self.cluster, script, clients, self.plan.trial);
            let rate = run.await?.per_second;
            crate::tell(&format!("{name}, {clients} clients: {rate:.0}/s"));
            if rate > best.0 {
                best = (rate, clients);
            }
        }
        self.figures.clients.insert(name, best.1);
        Ok(())
    }

    /// Measures everything once, and counts what came of it.
    ///
    /// # Errors
    /// If an answer is not as expected or a purchase is missing.
    pub(crate) async fn round(&mut self, number: u32) -> anyhow::Result<()> {
        let (time, short) = (self.plan.time, self.plan.short);
        self.one_by_one(short).await?;
        for (name, scenario) in [
            (name::POST_32, Scenario::Post),
            (name::HOT_MEMBER, Scenario::PostHotMember),
            (name::HOT_BUSINESS, Scenario::PostHotBusiness),
        ] {
            self.ours(Small, name, scenario, 32, time).await?;
        }
        let mut sides = [
            (Rules, name::RULES_POST),
            (Small, name::POST_64),
            (Large, name::LARGE_POST),
        ];
        if number.is_multiple_of(2) {
            sides.reverse();
        }
        for (which, name) in sides {
            self.ours(which, name, Scenario::Post, 64, time).await?;
        }
        self.posting_of_others(time).await?;
        self.ours(Small, name::POST_256, Scenario::Post, 256, time)
            .await?;
        self.ours(Small, name::MIXED, Scenario::PostMixed, 64, time)
            .await?;
        self.redemption().await?;
        self.renew_tokens().await?;
        self.reading(number, short).await?;
        self.import().await?;
        self.sets(time).await?;
        let sides = [Some(&self.small), Some(&self.rules), self.large.as_ref()];
        for side in sides.into_iter().flatten() {
            side.count(self.cluster).await?;
        }
        self.cluster.clean().await
    }

    /// One client, one purchase at a time.
    async fn one_by_one(&mut self, time: Duration) -> anyhow::Result<()> {
        self.ours(Small, name::POST_1, Scenario::Post, 1, time)
            .await?;
        let function = self.scripts.function.clone();
        self.script(name::FUNCTION_1, &function, 1, time).await?;
        let statements = self.scripts.statements.clone();
        self.script(name::STATEMENTS_1, &statements, 1, time)
            .await?;
        if let Some(script) = self.others.as_ref().map(|others| others.function.clone()) {
            self.script(name::MODEL_FUNCTION_1, &script, 1, time)
                .await?;
        }
        Ok(())
    }

    async fn posting_of_others(&mut self, time: Duration) -> anyhow::Result<()> {
        let mut scripts = vec![
            (name::FUNCTION, self.scripts.function.clone()),
            (name::STATEMENTS, self.scripts.statements.clone()),
        ];
        if let Some(others) = &self.others {
            scripts.push((name::MODEL_FUNCTION, others.function.clone()));
            scripts.push((name::MODEL_MULTI, others.multi.clone()));
        }
        for (name, script) in scripts {
            let clients = self.figures.clients.get(name).copied().unwrap_or(8);
            self.script(name, &script, clients, time).await?;
        }
        self.other(name::ORM_POST, false, false).await?;
        self.other(name::RAW_POST, true, false).await
    }

    async fn reading(&mut self, number: u32, time: Duration) -> anyhow::Result<()> {
        let pairs = [
            (Scenario::Quote, name::QUOTE, name::LARGE_QUOTE),
            (Scenario::Balance, name::BALANCE, name::LARGE_BALANCE),
            (
                Scenario::BalanceAnew,
                name::BALANCE_ANEW,
                name::LARGE_BALANCE_ANEW,
            ),
            (Scenario::History, name::HISTORY, name::LARGE_HISTORY),
        ];
        for (scenario, small, large) in pairs {
            let mut sides = [(Small, small), (Large, large)];
            if number.is_multiple_of(2) {
                sides.reverse();
            }
            for (which, name) in sides {
                self.ours(which, name, scenario, 32, time).await?;
            }
        }
        let few = [
            (Scenario::BalanceAnew, name::LARGE_BALANCE_FEW),
            (Scenario::History, name::LARGE_HISTORY_FEW),
        ];
        for (scenario, name) in few {
            self.ours(Large, name, scenario, 4, time).await?;
        }
        self.other(name::ORM_BALANCE, false, true).await?;
        self.other(name::RAW_BALANCE, true, true).await
    }

    /// Sets of a thousand by two workers that have no member in common.
    async fn sets(&mut self, time: Duration) -> anyhow::Result<()> {
        let script = self.scripts.set_based.clone();
        self.script(name::SET_BASED, &script, 2, time).await?;
        if let Some(script) = self.others.as_ref().map(|others| others.set_based.clone()) {
            self.script(name::MODEL_SET_BASED, &script, 2, time).await?;
        }
        Ok(())
    }

    /// Puts load on one of our services; nothing if there is no such database.
    async fn ours(
        &mut self,
        which: Which,
        name: &'static str,
        scenario: Scenario,
        connections: u32,
        time: Duration,
    ) -> anyhow::Result<()> {
        if name != WARMING && !self.is_wanted(name) {
            return Ok(());
        }
        let ours = Ours {
            scenario,
            connections,
            time,
            most: u64::MAX,
            seed: self.seed(),
        };
        let side = match which {
            Small => Some(&mut self.small),
            Rules => Some(&mut self.rules),
            Large => self.large.as_mut(),
        };
        let Some(side) = side else { return Ok(()) };
        let loaded = side.load(self.cluster, &self.town, ours).await;
        let (sample, _) = loaded.context(name)?;
        self.keep(name, sample);
        Ok(())
    }

    /// Puts load on a service of others; nothing if there is none.
    async fn other(&mut self, name: &'static str, raw: bool, reads: bool) -> anyhow::Result<()> {
        let seed = self.seed();
        let Some(others) = self.others.as_ref().filter(|_| self.is_wanted(name)) else {
            return Ok(());
        };
        let serving = if raw { &others.raw } else { &others.orm };
        let population = others.population.clone();
        let (requests, time): (Box<dyn Requests>, Duration) = if reads {
            (Box::new(ModelTills::balances(population)), self.plan.short)
        } else {
            (Box::new(ModelTills::purchases(population)), self.plan.time)
        };
        let load = Load {
            address: serving.address,
            connections: PEER_CONNECTIONS,
            time,
            most: u64::MAX,
            seed,
            tolerated: TOLERATED,
        };
        let done = measured(self.cluster, serving.process(), load, requests).await;
        let (mut sample, outcome) = done.context(name)?;
        if outcome.others > 0 {
            let remark = format!("{name}: {} answers were failures", outcome.others);
            self.figures.remarks.push(remark);
        }
        // Of the first process alone, and not ours.
        sample.resident_mib = None;
        self.keep(name, sample);
        Ok(())
    }

    async fn script(
        &mut self,
        name: &'static str,
        script: &Script,
        clients: u32,
        time: Duration,
    ) -> anyhow::Result<()> {
        if !self.is_wanted(name) {
            return Ok(());
        }
        let before = self.cluster.written().await?;
        let run = self.pgbench.run(self.cluster, script, clients, time);
        let measured = run.await.context(name)?;
        let after = self.cluster.written().await?;
        let mut sample = Sample::of(measured.per_second, &measured.latency);
        sample.add_use((before, after), measured.count);
        self.keep(name, sample);
        Ok(())
    }

    /// Access tokens live for ten minutes; a run takes longer.
    async fn renew_tokens(&mut self) -> anyhow::Result<()> {
        if self.renewed.elapsed() < RENEW_AFTER {
            return Ok(());
        }
        self.sign_ins = stage::renew(&self.ctx, std::mem::take(&mut self.sign_ins)).await?;
        self.renewed = Instant::now();
        self.town = Arc::new(self.town.with_tokens(&self.sign_ins));
        Ok(())
    }

    /// Purchases that points pay in part, each from three lots, which are laid in before.
    async fn redemption(&mut self) -> anyhow::Result<()> {
        if !self.is_wanted(name::REDEEM) {
            return Ok(());
        }
        let redemptions = usize::try_from(self.plan.redemptions)?;
        let mut random = Random::new(self.seed());
        let at = self.ctx.clock().now() - stage::LOTS_AGE;
        let bill = LOT * 10_000 / usize::try_from(BASE_RATE)?;
        // Lot by lot for all, so that each member's three are far apart in the file.
        let rows: Vec<Row> = (0..redemptions * 3)
            .map(|turn| Row {
                receipt: drawn_id(&mut random),
                at,
                member: self.town.population.redeemer(turn % redemptions),
                total: bill,
            })
            .collect();
        import(&self.small.program, &rows).await?;
        self.small.purchases += i64::try_from(rows.len())?;
        self.cluster.clean().await?;
        let ours = Ours {
            scenario: Scenario::Redeem,
            connections: 64,
            time: Duration::from_secs(120),
            most: u64::from(self.plan.redemptions),
            seed: self.seed(),
        };
        let loaded = self.small.load(self.cluster, &self.town, ours).await;
        let (sample, _) = loaded.context(name::REDEEM)?;
        self.keep(name::REDEEM, sample);
        Ok(())
    }

    /// A file of purchases of members drawn at random, through the command, parsing and start included.
    async fn import(&mut self) -> anyhow::Result<()> {
        if !self.is_wanted(name::IMPORT) {
            return Ok(());
        }
        let mut random = Random::new(self.seed());
        let at = self.ctx.clock().now();
        let rows: Vec<Row> = (0..self.plan.rows)
            .map(|_| Row {
                receipt: drawn_id(&mut random),
                at,
                member: self.town.population.member(&mut random),
                total: total(&mut random),
            })
            .collect();
        let before = self.cluster.written().await?;
        let elapsed = import(&self.small.program, &rows).await?;
        let after = self.cluster.written().await?;
        let mut sample = Sample {
            per_second: f64::from(self.plan.rows) / elapsed.as_secs_f64(),
            ..Sample::default()
        };
        sample.add_use((before, after), u64::from(self.plan.rows));
        self.keep(name::IMPORT, sample);
        self.small.purchases += i64::from(self.plan.rows);
        Ok(())
    }

    /// Audits all of our databases, and what pgbench wrote: it did the same work. Also the model's own sums.
    ///
    /// # Errors
    /// With the differences.
    pub(crate) async fn audit(&mut self) -> anyhow::Result<()> {
        self.figures.audit_clean = Some(false);
        let mut programs = vec![
            self.small.program.clone(),
            self.rules.program.clone(),
            self.small.program.on("peer", &self.cluster.url(PEER)),
        ];
        programs.extend(self.large.as_ref().map(|side| side.program.clone()));
        for program in programs {
            crate::tell(&format!("Auditing {}", program.name));
            let audited = program.run_well(&["audit"]).await;
            audited.with_context(|| format!("the audit of {}", program.name))?;
        }
        let other = format!(
            "select count(*) from purchases \
             where points_spent = {SPENT} and jsonb_array_length(explanation -> 'spent') <> 3"
        );
        let other = self.cluster.number(NAME, &other).await?;
        ensure!(other == 0, "{other} redemptions were not from three lots");
        if let Some(others) = &self.others {
            others.check(self.cluster, &self.pgbench).await?;
        }
        self.figures.audit_clean = Some(true);
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part))
    }

    /// A seed that no other load has.
    pub(crate) fn seed(&mut self) -> u64 {
        self.loads += 1;
        SEED.wrapping_mul(self.loads)
    }

    /// Keeps a sample of a load.
    pub(crate) fn keep(&mut self, name: &'static str, sample: Sample) {
        let known = self.figures.samples.entry(name).or_default();
        known.push(sample);
        let latency = match (sample.p50, sample.p99) {
            (Some(p50), Some(p99)) => format!(", p50 {p50:.2} ms, p99 {p99:.2} ms"),
            _ => String::new(),
        };
        crate::tell(&format!("{name}: {:.0}/s{latency}", sample.per_second));
    }
}
