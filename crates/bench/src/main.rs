//! The bench: puts load on the built program and on PostgreSQL by turns and tells medians, ratios and costs. It makes
//! everything that it works on in a folder for temporary files and removes it; it touches this machine alone.
//! Start at [`measure`]; what is done each round stands in [`rounds`].
#![expect(
    clippy::float_arithmetic,
    reason = "rates, ratios and percentiles; there is no money and there are no points here"
)]

mod cluster;
mod figures;
mod load;
mod peer;
mod pgbench;
mod plan;
mod population;
mod processes;
mod program;
mod random;
mod report;
mod rounds;
mod stage;
mod statements;
mod zipf;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use services::context::Context;
use services::ids::random_bytes;
use tokio::signal::unix::{SignalKind, signal};

use cluster::{Cluster, NAME};
use figures::Figures;
use load::Load;
use load::requests::{Requests, Scenario, Town, access_tokens};
use pgbench::Pgbench;
use plan::Plan;
use population::Population;
use program::{Program, Serving};
use report::About;
use rounds::Bench;

/// How long a service is left alone before its memory counts as idle.
const REST: Duration = Duration::from_secs(2);

/// Purchases before the copy is made, for the size of an answer.
const FIRST_PURCHASES: u64 = 100;

/// Measure the program beside PostgreSQL alone
#[derive(Debug, Parser)]
struct Args {
    /// The program
    #[arg(long, default_value = "target/release/owncircle")]
    program: PathBuf,
    /// A small run of about a minute
    #[arg(long)]
    quick: bool,
    /// Rounds, instead of the usual number
    #[arg(long)]
    rounds: Option<u32>,
    /// Where the figures go
    #[arg(long, default_value = "target/bench/posting.json")]
    output: PathBuf,
    /// The document whose last run is replaced
    #[arg(long)]
    document: Option<PathBuf>,
}

impl Args {
    fn plan(&self) -> Plan {
        let plan = if self.quick { Plan::QUICK } else { Plan::USUAL };
        Plan {
            rounds: self.rounds.unwrap_or(plan.rounds).max(1),
            ..plan
        }
    }
}

/// Writes a line to the standard error stream.
fn tell(text: &str) {
    // The work goes on even if nobody reads.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(Box::pin(run(&args))));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> anyhow::Result<()> {
    if std::env::var_os("BENCH_PEERS").is_some() {
        tell("BENCH_PEERS: peers are not run yet; their keys stay under not_measured");
    }
    // Once listened for, a signal does not end us before everything is stopped.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let started = Instant::now();
    let cluster = Cluster::start().await?;
    let outcome = tokio::select! {
        outcome = Box::pin(measure(args, &cluster)) => outcome,
        _ = interrupted.recv() => Err(anyhow::anyhow!("stopped")),
        _ = terminated.recv() => Err(anyhow::anyhow!("stopped")),
    };
    cluster.stop().await;
    let (figures, about) = outcome?;
    show(args, &figures, &about)?;
    tell(&format!("done in {} s", started.elapsed().as_secs()));
    Ok(())
}

async fn measure(args: &Args, cluster: &Cluster) -> anyhow::Result<(Figures, About)> {
    let plan = args.plan();
    let key = random_bytes::<32>();
    let program = Program {
        path: std::path::absolute(&args.program)?,
        folder: cluster.folder().to_owned(),
        url: Some(cluster.url(NAME)),
        master_key: hex::encode(key),
    };
    let mut figures = Figures::default();
    starts(&plan, &program, &mut figures).await?;
    let ctx = stage::context(&cluster.url(NAME), &key).await?;
    let mut bench = set_stage(plan, cluster, program, ctx, figures).await?;
    tell("Warming up");
    bench.warm_up().await?;
    for round in 1..=plan.rounds {
        tell(&format!("Round {round} of {}", plan.rounds));
        bench.round().await?;
    }
    bench.audit_peer().await?;
    bench.serving.stop().await?;
    bench.ctx.pool().close().await;
    let about = About {
        machine: processes::machine(),
        postgres: cluster.version().await?,
        day: bench.ctx.clock().now().date_naive().to_string(),
        command: if args.quick {
            "make bench QUICK=1"
        } else {
            "make bench"
        },
        plan,
    };
    Ok((bench.figures, about))
}

