//! Redis and Valkey for the tests, whichever the machine has: without a file, on ports of this machine alone. A shell
//! that holds a pipe of ours watches over each, so that it ends however we end.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The variable that tells tests which servers they may use: addresses, separated by blanks.
pub(crate) const VARIABLE: &str = "OWNCIRCLE_TEST_REDIS_URL";

/// What is looked for on the PATH.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// How long a server may take to start, and a watch to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody else may take a port between our choice and the server's start.
const TRIES: u32 = 3;

/// Runs the server given as arguments until the pipe on its standard input ends.
const WATCH: &str = r#""$@" & server=$!; read -r _; kill "$server"; wait "$server""#;

/// Servers that run until they are stopped.
#[derive(Debug, Default)]
pub(crate) struct TestRedis {
    servers: Vec<Server>,
}

#[derive(Debug)]
struct Server {
    url: String,
    watch: Child,
}

impl TestRedis {
    /// Starts those that the machine has, unless the surroundings name some already.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut all = Self::default();
        if std::env::var(VARIABLE).is_ok_and(|urls| !urls.is_empty()) {
            return Ok(all);
        }
        for program in PROGRAMS {
            if let Some(path) = find(program) {
                match start(program, &path).await {
                    Ok(server) => all.servers.push(server),
                    Err(error) => {
                        all.stop().await;
                        return Err(error.context(format!("{program} does not start")));
                    }
                }
            }
        }
        if all.servers.is_empty() {
            crate::say(
                "there is neither redis-server nor valkey-server; tests that need one will fail (make setup)",
            );
        }
        Ok(all)
    }

    /// Their addresses; None: the surroundings name some, or there are none.
    pub(crate) fn urls(&self) -> Option<String> {
        let urls: Vec<&str> = self
            .servers
            .iter()
            .map(|server| server.url.as_str())
            .collect();
        (!urls.is_empty()).then(|| urls.join(" "))
    }

    /// Ends them.
    pub(crate) async fn stop(self) {
        for mut server in self.servers {
            drop(server.watch.stdin.take());
            if tokio::time::timeout(PATIENCE, server.watch.wait())
                .await
                .is_err()
            {
                crate::say(&format!("the server at {} does not stop", server.url));
            }
        }
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

async fn start(name: &str, program: &Path) -> anyhow::Result<Server> {
    let folder = crate::target().join("test-redis").join(name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut outcome = Err(anyhow::anyhow!("not tried"));
    for _ in 0..TRIES {
        outcome = start_once(program, &folder).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

async fn start_once(program: &Path, folder: &Path) -> anyhow::Result<Server> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let watch = Command::new("sh")
        .args(["-c", WATCH, "sh"])
        .arg(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(folder)
        .args(["--logfile", "server.log"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Of its own, so that an interrupt from the terminal does not end the watch before the server.
        .process_group(0)
        .spawn()?;
    let server = Server {
        url: format!("redis://127.0.0.1:{port}"),
        watch,
    };
    let answered = tokio::time::timeout(PATIENCE, until_it_answers(port)).await;
    ensure!(
        answered.is_ok(),
        "no answer; see {}",
        folder.join("server.log").display()
    );
    Ok(server)
}

async fn until_it_answers(port: u16) {
    while !answers(port).await.unwrap_or(false) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}
