//! What the caller decides, and what it gets to connect with.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// How the server is to be found, made and run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds everything; made when absent.
    pub home: PathBuf,
    /// The folder with `postgres` and `initdb`; `None` looks on PATH and in the usual folders.
    pub bin_dir: Option<PathBuf>,
    /// As root: the account to run PostgreSQL under; `None` takes `postgres`, else `nobody`.
    /// Data that exists already keeps its owner.
    pub account: Option<String>,
    /// The superuser, made with the cluster.
    pub user: String,
    /// The database, made with the cluster.
    pub database: String,
    /// False turns off everything that survives a crash of the machine. For tests only.
    pub durable: bool,
    /// PostgreSQL's `max_connections`.
    pub max_connections: u32,
    /// More settings, as name and value; they win over ours.
    pub settings: Vec<(String, String)>,
    /// How long a start may take, crash recovery included.
    pub start_patience: Duration,
    /// How long a fast shutdown may take before the server is told to stop at once.
    pub stop_patience: Duration,
}

impl Options {
    /// The usual options for a server that keeps everything under `home`.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            bin_dir: None,
            account: None,
            user: "postgres".to_owned(),
            database: "postgres".to_owned(),
            durable: true,
            max_connections: 100,
            settings: Vec::new(),
            start_patience: Duration::from_secs(600),
            stop_patience: Duration::from_secs(30),
        }
    }
}

/// Where and as whom to connect.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The folder with the socket.
    pub socket_dir: PathBuf,
    /// The port, which is part of the socket's name.
    pub port: u16,
    /// The superuser's name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The database made with the cluster.
    pub database: String,
}

impl std::fmt::Debug for ConnectionInfo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ConnectionInfo")
            .field("socket_dir", &self.socket_dir)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl ConnectionInfo {
    /// The address as a URL, password included, in the form that libpq and sqlx read.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&self.database)
    }

    /// The address of another database on the same server.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://{}:{}@localhost:{}/{}?host={}",
            percent_encode(&self.user),
            percent_encode(&self.password),
            self.port,
            percent_encode(database),
            percent_encode(&self.socket_dir.to_string_lossy()),
        )
    }
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_escapes_what_a_url_cannot_hold() {
        let info = ConnectionInfo {
            socket_dir: "/tmp/a b/ü".into(),
            port: 5432,
            user: "own".to_owned(),
            password: "p@ss/word".to_owned(),
            database: "circle".to_owned(),
        };
        assert_eq!(
            info.url(),
            "postgres://own:p%40ss%2Fword@localhost:5432/circle?host=%2Ftmp%2Fa%20b%2F%C3%BC"
        );
        assert!(!format!("{info:?}").contains("p@ss"));
    }
}
