//! Looks at and signals other processes of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

/// True while a process with this id exists, whoever owns it.
pub(crate) fn is_alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        Err(problem) => problem == Errno::PERM,
    })
}

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid)
        && let Err(problem) = rustix::process::kill_process(pid, signal)
    {
        tracing::debug!(%problem, pid = pid.as_raw_nonzero().get(), "signal not delivered");
    }
}

/// Waits until the process is gone; false when it still lives after `patience`.
pub(crate) async fn wait_gone(pid: i32, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while is_alive(pid) && !is_zombie(pid) {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

/// A dead process whose parent has not looked yet; it holds nothing any more.
fn is_zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(stat.rsplit_once(')')?.1.trim_start().starts_with('Z')))
        .unwrap_or(false)
}

/// True when the living process `pid` is a PostgreSQL server on `cluster`, and not some other program
/// that got the same process id later.
pub(crate) fn is_postgres_on(pid: i32, cluster: &Path) -> bool {
    if is_zombie(pid) {
        return false;
    }
    if Path::new("/proc/self").exists() {
        return works_in(pid, cluster) && runs_postgres(pid);
    }
    // Without /proc the command line has to do; it holds the folder because we put it there.
    let Ok(answer) = Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output()
    else {
        return false;
    };
    let line = String::from_utf8_lossy(&answer.stdout);
    line.contains("postgres") && line.contains(&*cluster.to_string_lossy())
}

/// All PostgreSQL processes whose working folder is `cluster`, servers and their children alike.
/// Empty where the system has no /proc.
pub(crate) fn postgres_processes_on(cluster: &Path) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| works_in(*pid, cluster) && runs_postgres(*pid))
        .collect()
}

/// The `initdb` that make a cluster in this folder; they work elsewhere. Empty where the system has no /proc.
pub(crate) fn makers_of(cluster: &Path) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| !is_zombie(*pid) && runs(*pid, "initdb") && is_told(*pid, cluster))
        .collect()
}

/// Whether the command line has this folder as an argument.
fn is_told(pid: i32, folder: &Path) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
        line.split(|byte| *byte == 0)
            .any(|argument| argument == folder.as_os_str().as_encoded_bytes())
    })
}

/// PostgreSQL and all its children work in the data folder.
fn works_in(pid: i32, cluster: &Path) -> bool {
    let canonical = cluster
        .canonicalize()
        .unwrap_or_else(|_| cluster.to_owned());
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == canonical)
}

fn runs_postgres(pid: i32) -> bool {
    runs(pid, "postgres")
}

fn runs(pid: i32, name: &str) -> bool {
    let program: Option<PathBuf> = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    // After an upgrade of the package the link ends in " (deleted)".
    program
        .as_deref()
        .and_then(Path::file_name)
        .is_some_and(|program| program.to_string_lossy().starts_with(name))
}
