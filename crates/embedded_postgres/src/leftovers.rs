//! What an earlier run left behind when it, or its server, was killed.
//!
//! A server without its owner is stopped and started anew rather than adopted: then it is our child, so that we
//! learn of its end at once, and it runs with today's settings. `postmaster.pid` is removed only when it would
//! wrongly keep PostgreSQL from starting and no process of the cluster lives, because that file guards the
//! shared memory of a server that died before its children did.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::{Error, io_error};
use crate::pidfile;
use crate::process;

/// How long each harder way of stopping gets after the soft one.
const HARD_PATIENCE: Duration = Duration::from_secs(10);

/// Clears the way for a start on `cluster`. The caller holds the lock, so no other owner lives.
pub(crate) async fn clear(cluster: &Path, stop_patience: Duration) -> Result<(), Error> {
    let found = pidfile::read(cluster);
    if let Some(server) = &found
        && process::is_alive(server.pid)
        && process::is_postgres_on(server.pid, cluster)
    {
        tracing::warn!(
            pid = server.pid,
            "stopping a PostgreSQL that an earlier run left behind"
        );
        stop(server.pid, cluster, stop_patience).await?;
    }
    clear_children(cluster).await?;
    // PostgreSQL would take another program that has got the process id since for a server, and it
    // refuses a file that a crash left empty.
    let misleading = found.is_none_or(|server| process::is_alive(server.pid));
    let path = pidfile::path(cluster);
    if misleading && path.exists() {
        tracing::warn!("removing a stale postmaster.pid");
        fs::remove_file(&path).map_err(io_error("cannot remove", path))?;
    }
    Ok(())
}

/// Stops a server that is not our child: fast, then at once, then by force.
pub(crate) async fn stop(pid: i32, cluster: &Path, patience: Duration) -> Result<(), Error> {
    let steps = [
        (Signal::INT, patience),
        (Signal::QUIT, HARD_PATIENCE),
        (Signal::KILL, HARD_PATIENCE),
    ];
    for (signal, patience) in steps {
        process::signal(pid, signal);
        if process::wait_gone(pid, patience).await {
            return Ok(());
        }
    }
    Err(Error::OrphanStays {
        pid,
        folder: cluster.to_owned(),
    })
}

/// Ends the making of a cluster that an earlier run began: `initdb` outlives whoever called it.
pub(crate) async fn clear_makers(cluster: &Path) -> Result<(), Error> {
    for pid in process::makers_of(cluster) {
        process::signal(pid, Signal::KILL);
        process::wait_gone(pid, HARD_PATIENCE).await;
    }
    clear_children(cluster).await
}

/// Children outlive a killed server for as long as they are busy, and hold its shared memory.
pub(crate) async fn clear_children(cluster: &Path) -> Result<(), Error> {
    for signal in [Signal::QUIT, Signal::KILL] {
        let children = process::postgres_processes_on(cluster);
        for pid in &children {
            process::signal(*pid, signal);
        }
        for pid in children {
            process::wait_gone(pid, HARD_PATIENCE).await;
        }
    }
    match process::postgres_processes_on(cluster).first() {
        Some(pid) => Err(Error::OrphanStays {
            pid: *pid,
            folder: cluster.to_owned(),
        }),
        None => Ok(()),
    }
}
