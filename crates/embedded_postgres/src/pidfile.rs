//! Reads `postmaster.pid`, which PostgreSQL keeps in its data folder while it lives.

use std::fs;
use std::path::{Path, PathBuf};

/// What `postmaster.pid` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    /// The server's process id.
    pub(crate) pid: i32,
    /// The port, once known.
    pub(crate) port: Option<u16>,
    /// The folder of its socket, once known.
    pub(crate) socket_dir: Option<PathBuf>,
    /// Whether it takes connections.
    pub(crate) ready: bool,
}

/// The path of the file for a cluster.
pub(crate) fn path(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

/// Reads the file; `None` when it is absent or its first line is no process id.
pub(crate) fn read(cluster: &Path) -> Option<PidFile> {
    parse(&fs::read_to_string(path(cluster)).ok()?)
}

fn parse(text: &str) -> Option<PidFile> {
    // Lines: pid, data folder, start time, port, socket folder, listen address, shared memory, status.
    let lines: Vec<&str> = text.lines().collect();
    // A standalone backend (initdb, --single) writes its id as a negative number.
    let pid = lines.first()?.trim().parse::<i32>().ok()?.checked_abs()?;
    Some(PidFile {
        pid,
        port: lines.get(3).and_then(|line| line.trim().parse().ok()),
        socket_dir: lines
            .get(4)
            .map(|line| PathBuf::from(line.trim_end_matches(['\r', '\n'])))
            .filter(|dir| dir.is_absolute()),
        ready: lines.get(7).is_some_and(|line| line.trim() == "ready"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_and_a_starting_one_are_read() {
        let full = "4711\n/d/cluster\n1700000000\n5432\n/d/socket\n\n  123   0\nready   \n";
        let read = parse(full).expect("it is whole");
        assert_eq!((read.pid, read.port, read.ready), (4711, Some(5432), true));
        assert_eq!(read.socket_dir.as_deref(), Some(Path::new("/d/socket")));
        let starting = parse("4711\n/d/cluster\n1700000000\n5432\n").expect("it has a pid");
        assert!(!starting.ready && starting.socket_dir.is_none());
        assert_eq!(parse(""), None);
        assert_eq!(parse("garbage\n"), None);
    }
}
