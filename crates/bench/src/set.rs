//! Makes everything that the rounds work with: people and places, the copies of the database, the services on them, and
//! the programs of others.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use services::auth::Tokens;
use services::context::Context;
use uuid::Uuid;

use crate::cluster::{Cluster, LARGE, NAME, PEER, RULES};
use crate::figures::Figures;
use crate::import::{Row, import};
use crate::large::{self, Past};
use crate::load::tills::{Scenario, Tills, Town, access_tokens};
use crate::load::{self, Load, drawn_id};
use crate::others::{self, Others};
use crate::peer::{self, Rows};
use crate::pgbench::Pgbench;
use crate::plan::Plan;
use crate::population::Population;
use crate::processes;
use crate::program::Program;
use crate::random::Random;
use crate::rounds::Bench;
use crate::side::Side;
use crate::stage::{self, Shop};
use crate::tell;

/// How long a service is left alone before its memory counts as idle.
const REST: Duration = Duration::from_secs(2);

/// Purchases before the copies are made, for a comparison of what they write.
const FIRST_PURCHASES: u32 = 100;

/// The people and places of all databases.
struct People {
    shops: Vec<Shop>,
    members: Vec<Uuid>,
    town: Arc<Town>,
    /// Of those who joined, and of the one who runs the programme.
    sign_ins: Vec<Tokens>,
    admin: Tokens,
    signed_in: Instant,
}

/// See the module.
///
/// # Errors
/// If a service refuses, the database fails or a program does not start.
pub(crate) async fn the_stage<'a>(
    plan: Plan,
    cluster: &'a Cluster,
    program: Program,
    kept: &Path,
    mut figures: Figures,
) -> anyhow::Result<Bench<'a>> {
    // What may be missing is asked for first.
    let pgbench = Pgbench::find(cluster).await?;
    let others = match others::folder() {
        Some(folder) => Some(Others::start(&folder, kept, cluster, &pgbench, &plan).await?),
        None => None,
    };
    let ctx = open(&program, &cluster.url(NAME)).await?;
    let people = people(&ctx, &plan).await?;
    let (written, purchases) = first_purchases(cluster, &ctx, &program, &people.town).await?;
    // Nobody may be connected to what is copied.
    ctx.close().await;
    tell("Copying the database");
    let population = &people.town.population;
    let scripts = peer::prepare(cluster, &people.shops, &people.members, population).await?;
    peer::check(cluster, &written, i64::from(FIRST_PURCHASES)).await?;
    let rules = rules(&plan, cluster, &program, purchases).await?;
    let large = large_side(&plan, cluster, &program, &people, purchases).await?;
    for database in [NAME, PEER] {
        cluster.execute(database, "vacuum (analyze)").await?;
    }
    cluster.execute(NAME, "checkpoint").await?;
    let small = side(cluster, NAME, &program, purchases).await?;
    tokio::time::sleep(REST).await;
    let idle = processes::resident_kib(small.serving.process())?;
    figures.idle_mib = Some(idle as f64 / 1024.0);
    Ok(Bench {
        ctx: open(&program, &cluster.url(NAME)).await?,
        plan,
        cluster,
        small,
        rules,
        large,
        town: people.town,
        pgbench,
        scripts,
        others,
        figures,
        only: Vec::new(),
        loads: 0,
        renewed: people.signed_in,
        sign_ins: people.sign_ins,
        admin: people.admin,
    })
}

/// Makes businesses and members, some of whom join, and one of whom runs the programme.
async fn people(ctx: &Context, plan: &Plan) -> anyhow::Result<People> {
    let population = Population::new(plan.members, plan.businesses, plan.joined);
    let count = population.members();
    tell(&format!(
        "Making {} businesses and {count} members",
        plan.businesses
    ));
    stage::raise_limits(ctx).await?;
    let shops = stage::businesses(ctx, stage::NAME, plan.businesses).await?;
    let first = shops.first().context("no business")?.id;
    let members = stage::members(ctx, first, count).await?;
    let places = 0..usize::try_from(population.joined_members())?;
    let joined = places.map(|place| population.joined(place)).collect();
    let signed_in = Instant::now();
    let sign_ins = stage::join(ctx, joined).await?;
    let admin = stage::admin(ctx, members.len().saturating_sub(1)).await?;
    Ok(People {
        town: Arc::new(Town {
            keys: shops.iter().map(|shop| shop.key.clone()).collect(),
            tokens: access_tokens(&sign_ins),
            population,
        }),
        shops,
        members,
        sign_ins,
        admin,
        signed_in,
    })
}

