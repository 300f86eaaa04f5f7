//! One run of the server program as our child.

use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::process::Child;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::command;
use crate::error::{Error, io_error};
use crate::pidfile;
use crate::place::Place;
use crate::process;

/// How long a start is silent before the log says that it is being waited for.
const SILENCE: Duration = Duration::from_secs(5);

/// A running server. Dropped without [`Postmaster::stop`], it is told to stop and not waited for.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
    pid: i32,
    left_alone: bool,
}

impl Postmaster {
    /// Starts the server and returns without waiting for it to be ready.
    pub(crate) fn spawn(
        place: &Place,
        binaries: &Binaries,
        account: Option<&Account>,
    ) -> Result<Self, Error> {
        let log = place.open_log(account)?;
        let also = log
            .try_clone()
            .map_err(io_error("cannot open", &place.log))?;
        let program = binaries.program("postgres");
        let child = command(&program, &place.home, account)
            .arg("-D")
            .arg(&place.cluster)
            .stdout(Stdio::from(also))
            .stderr(Stdio::from(log))
            // Ctrl-C in the terminal is for the owner, which stops the server in its own order.
            .process_group(0)
            // It may be left to run on; otherwise our own end tells it to stop in its own order.
            .kill_on_drop(false)
            .spawn()
            .map_err(io_error("cannot start", &program))?;
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .unwrap_or(0);
        Ok(Self {
            child,
            pid,
            left_alone: false,
        })
    }

    /// Waits until the server takes connections; crash recovery may take its time, up to `patience`.
    pub(crate) async fn wait_ready(
        &mut self,
        place: &Place,
        patience: Duration,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let mut said = started;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .map_err(io_error("cannot wait for", "postgres"))?
            {
                return Err(Error::EndedAtStart {
                    status: status.to_string(),
                    log: place.log.clone(),
                    tail: place.log_tail(),
                });
            }
            if pidfile::read(&place.cluster).is_some_and(|file| file.ready && file.pid == self.pid)
            {
                return Ok(());
            }
            if started.elapsed() >= patience {
                return Err(Error::NotReady {
                    waited: patience,
                    log: place.log.clone(),
                    tail: place.log_tail(),
                });
            }
            if said.elapsed() >= SILENCE {
                said = Instant::now();
                let seconds = started.elapsed().as_secs();
                tracing::info!(
                    seconds,
                    "waiting for PostgreSQL, which may be recovering from a crash"
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the end of the server, whoever ends it.
    pub(crate) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Stops the server: fast, which rolls open transactions back, then at once, then by force.
    pub(crate) async fn stop(mut self, patience: Duration) {
        let steps = [
            (Signal::INT, patience),
            (Signal::QUIT, Duration::from_secs(10)),
            (Signal::KILL, Duration::from_secs(10)),
        ];
        for (signal, patience) in steps {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            process::signal(self.pid, signal);
            if tokio::time::timeout(patience, self.child.wait())
                .await
                .is_ok()
            {
                return;
            }
            tracing::warn!(?signal, "PostgreSQL has not stopped in time");
        }
    }

    /// Lets the server run on without an owner.
    pub(crate) fn leave_alone(mut self) {
        self.left_alone = true;
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        if !self.left_alone && matches!(self.child.try_wait(), Ok(None)) {
            process::signal(self.pid, Signal::INT);
        }
    }
}
