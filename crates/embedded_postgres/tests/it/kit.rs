//! What the tests share: a folder that any account can reach, and a client.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use embedded_postgres::{Binaries, ConnectionInfo, EmbeddedPostgres, Options, State};
use tempfile::TempDir;

/// A folder below the one for temporary files, enterable for the account that PostgreSQL runs under.
pub fn folder() -> TempDir {
    let dir = tempfile::Builder::new().prefix("epg").tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    dir
}

pub fn options(home: &Path) -> Options {
    Options {
        durable: false,
        database: "circle".to_owned(),
        user: "owner".to_owned(),
        start_patience: Duration::from_secs(60),
        settings: vec![("shared_buffers".to_owned(), "16MB".to_owned())],
        ..Options::new(home)
    }
}

/// Runs one statement through psql and returns what it prints.
pub async fn query(info: &ConnectionInfo, statement: &str) -> Result<String, String> {
    let binaries = Binaries::find(None, None, Path::new("/")).await.unwrap();
    let answer = Command::new(binaries.program("psql"))
        .args(["-XAtq", "-c", statement])
        .arg(info.url())
        .output()
        .unwrap();
    if answer.status.success() {
        Ok(String::from_utf8(answer.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8(answer.stderr).unwrap())
    }
}

pub fn server_pid(home: &Path) -> i32 {
    let text = std::fs::read_to_string(home.join("cluster/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

pub fn kill_hard(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// True when no process works in the folder any more.
pub fn nobody_works_in(cluster: &Path) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().all(|entry| {
        std::fs::read_link(entry.path().join("cwd")).map_or(true, |cwd| cwd != cluster)
    })
}

pub async fn wait_for(server: &EmbeddedPostgres, wanted: State) {
    let mut state = server.state();
    let waiting = state.wait_for(|state| *state == wanted);
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap()
        .unwrap();
}