async fn open(program: &Program, url: &str) -> anyhow::Result<Context> {
    let mut key = [0; 32];
    hex::decode_to_slice(&program.master_key, &mut key)?;
    stage::context(url, &key).await
}

/// A service on a database.
async fn side(
    cluster: &Cluster,
    database: &'static str,
    program: &Program,
    purchases: i64,
) -> anyhow::Result<Side> {
    let name = match database {
        LARGE => "large",
        RULES => "rules",
        _ => program.name,
    };
    let program = program.on(name, &cluster.url(database));
    Ok(Side {
        database,
        serving: program.serve().await?,
        program,
        purchases,
    })
}

/// Posts a few purchases, looks at what they wrote, and gives a stock of points to those who spend of it. Tells the rows
/// of the few, and how many purchases there are.
async fn first_purchases(
    cluster: &Cluster,
    ctx: &Context,
    program: &Program,
    town: &Arc<Town>,
) -> anyhow::Result<(Rows, i64)> {
    let serving = program.serve().await?;
    let before = peer::rows(cluster, NAME).await?;
    let load = Load {
        address: serving.address,
        connections: 1,
        time: Duration::from_secs(60),
        most: u64::from(FIRST_PURCHASES),
        seed: 0,
        tolerated: 0,
    };
    let mut tills = Tills::new(Scenario::Post, Arc::clone(town));
    let outcome = tokio::task::spawn_blocking(move || load::run(&load, &mut tills)).await??;
    let written = peer::grown(&before, &peer::rows(cluster, NAME).await?);
    serving.stop().await?;
    let mut random = Random::new(0);
    let at = ctx.clock().now() - stage::STOCK_AGE;
    let stocks: Vec<Row> = town
        .population
        .spenders()
        .map(|member| Row {
            receipt: drawn_id(&mut random),
            at,
            member,
            total: stage::STOCK_BILL,
        })
        .collect();
    import(program, &stocks).await?;
    let purchases = i64::try_from(outcome.answers)? + i64::try_from(stocks.len())?;
    Ok((written, purchases))
}

/// The database with promotions that concern nobody.
async fn rules(
    plan: &Plan,
    cluster: &Cluster,
    program: &Program,
    purchases: i64,
) -> anyhow::Result<Side> {
    tell(&format!("Making {} promotions", plan.rules));
    cluster.copy(NAME, RULES).await?;
    let ctx = open(program, &cluster.url(RULES)).await?;
    stage::promotions(&ctx, plan.rules).await?;
    ctx.close().await;
    cluster.execute(RULES, "vacuum (analyze)").await?;
    side(cluster, RULES, program, purchases).await
}

/// The database with a long past, if it is wanted.
async fn large_side(
    plan: &Plan,
    cluster: &Cluster,
    program: &Program,
    people: &People,
    purchases: i64,
) -> anyhow::Result<Option<Side>> {
    // Each purchase has two.
    let past = i64::try_from(plan.growth_rows / 2)?;
    if past == 0 {
        return Ok(None);
    }
    tell(&format!("Laying in {past} purchases of the past"));
    let past = Past {
        purchases: past,
        members: i32::try_from(people.members.len())?,
        shops: i32::try_from(people.shops.len())?,
        ends: services::clock::Clock::System.now() - chrono::TimeDelta::days(1),
    };
    large::prepare(cluster, &people.shops, &people.members, past).await?;
    let purchases = purchases + past.purchases;
    Ok(Some(side(cluster, LARGE, program, purchases).await?))
}

impl Bench<'_> {
    /// Stops everything, and gives what was measured.
    ///
    /// # Errors
    /// If waiting fails.
    pub(crate) async fn end(self) -> anyhow::Result<Figures> {
        self.ctx.close().await;
        let mut figures = self.figures;
        for side in [Some(self.small), Some(self.rules), self.large]
            .into_iter()
            .flatten()
        {
            figures.purchases += side.purchases;
            side.serving.stop().await?;
        }
        if let Some(others) = self.others {
            others.stop().await?;
        }
        Ok(figures)
    }
}
