//! A PostgreSQL for the tests: fast and forgetful, under `target/`, or under the folder for temporary files when the
//! account that runs PostgreSQL can't reach `target/` (root's own folders).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use embedded_postgres::{Account, EmbeddedPostgres, Options, check_reachable};
use rustix::process::{Pid, Signal};
use tokio::process::Command;

use crate::test_redis::{self, TestRedis};
use tokio::signal::unix::{self, SignalKind};

/// The variable that tells tests where they may make databases.
pub(crate) const VARIABLE: &str = "OWNCIRCLE_TEST_DATABASE_URL";

/// What to do with the server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Start it and leave it running; the address is printed and kept in target/test-database-url
    Start,
    /// Stop it
    Stop,
    /// Start it, and Redis and Valkey where the machine has them; run a command that finds their addresses in
    /// OWNCIRCLE_TEST_DATABASE_URL and OWNCIRCLE_TEST_REDIS_URL; stop them
    Run {
        /// The command with its arguments
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

pub(crate) async fn run(task: Task) -> anyhow::Result<ExitCode> {
    let kept = crate::target().join("test-database-url");
    match task {
        Task::Start => {
            // One that was left running is replaced by the start.
            let info = EmbeddedPostgres::start(options())
                .await?
                .leave_running()
                .await;
            std::fs::write(&kept, info.url())
                .with_context(|| format!("cannot write {}", kept.display()))?;
            crate::say(&format!("export {VARIABLE}='{}'", info.url()));
            Ok(ExitCode::SUCCESS)
        }
        Task::Stop => {
            EmbeddedPostgres::stop_left_running(&options()).await?;
            let _ = std::fs::remove_file(kept);
            Ok(ExitCode::SUCCESS)
        }
        Task::Run { command } => {
            let status = with_server(async |url| {
                let redis = TestRedis::start().await?;
                let status = run_command(&command, url, redis.urls()).await;
                redis.stop().await;
                status
            })
            .await?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
        }
    }
}

/// Does something with a server: the one that the surroundings name, else one of ours for that time.
pub(crate) async fn with_server<T>(
    work: impl AsyncFnOnce(&str) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Ok(url) = std::env::var(VARIABLE)
        && !url.is_empty()
    {
        return work(&url).await;
    }
    // Once listened for, a signal does not end us before the server is stopped.
    let mut signals = Signals::listen()?;
    let server = EmbeddedPostgres::start(options()).await?;
    let interrupted = tokio::select! {
        biased;
        _ = signals.next() => true,
        () = std::future::ready(()) => false,
    };
    let outcome = if interrupted {
        Err(anyhow::anyhow!("stopped by a signal"))
    } else {
        work(&server.url()).await
    };
    server.stop().await;
    outcome
}

/// The signals that end a command in a terminal or under a supervisor.
struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
        }
    }
}

fn options() -> Options {
    Options {
        bin_dir: std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(PathBuf::from),
        durable: false,
        max_connections: 300,
        settings: vec![
            ("shared_buffers".to_owned(), "256MB".to_owned()),
            // A test that ends may leave a connection in the middle of signing in, which holds up all who drop a database.
            ("authentication_timeout".to_owned(), "10s".to_owned()),
        ],
        ..Options::new(home())
    }
}

fn home() -> PathBuf {
    let usual = crate::target().join("test-postgres");
    if rustix::process::geteuid().is_root()
        && let Ok(account) = Account::unprivileged(None)
        && check_reachable(&usual, &account).is_err()
    {
        let mut hasher = DefaultHasher::new();
        usual.hash(&mut hasher);
        return std::env::temp_dir().join(format!("test-postgres-{:016x}", hasher.finish()));
    }
    usual
}

async fn run_command(
    command: &[String],
    url: &str,
    redis: Option<String>,
) -> anyhow::Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env(VARIABLE, url)
        .envs(redis.map(|urls| (test_redis::VARIABLE, urls)))
        // A group of its own, so that everything it starts can be told to stop.
        .process_group(0)
        .spawn()
        .with_context(|| format!("{program} does not start"))?;
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let mut signals = Signals::listen()?;
    loop {
        let passed_on = tokio::select! {
            status = child.wait() => return Ok(status?),
            signal = signals.next() => signal,
        };
        if let Some(group) = group {
            rustix::process::kill_process_group(group, passed_on)?;
        }
    }
}