/// Times starts on a migrated database, and of the program with a PostgreSQL of its own.
async fn starts(plan: &Plan, program: &Program, figures: &mut Figures) -> anyhow::Result<()> {
    tell("Starting and stopping the service");
    let millis = |serving: &Serving| serving.ready.as_secs_f64() * 1_000.0;
    let embedded = Program {
        url: None,
        ..program.clone()
    };
    for (program, times) in [
        (program, &mut figures.ready),
        (&embedded, &mut figures.ready_embedded),
    ] {
        // The first start makes what later ones find.
        program.serve().await?.stop().await?;
        for _ in 0..plan.starts {
            let serving = program.serve().await?;
            times.push(millis(&serving));
            serving.stop().await?;
        }
    }
    Ok(())
}

/// Makes the people and places, then the copy for pgbench, then starts the service that everything is measured on.
async fn set_stage(
    plan: Plan,
    cluster: &Cluster,
    program: Program,
    ctx: Context,
    mut figures: Figures,
) -> anyhow::Result<Bench<'_>> {
    let population = Population::new(plan.members, plan.businesses);
    let count = population.members();
    tell(&format!(
        "Making {} businesses and {count} members",
        plan.businesses
    ));
    let shops = stage::businesses(&ctx, plan.businesses).await?;
    let first = shops.first().context("no business")?.id;
    let members = stage::members(&ctx, first, count).await?;
    let joined: Vec<usize> = (0..members.len())
        .rev()
        .take(usize::try_from(plan.joined)?)
        .collect();
    let sign_ins = stage::join(&ctx, &joined).await?;
    let town = Arc::new(Town {
        keys: shops.iter().map(|shop| shop.key.clone()).collect(),
        tokens: access_tokens(&sign_ins),
        population,
        joined,
    });
    figures.purchases = first_purchases(&program, &town).await?;
    // Nobody may be connected to what is copied.
    ctx.pool().close().await;
    let answer = "select avg(octet_length(response))::bigint from idempotency_keys";
    let answer_bytes = cluster.number(NAME, answer).await?;
    tell("Copying the database for pgbench");
    let scripts = peer::prepare(cluster, &shops, &members, answer_bytes).await?;
    for database in [NAME, cluster::PEER] {
        cluster.execute(database, "vacuum (analyze)").await?;
    }
    cluster.execute(NAME, "checkpoint").await?;
    let ctx = stage::context(&cluster.url(NAME), &key_of(&program)?).await?;
    let serving = program.serve().await?;
    tokio::time::sleep(REST).await;
    figures.idle_mib = Some(processes::resident_kib(serving.process())? as f64 / 1024.0);
    Ok(Bench {
        pgbench: Pgbench::find(cluster, &town.population).await?,
        plan,
        cluster,
        program,
        serving,
        ctx,
        shops,
        town,
        scripts,
        figures,
        loads: 0,
        sign_ins,
        renewed: Instant::now(),
    })
}

fn key_of(program: &Program) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(&program.master_key, &mut key)?;
    Ok(key)
}

/// Posts a few purchases, so that there are answers whose size is known; tells how many.
async fn first_purchases(program: &Program, town: &Arc<Town>) -> anyhow::Result<i64> {
    let serving = program.serve().await?;
    let load = Load {
        address: serving.address,
        connections: 1,
        time: Duration::from_secs(60),
        most: FIRST_PURCHASES,
        seed: 0,
    };
    let requests = Arc::new(Requests::new(Scenario::Post, Arc::clone(town)));
    let outcome = tokio::task::spawn_blocking(move || load::run(&load, &requests)).await??;
    serving.stop().await?;
    Ok(i64::try_from(outcome.answers)?)
}

fn show(args: &Args, figures: &Figures, about: &About) -> anyhow::Result<()> {
    if let Some(folder) = args.output.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let json = serde_json::to_string_pretty(&figures.json())?;
    write(&args.output, &format!("{json}\n"))?;
    let run = report::last_run(figures, about)?;
    if let Some(document) = &args.document {
        report::write_document(document, &run)?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{run}")?;
    Ok(out.flush()?)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
