//! Two processes of the program on one database and one Redis.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use test_kit::{TestApp, redis_servers};

use crate::process::{Running, Workshop, free_port};

const BURST: u32 = 100;

fn start(workshop: &Workshop, app: &TestApp, redis: &str, port: u16) -> Running {
    let mut command = workshop.owncircle(&["serve", "--role", "api"]);
    command
        .env("OWNCIRCLE_DATABASE_URL", app.database_url())
        .env("REDIS_URL", redis)
        // A machine under load is slow, and this counts exactly.
        .env("OWNCIRCLE_REDIS_TIMEOUT_MS", "5000")
        .env("OWNCIRCLE_MASTER_KEY", "07".repeat(32))
        .env("OWNCIRCLE_LIMITS__REQUESTS_PER_SECOND", "1")
        .env("OWNCIRCLE_LIMITS__BURST", BURST.to_string())
        .env("OWNCIRCLE_LISTEN", format!("127.0.0.1:{port}"))
        .env("OWNCIRCLE_METRICS_LISTEN", "127.0.0.1:0");
    workshop.start(&mut command)
}

/// The status of a GET.
fn get(port: u16, path: &str, credential: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {credential}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

fn until_it_listens(port: u16, log: &std::path::Path) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_limit() {
    let app = TestApp::start().await;
    for redis in redis_servers() {
        // A till of its own for each Redis: the programme, and with it the names in Redis, is that of every test.
        let business = app.business(&format!("luna-{}", free_port())).await;
        let till = app.till(business).await;
        let workshops = [Workshop::new(), Workshop::new()];
        let ports = [free_port(), free_port()];
        let running = [0, 1].map(|one| start(&workshops[one], &app, &redis, ports[one]));
        for (port, running) in ports.iter().zip(&running) {
            until_it_listens(*port, &running.log);
        }
        for port in ports {
            let (status, answer) = get(port, "/health/ready", "");
            assert_eq!(status, 200, "{answer}");
            assert!(answer.contains(r#""shared_state":"ready""#), "{answer}");
        }
        let begun = Instant::now();
        let threads = ports.map(|port| {
            let till = till.clone();
            std::thread::spawn(move || {
                let asked = (0..BURST).map(|_| get(port, "/api/v1/transactions", &till).0);
                asked.collect::<Vec<u16>>()
            })
        });
        let statuses: Vec<u16> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let seconds = begun.elapsed().as_secs() + 1;
        let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
        let (passed, limited) = (count(200), count(429));
        assert_eq!(passed + limited, statuses.len(), "{statuses:?}");
        // What the time that it took lets pass, and not one more.
        let most = u64::from(BURST) + seconds;
        let passed = u64::try_from(passed).unwrap();
        assert!(
            (u64::from(BURST)..=most).contains(&passed),
            "{passed} passed in {seconds} s"
        );
        for running in running {
            assert_eq!(running.end(Signal::TERM), Some(0));
        }
    }
}
