//! The database of the process: a configured server, or a PostgreSQL of our own.

use std::path::Path;

use anyhow::Context;
use embedded_postgres::{EmbeddedPostgres, Options};
use store::migrate::Moved;

use crate::config::Config;
use crate::{data_dir, master_key};

/// The superuser and the database of our own PostgreSQL.
const NAME: &str = "owncircle";

/// Whether a PostgreSQL of our own may belong to another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// It must be ours: a second `serve` on one data folder is refused.
    Owner,
    /// One that runs already will do: a command beside a running `serve`.
    Shared,
}

/// An open database; [`Database::close`] it at the end.
#[derive(Debug)]
pub(crate) struct Database {
    own: Option<EmbeddedPostgres>,
    url: String,
}

impl Database {
    /// Starts our own PostgreSQL, or takes note of the configured server, which is not asked yet.
    ///
    /// # Errors
    /// If our own PostgreSQL does not start; the sentence tells why.
    pub(crate) async fn open(
        config: &Config,
        folder: &Path,
        sharing: Sharing,
    ) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self {
                own: None,
                url: url.reveal().to_owned(),
            });
        }
        master_key::refuse_lost_key(config, folder)?;
        // The key is made before the data, so that data without a key always means a loss.
        master_key::load(config, folder)?;
        let options = options(config, folder);
        let own = match sharing {
            Sharing::Owner => EmbeddedPostgres::start(options).await?,
            Sharing::Shared => EmbeddedPostgres::attach_or_start(options).await?,
        };
        Ok(Self {
            url: own.url(),
            own: Some(own),
        })
    }

    /// Ends what a broken-off [`Database::open`] may have started.
    pub(crate) async fn abandon(config: &Config, folder: &Path) {
        if config.database_url.is_none()
            && let Err(error) = EmbeddedPostgres::stop_left_running(&options(config, folder)).await
        {
            tracing::error!(%error, "PostgreSQL may still run");
        }
    }

    /// Brings the schema, and the queue's own, to the latest version or to `wanted`.
    ///
    /// # Errors
    /// If the server can't be reached or a migration fails.
    pub(crate) async fn migrate(&self, wanted: Option<i64>) -> anyhow::Result<Moved> {
        let owner = store::pool::connect_as_owner(&self.url)
            .await
            .context("cannot connect to the database")?;
        let moved = match wanted {
            Some(version) => store::migrate::to(&owner, version).await?,
            None => store::migrate::up(&owner).await?,
        };
        // The queue has no way back of its own; its tables may stay beside any of our versions.
        if wanted.is_none_or(|version| version > 0) {
            jobs::migrate(&owner, Some(store::pool::APP_ROLE)).await?;
        }
        owner.close().await;
        Ok(moved)
    }

    /// The address, password included.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops our own PostgreSQL if it is ours.
    pub(crate) async fn close(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}

fn options(config: &Config, folder: &Path) -> Options {
    Options {
        bin_dir: config.postgres_bin.clone(),
        account: config.postgres_account.clone(),
        user: NAME.to_owned(),
        database: NAME.to_owned(),
        // Several processes may share it: commands beside the service, and workers of their own.
        max_connections: config
            .database_pool_size
            .get()
            .saturating_mul(2)
            .saturating_add(40),
        ..Options::new(data_dir::postgres_home(folder))
    }
}
