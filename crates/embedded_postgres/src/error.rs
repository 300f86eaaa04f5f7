//! Every way in which the server can fail to start, each as a sentence that tells what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why PostgreSQL could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL server program of a supported version on this machine.
    #[error(
        "no PostgreSQL server (15 to 18) found: looked on PATH and in {looked_in}. \
         Install one (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), \
         or name the folder that holds `postgres` and `initdb`"
    )]
    NotFound {
        /// The folders that were looked into, as one line.
        looked_in: String,
    },
    /// The folder named by the caller holds no PostgreSQL server.
    #[error("{folder} holds no working `postgres` and `initdb`: {reason}")]
    NotABinFolder {
        /// The folder that was named.
        folder: PathBuf,
        /// What was wrong there.
        reason: String,
    },
    /// The data was made by a major version that is not installed.
    #[error(
        "the data in {folder} was made by PostgreSQL {needed}, and of that version no server was found \
         (found: {found}). Install PostgreSQL {needed} (Debian, Ubuntu: apt-get install postgresql-{needed}), \
         or move the data with pg_upgrade or a dump"
    )]
    WrongVersion {
        /// The cluster folder.
        folder: PathBuf,
        /// Its major version.
        needed: u32,
        /// What is installed, as one line.
        found: String,
    },
    /// Another process owns the folder and lives.
    #[error(
        "{folder} is in use by another running program ({owner}). Stop it first, or use another data folder"
    )]
    InUse {
        /// The home folder.
        folder: PathBuf,
        /// What the other process wrote about itself.
        owner: String,
    },
    /// As root: the account that shall run PostgreSQL does not exist.
    #[error("PostgreSQL does not run as root, and there is no account {name} to run it under")]
    NoAccount {
        /// The names that were tried.
        name: String,
    },
    /// As root: the account cannot enter a folder on the way to the data.
    #[error(
        "PostgreSQL does not run as root but as {account}, and {account} may not enter {blocked}, \
         which leads to {folder}. Use a data folder that it can reach (such as /var/lib/owncircle), or open \
         the way with: chmod o+x {blocked}"
    )]
    NotReachable {
        /// The account's name.
        account: String,
        /// The folder that shuts it out.
        blocked: PathBuf,
        /// Where it had to get to.
        folder: PathBuf,
    },
    /// As an ordinary user: the data belongs to somebody else.
    #[error(
        "{folder} belongs to the user with id {owner}, and this program runs as {user}. Run it as that user, or use another data folder"
    )]
    ForeignFolder {
        /// The cluster folder.
        folder: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our user id.
        user: u32,
    },
    /// A path with bytes that are not UTF-8 cannot be written in PostgreSQL's settings.
    #[error("the path {0:?} is not UTF-8")]
    NotUtf8(PathBuf),
    /// A PostgreSQL program ended with an error.
    #[error("{program} failed ({status}): {output}")]
    Failed {
        /// The program.
        program: String,
        /// Its exit status.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended while it was being waited for.
    #[error("PostgreSQL ended while starting ({status}); the end of {log}:\n{tail}")]
    EndedAtStart {
        /// Its exit status.
        status: String,
        /// The log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready after {waited:?}; the end of {log}:\n{tail}")]
    NotReady {
        /// How long it was waited for.
        waited: Duration,
        /// The log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A server that nobody owns any more does not end.
    #[error("an orphaned PostgreSQL (process {pid}) on {folder} does not end; stop it by hand")]
    OrphanStays {
        /// Its process id.
        pid: i32,
        /// The cluster folder.
        folder: PathBuf,
    },
    /// The operating system refused something.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried, as "cannot read".
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Makes an [`Error::Io`] for use in `map_err`.
pub(crate) fn io_error(
    what: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { what, path, source }
}
