//! PostgreSQL's own load generator, run on a script of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use embedded_postgres::Binaries;
use hdrhistogram::Histogram;

use crate::cluster::Cluster;
use crate::load::latencies;
use crate::population::{BUSINESS_EXPONENT, MEMBER_EXPONENT, MEMBERS_IN_BLOCK, Population};

/// What it measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Rows a second, without the time to connect.
    pub(crate) per_second: f64,
    /// Rows.
    pub(crate) count: u64,
    /// Microseconds of each transaction.
    pub(crate) latency: Histogram<u64>,
}

/// A script and what it works on.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The file.
    pub(crate) path: PathBuf,
    /// The database.
    pub(crate) database: &'static str,
    /// What it reads, as `name=value`.
    pub(crate) variables: Vec<String>,
    /// How many rows each transaction posts.
    pub(crate) rows: u32,
}

/// pgbench, ready to run on one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    folder: PathBuf,
}

impl Pgbench {
    /// Finds the program, which comes with the server.
    ///
    /// # Errors
    /// If PostgreSQL is not found.
    pub(crate) async fn find(cluster: &Cluster) -> anyhow::Result<Self> {
        let bin_dir = std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(PathBuf::from);
        let major = u32::try_from(cluster.version().await?)?;
        let binaries = Binaries::find(bin_dir.as_deref(), Some(major), cluster.folder()).await?;
        Ok(Self {
            program: binaries.program("pgbench"),
            folder: cluster.folder().to_owned(),
        })
    }

    /// The folder of PostgreSQL's programs.
    pub(crate) fn programs(&self) -> Option<&Path> {
        self.program.parent()
    }

    /// What the draws of our own scripts read.
    pub(crate) fn variables(population: &Population) -> Vec<String> {
        vec![
            format!("blocks={}", population.blocks),
            format!("per_block={MEMBERS_IN_BLOCK}"),
            format!("businesses={}", population.businesses),
        ]
    }

    /// What begins every script of ours: the draws.
    pub(crate) fn draws() -> String {
        format!(
            "\\set block random_zipfian(1, :blocks, {MEMBER_EXPONENT})\n\
             \\set m (:block - 1) * :per_block + random(1, :per_block)\n\
             \\set b random_zipfian(1, :businesses, {BUSINESS_EXPONENT})\n\
             \\set total random(10000, 500000)\n"
        )
    }

    /// Runs a script with so many clients for so long.
    ///
    /// # Errors
    /// If a transaction fails.
    pub(crate) async fn run(
        &self,
        cluster: &Cluster,
        script: &Script,
        clients: u32,
        time: Duration,
    ) -> anyhow::Result<Measured> {
        let log = self.folder.join("pgbench_log");
        let info = cluster.connection();
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--log"])
            .arg(format!("--log-prefix={}", log.display()))
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", clients.min(2)))
            // Whoever lost a race against another client begins again, as ours does.
            .arg("--max-tries=100")
            .arg(format!("--time={}", time.as_secs().max(1)))
            .arg(format!("--file={}", script.path.display()));
        for variable in &script.variables {
            command.args(["--define", variable]);
        }
        command
            .arg(format!("--host={}", info.socket_dir.display()))
            .arg(format!("--port={}", info.port))
            .arg(format!("--username={}", info.user))
            .arg(script.database)
            .env("PGPASSWORD", &info.password)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command
            .output()
            .await
            .with_context(|| format!("{}, which comes with PostgreSQL", self.program.display()))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let problems = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && !problems.contains("error"),
            "pgbench failed:\n{printed}{problems}"
        );
        let latency = self.take_log()?;
        Ok(Measured {
            per_second: rate_in(&printed).context("pgbench told no rate")? * f64::from(script.rows),
            count: latency.len() * u64::from(script.rows),
            latency,
        })
    }

    /// Reads and removes the log: a line a transaction, its third field the time in microseconds.
    fn take_log(&self) -> anyhow::Result<Histogram<u64>> {
        let mut latency = latencies()?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let ours = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("pgbench_log"));
            if !ours {
                continue;
            }
            for line in fs::read_to_string(&path)?.lines() {
                let field = line.split_ascii_whitespace().nth(2);
                let micros = field.and_then(|field| field.parse().ok());
                latency.saturating_record(micros.context("a line without a time")?);
            }
            fs::remove_file(&path)?;
        }
        Ok(latency)
    }
}

/// The rate in what pgbench prints.
fn rate_in(printed: &str) -> Option<f64> {
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rate_is_found() {
        let printed = "number of failed transactions: 0 (0.000%)\nlatency average = 3.3 ms\n\
                       initial connection time = 9.1 ms\ntps = 2369.513 (without initial connection time)\n";
        assert_eq!(super::rate_in(printed), Some(2369.513));
        assert_eq!(super::rate_in("nothing"), None);
    }
}
