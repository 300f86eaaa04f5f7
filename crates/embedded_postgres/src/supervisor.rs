//! The handle that callers hold, and the task behind it that keeps the server running.

use std::fs::File;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::account::{Account, check_reachable, make_folder};
use crate::binaries::Binaries;
use crate::cluster;
use crate::error::Error;
use crate::leftovers;
use crate::options::{ConnectionInfo, Options};
use crate::pidfile;
use crate::place::Place;
use crate::postmaster::Postmaster;
use crate::process;

/// The shortest and the longest pause between two attempts to restart a server that died.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the server is doing, as its owner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It takes connections.
    Ready,
    /// It died and is being started anew.
    Restarting,
    /// It was stopped, or left alone.
    Stopped,
}

/// A running PostgreSQL server. Call [`EmbeddedPostgres::stop`] at the end; a handle that is only dropped
/// tells the server to stop but does not wait for it.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    info: ConnectionInfo,
    state: watch::Receiver<State>,
    /// `None` when the server belongs to another process.
    owned: Option<Owned>,
}

#[derive(Debug)]
struct Owned {
    order: oneshot::Sender<Order>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Stop,
    LeaveAlone,
}

/// All that a restart needs.
struct Keeper {
    place: Place,
    binaries: Binaries,
    options: Options,
    account: Option<Account>,
    /// Held for as long as the server has an owner.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Finds, initialises, starts and watches a server that keeps everything under `options.home`, and
    /// returns when it takes connections. Whatever an earlier run left behind is cleared away.
    ///
    /// # Errors
    /// Every [`Error`]; [`Error::InUse`] while another process owns the folder.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let place = Place::new(&options.home)?;
        let account = Account::choose(&place.cluster, options.account.as_deref())?;
        if let Some(account) = &account {
            check_reachable(&place.home, account)?;
        }
        make_folder(&place.home, account.as_ref())?;
        if let Some(account) = &account {
            // Again, now that all folders above exist.
            check_reachable(&place.home, account)?;
        }
        let lock = place.lock(account.as_ref())?;
        let log_folder = place.home.join("log");
        make_folder(&log_folder, account.as_ref())?;
        let binaries =
            Binaries::find(options.bin_dir.as_deref(), place.major(), &place.cluster).await?;
        cluster::ensure(&place, &binaries, &options, account.as_ref()).await?;
        let keeper = Keeper {
            place,
            binaries,
            options,
            account,
            _lock: lock,
        };
        let (postmaster, info) = keeper.launch().await?;
        tracing::info!(
            major = keeper.binaries.major,
            programs = %keeper.binaries.dir.display(),
            home = %keeper.place.home.display(),
            account = keeper.account.as_ref().map_or("the current user", |account| &account.name),
            "PostgreSQL is ready"
        );
        let (order, orders) = oneshot::channel();
        let (announce, state) = watch::channel(State::Ready);
        let task = tokio::spawn(keeper.keep(postmaster, orders, announce));
        Ok(Self {
            info,
            state,
            owned: Some(Owned { order, task }),
        })
    }

    /// Connects to the server that another process runs on this folder, or starts one when none does.
    /// Waits for a server that is just starting, up to `options.start_patience`.
    ///
    /// # Errors
    /// As [`EmbeddedPostgres::start`]; [`Error::InUse`] when the other process's server is never ready.
    pub async fn attach_or_start(options: Options) -> Result<Self, Error> {
        let deadline = Instant::now() + options.start_patience;
        loop {
            match Self::start(options.clone()).await {
                Err(refusal @ Error::InUse { .. }) => {
                    if let Some(info) = running(&options)? {
                        let (_, state) = watch::channel(State::Ready);
                        return Ok(Self {
                            info,
                            state,
                            owned: None,
                        });
                    }
                    if Instant::now() >= deadline {
                        return Err(refusal);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Stops a server that was left alone by [`EmbeddedPostgres::leave_running`]; no server is no error.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process owns it, [`Error::OrphanStays`] when it does not end.
    pub async fn stop_left_running(options: &Options) -> Result<(), Error> {
        let place = Place::new(&options.home)?;
        if place.major().is_none() {
            return Ok(());
        }
        let account = Account::choose(&place.cluster, options.account.as_deref())?;
        let _lock = place.lock(account.as_ref())?;
        leftovers::clear(&place.cluster, options.stop_patience).await
    }

    /// Where and as whom to connect.
    #[must_use]
    pub fn connection(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The address as a URL, password included.
    #[must_use]
    pub fn url(&self) -> String {
        self.info.url()
    }

    /// False when the server belongs to another process, which then also stops it.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.owned.is_some()
    }

    /// What the server is doing; for one that is owned by another process always [`State::Ready`].
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Stops the server and waits for its end. Does nothing to a server of another process.
    pub async fn stop(self) {
        self.give(Order::Stop).await;
    }

    /// Gives the server up: it runs on without an owner until [`EmbeddedPostgres::stop_left_running`], or
    /// until the next start, which replaces it.
    pub async fn leave_running(self) -> ConnectionInfo {
        let info = self.info.clone();
        self.give(Order::LeaveAlone).await;
        info
    }

    async fn give(self, order: Order) {
        if let Some(owned) = self.owned
            && owned.order.send(order).is_ok()
            && let Err(problem) = owned.task.await
        {
            tracing::error!(%problem, "the task that keeps PostgreSQL failed");
        }
    }
}

/// The server that another process runs on the folder, once it is ready.
fn running(options: &Options) -> Result<Option<ConnectionInfo>, Error> {
    let place = Place::new(&options.home)?;
    let Some(found) = pidfile::read(&place.cluster).filter(|found| found.ready) else {
        return Ok(None);
    };
    let (Some(port), Some(socket_dir)) = (found.port, found.socket_dir) else {
        return Ok(None);
    };
    if !process::is_postgres_on(found.pid, &place.cluster) {
        return Ok(None);
    }
    Ok(Some(ConnectionInfo {
        socket_dir,
        port,
        user: options.user.clone(),
        password: place.read_password()?,
        database: options.database.clone(),
    }))
}

impl Keeper {
    /// Clears the way, writes the settings, starts the server and waits until it takes connections.
    async fn launch(&self) -> Result<(Postmaster, ConnectionInfo), Error> {
        let (place, account) = (&self.place, self.account.as_ref());
        leftovers::clear(&place.cluster, self.options.stop_patience).await?;
        let socket_dir = place.make_socket_dir(account)?;
        cluster::configure(place, &self.binaries, &self.options, &socket_dir, account).await?;
        let mut postmaster = Postmaster::spawn(place, &self.binaries, account)?;
        postmaster
            .wait_ready(place, self.options.start_patience)
            .await?;
        let info = ConnectionInfo {
            socket_dir,
            port: crate::place::PORT,
            user: self.options.user.clone(),
            password: place.read_password()?,
            database: self.options.database.clone(),
        };
        Ok((postmaster, info))
    }

    /// Restarts the server whenever it ends by itself, until an order comes or the handle is dropped.
    async fn keep(
        self,
        mut postmaster: Postmaster,
        mut orders: oneshot::Receiver<Order>,
        announce: watch::Sender<State>,
    ) {
        loop {
            let order = tokio::select! {
                order = &mut orders => order.unwrap_or(Order::Stop),
                status = postmaster.wait() => {
                    announce.send_replace(State::Restarting);
                    let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
                    tracing::error!(%status, log = %self.place.log.display(), "PostgreSQL ended by itself; starting it anew");
                    tokio::select! {
                        _ = &mut orders => {
                            // The attempt was dropped; a server that was just starting ends now.
                            let cleared = leftovers::clear(&self.place.cluster, self.options.stop_patience);
                            if let Err(problem) = cleared.await {
                                tracing::error!(%problem, "PostgreSQL is not stopped");
                            }
                            announce.send_replace(State::Stopped);
                            return;
                        }
                        again = self.restart() => postmaster = again,
                    }
                    announce.send_replace(State::Ready);
                    continue;
                }
            };
            match order {
                Order::Stop => postmaster.stop(self.options.stop_patience).await,
                Order::LeaveAlone => postmaster.leave_alone(),
            }
            announce.send_replace(State::Stopped);
            return;
        }
    }

    async fn restart(&self) -> Postmaster {
        let mut pause = SHORTEST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            match self.launch().await {
                Ok((postmaster, _)) => {
                    tracing::info!("PostgreSQL is ready again");
                    return postmaster;
                }
                Err(problem) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tracing::error!(%problem, next_attempt_in = ?pause, "PostgreSQL did not start");
                }
            }
        }
    }
}
