//! The folder of everything that this machine keeps: our own PostgreSQL and the generated master key.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use embedded_postgres::{Account, check_reachable};

use crate::config::Config;

/// The folder when none is set.
const USUAL: &str = "data";

/// The folder for root, whose own folders other accounts can't enter.
const USUAL_FOR_ROOT: &str = "/var/lib/owncircle";

/// The folder of our own PostgreSQL below the data folder.
pub(crate) fn postgres_home(folder: &Path) -> PathBuf {
    folder.join("postgres")
}

/// The folder of the audit log's anchors.
pub(crate) fn anchors(config: &Config, folder: &Path) -> PathBuf {
    let set = config.audit.anchor_dir.clone();
    set.unwrap_or_else(|| folder.join("audit"))
}

/// The folder that is set, else `./data`, else one that the account of PostgreSQL can reach.
///
/// # Errors
/// If the present folder can't be told.
pub(crate) fn choose(config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &config.data_dir {
        return std::path::absolute(folder).context("data_dir");
    }
    let usual = std::path::absolute(USUAL).context("the present folder")?;
    if config.database_url.is_some() || !rustix::process::geteuid().is_root() {
        return Ok(usual);
    }
    // Without an account the start of PostgreSQL explains itself better than we could here.
    let Ok(account) = Account::unprivileged(config.postgres_account.as_deref()) else {
        return Ok(usual);
    };
    match check_reachable(&postgres_home(&usual), &account) {
        Ok(()) => Ok(usual),
        Err(_) => Ok(PathBuf::from(USUAL_FOR_ROOT)),
    }
}

/// Chooses the folder and makes it when it is absent.
///
/// # Errors
/// If it can't be made.
pub(crate) fn prepare(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = choose(config)?;
    if config.data_dir.is_none() && folder.starts_with(USUAL_FOR_ROOT) {
        tracing::info!(folder = %folder.display(), "the account that runs PostgreSQL can't reach ./data; using another folder");
    }
    // As root, the account that runs PostgreSQL must pass through; what is secret inside is closed by itself.
    let mode = if rustix::process::geteuid().is_root() {
        0o711
    } else {
        0o700
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(&folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    Ok(folder)
}
