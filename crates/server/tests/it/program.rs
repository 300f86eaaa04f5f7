//! The program as a process: commands, start, stop by signal, and life after a hard kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_owncircle"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("OWNCIRCLE_") && name != "OWNCIRCLE_POSTGRES_BIN"
            || name == "DATABASE_URL"
            || name == "REDIS_URL"
        {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// A working folder that the account of PostgreSQL can reach too.
pub(crate) fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn check_config_prints_what_is_in_force() {
    let dir = folder();
    let output = program(dir.path())
        .arg("check-config")
        .env("OWNCIRCLE_LIMITS__BURST", "51")
        .env("OWNCIRCLE_MASTER_KEY", "5ec2".repeat(16))
        .output()
        .unwrap();
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    assert!(
        shown.contains("burst = 51") && shown.contains("master_key = \"(hidden)\""),
        "{shown}"
    );
    assert!(!shown.contains(&"5ec2".repeat(16)), "{shown}");
    // What it prints is a configuration file again.
    toml::from_str::<toml::Table>(&String::from_utf8_lossy(&output.stdout)).unwrap();
}

#[test]
fn a_wrong_configuration_ends_every_command_with_a_sentence() {
    let dir = folder();
    for command in ["check-config", "serve", "migrate"] {
        let output = program(dir.path())
            .arg(command)
            .env("OWNCIRCLE_NONSENSE", "1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output).contains("OWNCIRCLE_NONSENSE"),
            "{}",
            text(&output)
        );
    }
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn the_description_of_the_api_is_written() {
    let dir = folder();
    let output = program(dir.path())
        .args(["openapi", "--output", "out.json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let written = std::fs::read_to_string(dir.path().join("out.json")).unwrap();
    let described: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(described["openapi"], "3.1.0");
}

#[test]
fn migrate_goes_forward_back_and_forward_again() {
    let dir = folder();
    let migrate = |to: &[&str]| {
        let output = program(dir.path())
            .arg("migrate")
            .args(to)
            .output()
            .unwrap();
        (output.status.success(), text(&output))
    };
    let latest = store::migrate::latest();
    let (fine, shown) = migrate(&[]);
    assert!(
        fine && shown.contains(&format!("from version 0 to {latest}")),
        "{shown}"
    );
    let (fine, shown) = migrate(&[]);
    assert!(
        fine && shown.contains(&format!("from version {latest} to {latest}")),
        "{shown}"
    );
    let (fine, shown) = migrate(&["--to", "0"]);
    assert!(
        fine && shown.contains(&format!("from version {latest} to 0")),
        "{shown}"
    );
    let (fine, shown) = migrate(&["--to", "1"]);
    assert!(fine && shown.contains("from version 0 to 1"), "{shown}");
    let (fine, shown) = migrate(&["--to", "99999"]);
    assert!(
        !fine && shown.contains("there is no migration 99999"),
        "{shown}"
    );
}

#[test]
fn months_are_shown_made_and_detached() {
    let dir = folder();
    let partitions = |args: &[&str]| {
        let mut command = program(dir.path());
        let output = command.arg("partitions").args(args).output().unwrap();
        (output.status.code(), text(&output))
    };
    let migrated = program(dir.path()).arg("migrate").output().unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated));

    let (code, shown) = partitions(&["list"]);
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "purchases_first",
        "journals_future",
        "ledger_entries_future",
        "outbox_events_first",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let (code, made) = partitions(&["make", "--ahead", "4"]);
    assert!(code == Some(0) && made.contains("purchases_20"), "{made}");
    let (code, again) = partitions(&["make", "--ahead", "4"]);
    assert!(
        code == Some(0) && again.contains("no month was missing"),
        "{again}"
    );
    let (code, shown) = partitions(&["list"]);
    let name = made
        .lines()
        .find(|line| line.starts_with("purchases_20"))
        .unwrap();
    assert!(code == Some(0) && shown.contains(name), "{shown}");

    let (code, refused) = partitions(&["detach", "--before", "2024-01"]);
    assert!(
        code == Some(1) && refused.contains("--beyond-audit"),
        "{refused}"
    );
    let (code, refused) = partitions(&["detach", "--beyond-audit", "--before", "2999-01"]);
    assert!(
        code == Some(1) && refused.contains("still needs the months from"),
        "{refused}"
    );
    let (code, none) = partitions(&["detach", "--beyond-audit", "--before", "2024-01"]);
    assert!(
        code == Some(0) && none.contains("no partition that ends before"),
        "{none}"
    );
    for wrong in [["make", "--ahead", "25"], ["detach", "--before", "2024"]] {
        assert_eq!(partitions(&wrong).0, Some(2));
    }
}

/// A running `owncircle serve`; killed when dropped.
struct Serving {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    seen: String,
    api: u16,
    metrics: u16,
}

impl Serving {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let (api, metrics) = (free_port(), free_port());
        let mut child = program(folder)
            .arg("serve")
            .args(more)
            .env("OWNCIRCLE_LISTEN", format!("127.0.0.1:{api}"))
            .env("OWNCIRCLE_METRICS_LISTEN", format!("127.0.0.1:{metrics}"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            log,
            seen: String::new(),
            api,
            metrics,
        }
    }

    /// Reads the log until a line holds `part`.
    fn wait_for(&mut self, part: &str) {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "the log ended without {part:?}:\n{}", self.seen);
            self.seen.push_str(&line);
            if line.contains(part) {
                return;
            }
        }
    }

    fn get(port: u16, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end and returns the exit code with the whole log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), std::mem::take(&mut self.seen) + &rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// True when no process works in the cluster's folder.
fn nobody_works_in(folder: &Path) -> bool {
    let cluster = folder.join("data/postgres/cluster").canonicalize().unwrap();
    std::fs::read_dir("/proc").unwrap().flatten().all(|entry| {
        std::fs::read_link(entry.path().join("cwd")).map_or(true, |cwd| cwd != cluster)
    })
}

#[test]
fn serves_and_stops_by_each_signal_leaving_no_process() {
    let dir = folder();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut serving = Serving::start(dir.path(), &[]);
        serving.wait_for("the API listens");
        let live = Serving::get(serving.api, "/health/live");
        assert!(live.starts_with("HTTP/1.1 200"), "{live}");
        let ready = Serving::get(serving.api, "/health/ready");
        assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
        let metrics = Serving::get(serving.metrics, "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
        serving.signal(signal);
        let (code, log) = serving.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(nobody_works_in(dir.path()), "{log}");
    }
}

#[test]
fn a_second_service_is_refused_and_commands_work_beside_the_first() {
    let dir = folder();
    let mut serving = Serving::start(dir.path(), &[]);
    serving.wait_for("the API listens");
    let second = program(dir.path()).arg("serve").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second).contains("is in use by another running program (process "),
        "{}",
        text(&second)
    );
    let beside = program(dir.path()).arg("migrate").output().unwrap();
    assert!(beside.status.success(), "{}", text(&beside));
    assert!(Serving::get(serving.api, "/health/live").starts_with("HTTP/1.1 200"));
    serving.signal(Signal::TERM);
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn after_a_hard_kill_the_next_start_works() {
    let dir = folder();
    let mut killed = Serving::start(dir.path(), &[]);
    killed.wait_for("the API listens");
    killed.signal(Signal::KILL);
    assert_eq!(killed.end().0, None);
    let mut next = Serving::start(dir.path(), &[]);
    next.wait_for("the API listens");
    assert!(Serving::get(next.api, "/health/live").starts_with("HTTP/1.1 200"));
    next.signal(Signal::TERM);
    let (code, log) = next.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(nobody_works_in(dir.path()));
}

