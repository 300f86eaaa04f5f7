//! A PostgreSQL server of one's own: found on the machine, initialised in one folder, started as a child,
//! watched, restarted when it dies and stopped with its owner. It listens on a Unix socket only.
//!
//! The library knows nothing of the program that uses it and speaks no SQL of its own but one `CREATE DATABASE`.
//! Start at [`EmbeddedPostgres::start`]. What stands in the home folder: `cluster/` (PostgreSQL's data),
//! `log/`, `socket/`, `password` and `lock`.
//!
//! PostgreSQL refuses to run as root. A program that runs as root therefore runs every PostgreSQL program
//! under an unprivileged [`Account`], to which the home folder then belongs.

mod account;
mod binaries;
mod cluster;
mod error;
mod leftovers;
mod options;
mod pidfile;
mod place;
mod postmaster;
mod process;
mod supervisor;

pub use account::{Account, check_reachable};
pub use binaries::{Binaries, SUPPORTED_MAJORS};
pub use error::Error;
pub use options::{ConnectionInfo, Options};
pub use supervisor::{EmbeddedPostgres, State};
