//! The programs of others, from the folder that `BENCH_PEERS` names: a model of a purchase as scripts for pgbench, and
//! two services on it, one with an ORM and one with plain statements. Nothing is written to that folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};

use crate::cluster::Cluster;
use crate::pgbench::{Pgbench, Script};
use crate::plan::Plan;
use crate::population::{MEMBERS_IN_BLOCK, Population};
use crate::program::{Serving, free_address};

/// The database of the model.
const DATABASE: &str = "oc";

/// Connections of each service: two processes with sixteen.
const POOL: &str = "16";
const WORKERS: &str = "2";

/// Two workers that have no member in common.
const SPLIT: &str = include_str!("../sql/split.sql");

/// All that was started.
#[derive(Debug)]
pub(crate) struct Others {
    /// One function a purchase.
    pub(crate) function: Script,
    /// Nine statements a purchase.
    pub(crate) multi: Script,
    /// Sets of a thousand purchases, for two clients.
    pub(crate) set_based: Script,
    /// The service with an ORM.
    pub(crate) orm: Serving,
    /// The service with plain statements.
    pub(crate) raw: Serving,
    /// Who buys where.
    pub(crate) population: Population,
    folder: PathBuf,
}

/// The folder that was named, if any.
pub(crate) fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("BENCH_PEERS").filter(|value| !value.is_empty());
    named.map(PathBuf::from)
}

impl Others {
    /// Makes the database and starts the services. `kept` is where their libraries stay from run to run.
    ///
    /// # Errors
    /// If something is missing or does not start.
    pub(crate) async fn start(
        folder: &Path,
        kept: &Path,
        cluster: &Cluster,
        pgbench: &Pgbench,
        plan: &Plan,
    ) -> anyhow::Result<Self> {
        let folder = fs::canonicalize(folder)
            .with_context(|| format!("BENCH_PEERS: {}", folder.display()))?;
        crate::tell("Making the model and starting its services");
        // The model has two hundred businesses.
        let population = Population::new(plan.members, 200, plan.joined);
        let members = population.members();
        let python = libraries(&folder, kept).await?;
        make_database(&folder, cluster, pgbench, members).await?;
        let work = cluster.folder().join("peers");
        copy_service(&folder, &work)?;
        let script = |name: &str| Script {
            path: folder.join("pgbench").join(name),
            database: DATABASE,
            variables: vec![
                format!("blocks={}", population.blocks),
                format!("per={MEMBERS_IN_BLOCK}"),
            ],
            rows: 1,
        };
        let split = cluster.folder().join("split.sql");
        fs::write(
            &split,
            "select oc.bench_split(1000, :members, :client_id);\n",
        )?;
        let set_based = Script {
            path: split,
            database: DATABASE,
            variables: vec![format!("members={members}")],
            rows: 1_000,
        };
        Ok(Self {
            function: script("function.sql"),
            multi: script("multi.sql"),
            set_based,
            orm: service("app:app", cluster, &work, &python).await?,
            raw: service("app_raw:app", cluster, &work, &python).await?,
            population,
            folder,
        })
    }

    /// Checks that the model's own sums agree.
    ///
    /// # Errors
    /// If members are there whose balance is not that of their lots.
    pub(crate) async fn check(&self, cluster: &Cluster, pgbench: &Pgbench) -> anyhow::Result<()> {
        let script = self.folder.join("invariants.sh");
        let told = run(tool(&script, cluster, pgbench).arg(DATABASE)).await?;
        let mut fields = told.trim().split('|');
        let mismatched = fields
            .find(|field| *field == "mismatched members")
            .and_then(|_| fields.next());
        ensure!(mismatched == Some("0"), "the model does not add up: {told}");
        Ok(())
    }

    /// Stops the services.
    ///
    /// # Errors
    /// If waiting for them fails.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.orm.stop().await?;
        self.raw.stop().await
    }
}

async fn make_database(
    folder: &Path,
    cluster: &Cluster,
    pgbench: &Pgbench,
    members: u32,
) -> anyhow::Result<()> {
    // The scripts connect as this role.
    let password = cluster.connection().password.replace('\'', "''");
    let role = format!("create role postgres superuser login password '{password}'");
    cluster.execute("postgres", &role).await?;
    let script = folder.join("setup_db.sh");
    let with_foreign_keys = "1";
    run(tool(&script, cluster, pgbench).args([DATABASE, with_foreign_keys, &members.to_string()]))
        .await?;
    cluster.execute(DATABASE, SPLIT).await
}

/// A script of the folder with what it needs to connect.
fn tool(script: &Path, cluster: &Cluster, pgbench: &Pgbench) -> tokio::process::Command {
    let info = cluster.connection();
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(programs) = pgbench.programs() {
        path.push(":");
        path.push(programs);
    }
    let mut command = tokio::process::Command::new("bash");
    command
        .arg(script)
        .env("PATH", path)
        .env("PGSOCK", &info.socket_dir)
        .env("PGPORT_", info.port.to_string())
        .env("PGPASSWORD", &info.password);
    command
}

async fn run(command: &mut tokio::process::Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let problems = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{:?}: {problems}",
        command.as_std().get_args()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The Python with the peers' libraries, made in `kept` unless it is there already.
async fn libraries(folder: &Path, kept: &Path) -> anyhow::Result<PathBuf> {
    let wanted = fs::read_to_string(folder.join("peer_fastapi/requirements.txt"))?;
    let place = std::path::absolute(kept)?.join("peers-venv");
    let (python, mark) = (place.join("bin/python"), place.join("requirements.txt"));
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) && python.exists() {
        return Ok(python);
    }
    crate::tell("Fetching the libraries of the peers");
    fs::create_dir_all(kept)?;
    let mut make = tokio::process::Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(&place)).await?;
    let mut fetch = tokio::process::Command::new(&python);
    let requirements = folder.join("peer_fastapi/requirements.txt");
    let fetch = fetch.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    run(fetch.arg("-r").arg(requirements)).await?;
    fs::write(mark, wanted)?;
    Ok(python)
}

fn copy_service(folder: &Path, work: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(work)?;
    for entry in fs::read_dir(folder.join("peer_fastapi"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, work.join(name))?;
        }
    }
    Ok(())
}

async fn service(
    app: &str,
    cluster: &Cluster,
    work: &Path,
    python: &Path,
) -> anyhow::Result<Serving> {
    let address = free_address()?;
    let log = work.join(format!("{}.log", app.replace(':', "-")));
    let mut command = std::process::Command::new("bash");
    command
        .arg(work.join("run.sh"))
        .arg(address.port().to_string())
        .env("PYTHON", python)
        .env("APP", app)
        .env("POOL", POOL)
        .env("WORKERS", WORKERS)
        .env("DATABASE_URL", asyncpg_url(cluster))
        .current_dir(work)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?);
    Serving::start(command, address, "/hello", &log).await
}

/// The address of the model's database as both services take it, over the same socket as everybody's.
fn asyncpg_url(cluster: &Cluster) -> String {
    let url = cluster.url(DATABASE);
    let info = cluster.connection();
    let rest = url.strip_prefix("postgres://").unwrap_or(&url);
    let (account, _) = rest.split_once('@').unwrap_or((rest, ""));
    format!(
        "postgresql+asyncpg://{account}@/{DATABASE}?host={}&port={}",
        info.socket_dir.display(),
        info.port
    )
}
