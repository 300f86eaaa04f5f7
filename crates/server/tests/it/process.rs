//! The demonstration as a process: in a folder of its own that the account of PostgreSQL can reach, on free ports,
//! ended when dropped.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder with a program in it.
pub(crate) struct Workshop {
    dir: TempDir,
}

/// A program that runs.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Where its log goes.
    pub(crate) log: PathBuf,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A program that knows nothing of the settings around the test, and uses this folder.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let ours = name.starts_with("OWNCIRCLE_") && name != "OWNCIRCLE_POSTGRES_BIN";
            if ours || name == "DATABASE_URL" || name == "REDIS_URL" {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.path())
            .env("OWNCIRCLE_DATA_DIR", self.path().join("data"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn owncircle(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_owncircle"));
        command.args(arguments);
        command
    }

    /// Runs it to its end; whether it went well, and what it said on both streams.
    pub(crate) fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.owncircle(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    pub(crate) fn start(&self, command: &mut Command) -> Running {
        let log = self.path().join("log");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Running { child, out, log }
    }
}

impl Running {
    /// Reads what it prints up to a line that holds `part`.
    pub(crate) fn read_to(&mut self, part: &str) -> String {
        let mut seen = String::new();
        while !seen.lines().last().unwrap_or_default().contains(part) {
            let read = self.out.read_line(&mut seen).unwrap();
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(read > 0, "it ended without {part:?}:\n{seen}\n{}", log());
        }
        seen
    }

    /// Sends a signal and waits for the end; the exit code, if it was not killed.
    pub(crate) fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
