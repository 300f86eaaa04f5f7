//! The checked queries. One build against a freshly migrated database both lints the workspace and writes what sqlx
//! learnt about each query; that is compared with, or becomes, the committed folder `.sqlx`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use embedded_postgres::Binaries;
use tokio::process::Command;

use crate::{psql, test_db};

/// The major version of PostgreSQL that made the committed files; another one may tell differently what can be null.
const MADE_WITH: u32 = 15;

/// The database that is made and dropped for the check.
const DATABASE: &str = "sqlx_check";

/// What to do with the files.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Lint the workspace and compare .sqlx with what the queries say now
    Check,
    /// Write .sqlx anew
    Prepare,
}

pub(crate) async fn run(task: &Task) -> anyhow::Result<ExitCode> {
    let fresh = crate::target().join("sqlx-prepared");
    let committed = crate::root().join(".sqlx");
    let strict = matches!(task, Task::Check);
    test_db::with_server(async |url| build(url, &fresh, strict).await).await?;
    let (new, old) = (read(&fresh)?, read(&committed)?);
    match task {
        Task::Prepare => {
            replace(&committed, &new)?;
            crate::say(&format!(".sqlx holds {} queries", new.len()));
        }
        Task::Check => {
            let same_version = server_major().await? == MADE_WITH;
            let faults = differences(&old, &new, same_version);
            ensure!(
                faults.is_empty(),
                ".sqlx is not what the queries say; run: make sqlx\n  {}",
                faults.join("\n  ")
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds everything against a new database with all migrations.
async fn build(url: &str, fresh: &Path, strict: bool) -> anyhow::Result<()> {
    let drop = format!("drop database if exists {DATABASE} with (force)");
    psql::run(
        url,
        &["-c", &drop, "-c", &format!("create database {DATABASE}")],
    )
    .await?;
    let database = psql::with_database(url, DATABASE)?;
    for migration in migrations()? {
        let path = migration.to_string_lossy();
        let text = std::fs::read_to_string(&migration)?;
        let mut arguments = vec!["-f", path.as_ref()];
        // As sqlx applies it: in one transaction, unless its first line says otherwise.
        if !text.starts_with("-- no-transaction") {
            arguments.push("-1");
        }
        psql::run(&database, &arguments).await?;
    }
    if fresh.exists() {
        fs::remove_dir_all(fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
    }
    fs::create_dir_all(fresh).with_context(|| format!("cannot make {}", fresh.display()))?;
    touch_sources_with_queries().await?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(["clippy", "--locked", "--workspace", "--all-targets"])
        .env("DATABASE_URL", &database)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", fresh)
        .current_dir(crate::root());
    if strict {
        cargo.args(["--", "--deny", "warnings"]);
    }
    let status = cargo.status().await.context("cargo does not start")?;
    psql::run(url, &["-c", &drop]).await?;
    ensure!(status.success(), "cargo clippy found something");
    Ok(())
}

fn migrations() -> anyhow::Result<Vec<PathBuf>> {
    let folder = crate::root().join("crates/store/migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    Ok(files)
}

/// A crate that is built already writes nothing, so those with queries are made to look changed.
async fn touch_sources_with_queries() -> anyhow::Result<()> {
    let mut files = crate::tidy::sources(&crate::root())?;
    files.retain(|file| file.is_rust() && file.text.contains("sqlx::query"));
    if files.is_empty() {
        return Ok(());
    }
    let status = Command::new("touch")
        .args(files.iter().map(|file| &file.path))
        .current_dir(crate::root())
        .status()
        .await?;
    ensure!(status.success(), "touch failed");
    Ok(())
}

async fn server_major() -> anyhow::Result<u32> {
    let folder = std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(PathBuf::from);
    Ok(Binaries::find(folder.as_deref(), None, Path::new("any"))
        .await?
        .major)
}

type Queries = BTreeMap<String, String>;

fn read(folder: &Path) -> anyhow::Result<Queries> {
    let mut queries = Queries::new();
    if !folder.exists() {
        return Ok(queries);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("query-") {
            queries.insert(name, fs::read_to_string(&path)?.trim_end().to_owned());
        }
    }
    Ok(queries)
}

fn replace(folder: &Path, queries: &Queries) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for name in read(folder)?
        .keys()
        .filter(|name| !queries.contains_key(*name))
    {
        fs::remove_file(folder.join(name))?;
    }
    for (name, text) in queries {
        fs::write(folder.join(name), format!("{text}\n"))?;
    }
    Ok(())
}

fn differences(old: &Queries, new: &Queries, same_version: bool) -> Vec<String> {
    let missing = new
        .keys()
        .filter(|name| !old.contains_key(*name))
        .map(|name| format!("{name} is missing"));
    let left = old
        .keys()
        .filter(|name| !new.contains_key(*name))
        .map(|name| format!("{name} is not needed any more"));
    let other = new
        .iter()
        .filter(|(name, text)| same_version && old.get(*name).is_some_and(|old| old != *text))
        .map(|(name, _)| format!("{name} differs"));
    missing.chain(left).chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(list: &[(&str, &str)]) -> Queries {
        list.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn differences_are_named_and_content_counts_on_the_same_version_only() {
        let old = queries(&[("query-a.json", "1"), ("query-b.json", "1")]);
        let new = queries(&[("query-b.json", "2"), ("query-c.json", "1")]);
        let named = differences(&old, &new, true);
        assert_eq!(
            named,
            [
                "query-c.json is missing",
                "query-a.json is not needed any more",
                "query-b.json differs"
            ]
        );
        assert_eq!(differences(&old, &new, false).len(), 2);
        assert!(differences(&old, &old, true).is_empty());
    }
}
