//! The keys that sign tokens, changed by command while servers are at work.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use test_kit::{SignedIn, TestApp};

use crate::process::{Workshop, free_port};

/// Requests that a client sends at most, before and after the change together.
const MOST: usize = 4_000;

/// Requests that a client sends after the change, a new token before each tenth.
const AFTER: usize = 40;

fn command(workshop: &Workshop, app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = workshop.owncircle(arguments);
    command
        .env("OWNCIRCLE_DATABASE_URL", app.database_url())
        .env("OWNCIRCLE_MASTER_KEY", "07".repeat(32))
        .env("OWNCIRCLE_LIMITS__REQUESTS_PER_SECOND", "10000")
        .env("OWNCIRCLE_LIMITS__BURST", "100000")
        .env("OWNCIRCLE_METRICS_LISTEN", "127.0.0.1:0");
    command
}

/// Whether the command went well, and what it said.
fn keys(workshop: &Workshop, app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let all = [&["keys"], arguments].concat();
    let output = command(workshop, app, &all).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// The names of keys by their state, as a list shows them.
fn by_state(shown: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in shown.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [state, _alg, kid, "made", ..] = words[..] {
            all.entry(state).or_default().push(kid);
        }
    }
    all
}

#[tokio::test]
async fn keys_are_rotated_and_revoked_by_command() {
    let app = TestApp::at_present().await;
    let anna = app.sign_in("+79161234567").await;
    let workshop = Workshop::new();
    let (listed, before) = keys(&workshop, &app, &["list"]);
    assert!(listed, "{before}");
    let (current, next) = (
        by_state(&before)["current"][0],
        by_state(&before)["next"][0],
    );
    let (rotated, after) = keys(&workshop, &app, &["rotate"]);
    assert!(rotated, "the next key is old enough: {after}");
    assert_eq!(by_state(&after)["current"], [next]);
    assert_eq!(by_state(&after)["retired"], [current]);
    let fresh = by_state(&after)["next"][0].to_owned();
    let (early, said) = keys(&workshop, &app, &["rotate"]);
    assert!(!early, "the next key is a moment old: {said}");
    let (rotated, after) = keys(&workshop, &app, &["rotate", "--now"]);
    assert!(rotated, "{after}");
    assert_eq!(by_state(&after)["current"], [fresh]);
    let (known, said) = keys(&workshop, &app, &["revoke", "no-such-key"]);
    assert!(!known, "{said}");
    let (revoked, left) = keys(&workshop, &app, &["revoke", current]);
    assert!(revoked, "{left}");
    assert_eq!(by_state(&left)["retired"], [next]);
    // A server that starts now never trusts what the revoked key signed.
    let port = free_port();
    let server = serve(&workshop, &app, port);
    let (status, _) = send(port, "GET", "/api/v1/users/me", Some(&anna.token), None);
    assert_eq!(status, 401);
    let renew = json!({ "refresh_token": anna.refresh_token });
    let (status, renewed) = send(port, "POST", "/api/v1/auth/refresh", None, Some(&renew));
    assert_eq!(status, 200, "{renewed}");
    let token = renewed["access_token"].as_str().unwrap();
    let (status, _) = send(port, "GET", "/api/v1/users/me", Some(token), None);
    assert_eq!(status, 200);
    assert_eq!(server.end(Signal::TERM), Some(0));
}

fn serve(workshop: &Workshop, app: &TestApp, port: u16) -> crate::process::Running {
    let mut serving = command(workshop, app, &["serve", "--role", "api"]);
    serving.env("OWNCIRCLE_LISTEN", format!("127.0.0.1:{port}"));
    let running = workshop.start(&mut serving);
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || std::fs::read_to_string(&running.log).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
        std::thread::yield_now();
    }
    running
}

/// A request; its status and what came.
fn send(
    port: u16,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n");
    if let Some(token) = token {
        head.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        head.push_str("content-type: application/json\r\n");
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = serde_json::from_str(body).unwrap_or_default();
    (head[9..12].parse().unwrap(), body)
}

/// Somebody who uses two servers by turns, and renews the token before each tenth request.
struct Client {
    ports: [u16; 2],
    token: String,
    refresh: String,
    sent: usize,
}

impl Client {
    fn of(ports: [u16; 2], person: SignedIn) -> Self {
        Self {
            ports,
            token: person.token,
            refresh: person.refresh_token,
            sent: 0,
        }
    }

    /// One request more; its status.
    fn step(&mut self) -> u16 {
        self.sent += 1;
        let port = self.ports[self.sent % 2];
        if self.sent.is_multiple_of(10) {
            let renew = json!({ "refresh_token": self.refresh });
            let (status, fresh) = send(port, "POST", "/api/v1/auth/refresh", None, Some(&renew));
            if status != 200 {
                return status;
            }
            let text = |name: &str| fresh[name].as_str().unwrap().to_owned();
            (self.token, self.refresh) = (text("access_token"), text("refresh_token"));
        }
        send(port, "GET", "/api/v1/users/me", Some(&self.token), None).0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_refuses_nobody() {
    let app = TestApp::at_present().await;
    let workshops = [Workshop::new(), Workshop::new()];
    let mut people = Vec::new();
    for phone in ["+79161234567", "+79161234568"] {
        people.push(app.sign_in(phone).await);
    }
    let ports = [free_port(), free_port()];
    let servers = [0, 1].map(|one| serve(&workshops[one], &app, ports[one]));
    let (answered, rotated) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let clients: Vec<_> = people
        .into_iter()
        .map(|person| {
            let (answered, rotated) = (Arc::clone(&answered), Arc::clone(&rotated));
            std::thread::spawn(move || {
                let mut client = Client::of(ports, person);
                let (mut statuses, mut after) = (Vec::new(), 0);
                while after < AFTER && statuses.len() < MOST {
                    after += usize::from(rotated.load(Ordering::SeqCst));
                    statuses.push(client.step());
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                (statuses, after)
            })
        })
        .collect();
    while answered.load(Ordering::SeqCst) < 40 {
        std::thread::yield_now();
    }
    let (done, said) = keys(&workshops[0], &app, &["rotate", "--now"]);
    rotated.store(true, Ordering::SeqCst);
    assert!(done, "{said}");
    for client in clients {
        let (statuses, after) = client.join().unwrap();
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        assert_eq!(after, AFTER, "the change came within {MOST} requests");
    }
    for server in servers {
        assert_eq!(server.end(Signal::TERM), Some(0));
    }
}