#[test]
fn after_a_kill_of_postgresql_the_service_goes_on() {
    let dir = folder();
    let mut serving = Serving::start(dir.path(), &[]);
    serving.wait_for("the API listens");
    let pid_file = dir.path().join("data/postgres/cluster/postmaster.pid");
    for _ in 0..2 {
        let text = std::fs::read_to_string(&pid_file).unwrap();
        let pid = text.lines().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        serving.wait_for("PostgreSQL is ready again");
        let ready = Serving::get(serving.api, "/health/ready");
        assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    }
    serving.signal(Signal::TERM);
    let (code, log) = serving.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(nobody_works_in(dir.path()));
}

#[test]
fn a_stop_while_starting_leaves_no_process() {
    let dir = folder();
    let mut serving = Serving::start(dir.path(), &[]);
    serving.wait_for("making a new PostgreSQL cluster");
    serving.signal(Signal::TERM);
    let (code, log) = serving.end();
    assert_eq!(code, Some(0), "{log}");
    let mut next = Serving::start(dir.path(), &[]);
    next.wait_for("the API listens");
    next.signal(Signal::TERM);
    assert_eq!(next.end().0, Some(0));
    assert!(nobody_works_in(dir.path()));
}

#[test]
fn a_lost_master_key_is_refused() {
    let dir = folder();
    let mut serving = Serving::start(dir.path(), &["--role", "worker"]);
    serving.wait_for("the database is up to date");
    serving.signal(Signal::TERM);
    serving.end();
    let key = dir.path().join("data/master_key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::remove_file(key).unwrap();
    let refused = program(dir.path()).arg("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("its master key"),
        "{}",
        text(&refused)
    );
}
