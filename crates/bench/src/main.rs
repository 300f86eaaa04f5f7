//! The bench: puts load on the built program, on PostgreSQL alone and on programs of others by turns, and tells medians,
//! ratios and costs. It makes everything that it works on in a folder for temporary files and removes it; it touches
//! this machine alone. Start at [`measure`]; what is done each round stands in [`rounds`].
#![expect(
    clippy::float_arithmetic,
    reason = "rates, ratios and percentiles; there is no money and there are no points here"
)]

mod cluster;
mod faults;
mod figures;
mod import;
mod large;
mod load;
mod measures;
mod others;
mod peer;
mod pgbench;
mod plan;
mod population;
mod processes;
mod program;
mod random;
mod report;
mod rounds;
mod set;
mod side;
mod soak;
mod stage;
mod statements;
mod zipf;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use services::ids::random_bytes;
use tokio::signal::unix::{SignalKind, signal};

use cluster::{Cluster, NAME};
use figures::Figures;
use plan::Plan;
use program::{Program, Serving};
use report::About;

/// Measure the program beside PostgreSQL alone, and beside others if BENCH_PEERS names their folder
#[derive(Debug, Parser)]
struct Args {
    /// The program
    #[arg(long, default_value = "target/dist/owncircle")]
    program: PathBuf,
    /// A small run of about two minutes
    #[arg(long)]
    quick: bool,
    /// Rounds, instead of the usual number
    #[arg(long)]
    rounds: Option<u32>,
    /// Ledger rows of the large database, instead of ten million (none in a quick run); 0: there is none
    #[arg(long)]
    growth_rows: Option<u64>,
    /// Seconds under load for the memory, instead of 600 (none in a quick run)
    #[arg(long)]
    soak: Option<u64>,
    /// Only the loads whose names contain one of these, for somebody who tries a change out
    #[arg(long, conflicts_with = "document")]
    only: Vec<String>,
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
            growth_rows: self.growth_rows.unwrap_or(plan.growth_rows),
            soak: self.soak.map_or(plan.soak, Duration::from_secs),
            ..plan
        }
    }

    /// The command as somebody would give it.
    fn command(&self) -> String {
        let mut command = String::new();
        if others::folder().is_some() {
            command.push_str("BENCH_PEERS=… ");
        }
        command.push_str("make bench");
        if self.quick {
            command.push_str(" QUICK=1");
        }
        let switches = [
            ("ROUNDS", self.rounds.map(u64::from)),
            ("GROWTH_ROWS", self.growth_rows),
        ];
        for (name, value) in switches.into_iter().chain([("SOAK", self.soak)]) {
            if let Some(value) = value {
                command.push_str(&format!(" {name}={value}"));
            }
        }
        command
    }

    /// Where things stay from run to run.
    fn kept(&self) -> &Path {
        self.output.parent().unwrap_or(Path::new("."))
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
    // Once listened for, a signal does not end us before everything is stopped.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let started = Instant::now();
    let cluster = Cluster::start(args.plan().log_files).await?;
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
    let program = Program {
        path: std::path::absolute(&args.program)?,
        folder: cluster.folder().to_owned(),
        url: Some(cluster.url(NAME)),
        master_key: hex::encode(random_bytes::<32>()),
        name: "small",
    };
    let mut figures = Figures::default();
    starts(&plan, &program, &mut figures).await?;
    let mut bench = set::the_stage(plan, cluster, program, args.kept(), figures).await?;
    bench.only.clone_from(&args.only);
    tell("Warming up");
    bench.warm_up().await?;
    for round in 1..=plan.rounds {
        tell(&format!("Round {round} of {}", plan.rounds));
        bench.round(round).await?;
    }
    bench.soak().await?;
    bench.faults().await?;
    bench.audit().await?;
    let about = About {
        machine: processes::machine(),
        postgres: cluster.version().await?,
        day: bench.ctx.clock().now().date_naive().to_string(),
        command: args.command(),
        plan,
    };
    Ok((bench.end().await?, about))
}

/// Times starts on a migrated database, and of the program with a PostgreSQL of its own.
async fn starts(plan: &Plan, program: &Program, figures: &mut Figures) -> anyhow::Result<()> {
    tell("Starting and stopping the service");
    let millis = |serving: &Serving| serving.ready.as_secs_f64() * 1_000.0;
    let embedded = Program {
        url: None,
        name: "embedded",
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

fn show(args: &Args, figures: &Figures, about: &About) -> anyhow::Result<()> {
    std::fs::create_dir_all(args.kept())?;
    let mut json = figures.json();
    json["run"] = about.json();
    let json = serde_json::to_string_pretty(&json)?;
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
