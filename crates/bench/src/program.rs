//! The program under load: `owncircle serve` as a process of its own, and the commands beside it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::load::Connection;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pause between two looks at a service that is starting.
const PAUSE: Duration = Duration::from_millis(1);

/// How much of a log is shown, in lines.
const SHOWN: usize = 20;

/// The requests a second that one caller may make: the tills of the bench are few and busy.
const REQUESTS_PER_SECOND: &str = "10000000";

/// How the program is run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The program itself.
    pub(crate) path: PathBuf,
    /// The folder that it works in.
    pub(crate) folder: PathBuf,
    /// The database; none: one of the program's own.
    pub(crate) url: Option<String>,
    /// The master key in hexadecimal.
    pub(crate) master_key: String,
    /// What its own files are called.
    pub(crate) name: &'static str,
}

/// A running service; it is stopped when dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to its first 200.
    pub(crate) ready: Duration,
}

impl Program {
    /// The same program on another database, with files of its own called `name`.
    pub(crate) fn on(&self, name: &'static str, url: &str) -> Self {
        Self {
            url: Some(url.to_owned()),
            name,
            ..self.clone()
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let ours = text.starts_with("OWNCIRCLE_") && text != "OWNCIRCLE_POSTGRES_BIN";
            if ours || text == "DATABASE_URL" {
                command.env_remove(&name);
            }
        }
        if let Some(url) = &self.url {
            command.env("DATABASE_URL", url);
        }
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env(
                "OWNCIRCLE_DATA_DIR",
                self.folder.join(format!("data-{}", self.name)),
            )
            .env("OWNCIRCLE_MASTER_KEY", &self.master_key)
            .env("OWNCIRCLE_LIMITS__REQUESTS_PER_SECOND", REQUESTS_PER_SECOND)
            .env("OWNCIRCLE_LIMITS__BURST", REQUESTS_PER_SECOND)
            // The one who changes tiers under load signs in as members do.
            .env("OWNCIRCLE_AUTH__STAFF_SECOND_FACTOR", "optional")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = tokio::process::Command::from(self.command(arguments));
        command
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| self.path.display().to_string())
    }

    /// Runs a command that must succeed; gives what it printed.
    ///
    /// # Errors
    /// If it fails, with its log.
    pub(crate) async fn run_well(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments).await?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "owncircle {}: {}\n{printed}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(printed)
    }

    /// Starts the service and waits until it is ready. Its log, as usual a line a request, goes to a file.
    ///
    /// # Errors
    /// If it ends instead, with its log.
    pub(crate) async fn serve(&self) -> anyhow::Result<Serving> {
        let log = self.folder.join(format!("serve-{}.log", self.name));
        let address = free_address()?;
        let mut command = self.command(&["serve"]);
        command
            .env("OWNCIRCLE_LISTEN", address.to_string())
            .env("OWNCIRCLE_METRICS_LISTEN", free_address()?.to_string())
            .stdout(Stdio::null())
            .stderr(File::create(&log).context("the service's log")?);
        Serving::start(command, address, "/health/ready", &log).await
    }
}

impl Serving {
    /// Starts a service that listens on `address`, and waits until it answers a look at `path` without a failure.
    ///
    /// # Errors
    /// If it ends instead, with its log.
    pub(crate) async fn start(
        mut command: Command,
        address: SocketAddr,
        path: &str,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{}", command.get_program().display()))?;
        let mut serving = Self {
            child,
            address,
            ready: Duration::ZERO,
        };
        while !is_ready(address, path).await {
            if let Some(status) = serving.child.try_wait()? {
                bail!("a service has ended: {status}\n{}", end_of(log));
            }
            ensure!(started.elapsed() < PATIENCE, "the service is never ready");
            tokio::time::sleep(PAUSE).await;
        }
        serving.ready = started.elapsed();
        Ok(serving)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// If waiting fails.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(tokio::task::spawn_blocking(move || drop(self)).await?)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = process.is_some_and(|process| kill_process(process, Signal::TERM).is_ok());
        if !asked {
            let _ended_before = self.child.kill();
        }
        let _nobody_left_to_tell = self.child.wait();
    }
}

async fn is_ready(address: SocketAddr, path: &str) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    let answer = connection.exchange(request.as_bytes()).await;
    // A peer may not know the path, and answers all the same.
    answer.is_ok_and(|answer| answer.status < 500)
}

/// An address of this machine that nobody uses at this moment.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a free port")?;
    Ok(listener.local_addr()?)
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
