//! The load generator: a number of connections, each of which sends its next request as soon as it has the answer to
//! the one before (a closed loop), until a time or a number of requests is over. Every answer's status is checked.
//!
//! It shares the cores with what it measures, so one thread waits for all connections at once and nothing is allocated
//! for a request; what it uses is told with the rest.

mod answer;
mod connection;
pub(crate) mod model;
pub(crate) mod tills;
mod wire;
mod writing;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

pub(crate) use connection::Connection;
pub(crate) use writing::{Id, drawn_id};

use crate::random::Random;
use wire::{Done, Wire};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest latency that is told apart, microseconds.
const LONGEST: u64 = 60_000_000;

/// How many answers that were not expected are shown.
const SHOWN: usize = 3;

/// How many events are taken at a time.
const EVENTS: usize = 256;

/// Writes the requests of a load.
pub(crate) trait Requests: Send {
    /// The status that every answer must have.
    fn expected(&self) -> u16;

    /// Writes the request of this number behind what is there; true: its latency is also counted apart.
    fn write(&mut self, number: u64, random: &mut Random, out: &mut Vec<u8>) -> bool;
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Where the service listens.
    pub(crate) address: SocketAddr,
    /// How many connections at a time.
    pub(crate) connections: u32,
    /// For how long new requests are sent.
    pub(crate) time: Duration,
    /// How many requests are sent at most.
    pub(crate) most: u64,
    /// From what everything is drawn.
    pub(crate) seed: u64,
    /// How many answers in a thousand may have another status than expected: none of ours.
    pub(crate) tolerated: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Answers as expected.
    pub(crate) answers: u64,
    /// Answers with another status, if that is tolerated.
    pub(crate) others: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Microseconds from a request to its answer.
    pub(crate) latency: Histogram<u64>,
    /// The same of the requests that are counted apart.
    pub(crate) apart: Histogram<u64>,
    /// Processor time of the load generator itself.
    pub(crate) processor: Duration,
}

/// A histogram of latencies in microseconds.
///
/// # Errors
/// Never, with these bounds.
pub(crate) fn latencies() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, 3).context("a histogram")
}

/// Puts load on a service and blocks until it is over.
///
/// # Errors
/// If a connection fails or an answer is not as expected.
pub(crate) fn run(load: &Load, requests: &mut dyn Requests) -> anyhow::Result<Outcome> {
    let used_before = thread_processor();
    let mut running = Running::open(load, requests)?;
    let started = Instant::now();
    running.until = started + load.time;
    for place in 0..running.wires.len() {
        running.send(place)?;
    }
    let mut events = mio::Events::with_capacity(EVENTS);
    while running.waiting > 0 {
        let polled = running.poll.poll(&mut events, Some(PATIENCE));
        match polled {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        ensure!(!events.is_empty(), "no answer in time");
        for event in &events {
            running.move_on(event.token().0)?;
        }
    }
    let elapsed = started.elapsed();
    let outcome = running.outcome(elapsed, thread_processor().saturating_sub(used_before));
    let asked = outcome.answers + outcome.others;
    ensure!(
        outcome.others * 1_000 <= load.tolerated * asked,
        "{} of {asked} answers were not as expected, such as:\n{}",
        outcome.others,
        running.strange.join("\n")
    );
    Ok(outcome)
}

/// Processor time that this thread has used so far.
fn thread_processor() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(used.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(used.tv_nsec).unwrap_or(0))
}

/// A load in progress.
struct Running<'a> {
    poll: mio::Poll,
    wires: Vec<Wire>,
    requests: &'a mut dyn Requests,
    random: Random,
    expected: u16,
    until: Instant,
    left: u64,
    sent: u64,
    /// Connections that wait for an answer.
    waiting: usize,
    latency: Histogram<u64>,
    apart: Histogram<u64>,
    others: u64,
    strange: Vec<String>,
}

impl<'a> Running<'a> {
    fn open(load: &Load, requests: &'a mut dyn Requests) -> anyhow::Result<Self> {
        let poll = mio::Poll::new()?;
        let mut wires = Vec::new();
        for place in 0..usize::try_from(load.connections)? {
            wires.push(Wire::open(load.address, poll.registry(), place)?);
        }
        Ok(Self {
            poll,
            wires,
            expected: requests.expected(),
            requests,
            random: Random::new(load.seed),
            until: Instant::now(),
            left: load.most,
            sent: 0,
            waiting: 0,
            latency: latencies()?,
            apart: latencies()?,
            others: 0,
            strange: Vec::new(),
        })
    }

    /// Sends the next request on a connection, if there is one to be sent.
    fn send(&mut self, place: usize) -> anyhow::Result<()> {
        let now = Instant::now();
        if self.left == 0 || now >= self.until {
            return Ok(());
        }
        self.left -= 1;
        let wire = &mut self.wires[place];
        let out = wire.next_request(now);
        let apart = self.requests.write(self.sent, &mut self.random, out);
        self.sent += 1;
        self.waiting += 1;
        wire.apart = apart;
        wire.flush()
    }

    /// Does what can be done on a connection that has become ready.
    fn move_on(&mut self, place: usize) -> anyhow::Result<()> {
        let wire = &mut self.wires[place];
        let Some(Done { status, latency }) = wire.move_on()? else {
            return Ok(());
        };
        self.waiting -= 1;
        if status == self.expected {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
            self.latency.saturating_record(micros);
            if wire.apart {
                self.apart.saturating_record(micros);
            }
        } else {
            self.others += 1;
            if self.strange.len() < SHOWN {
                self.strange.push(format!("{status}: {}", wire.body()));
            }
        }
        self.send(place)
    }

    fn outcome(&self, elapsed: Duration, processor: Duration) -> Outcome {
        Outcome {
            answers: self.latency.len(),
            others: self.others,
            elapsed,
            latency: self.latency.clone(),
            apart: self.apart.clone(),
            processor,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    struct Numbers;

    impl Requests for Numbers {
        fn expected(&self) -> u16 {
            200
        }

        fn write(&mut self, number: u64, _: &mut Random, out: &mut Vec<u8>) -> bool {
            out.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
            number.is_multiple_of(2)
        }
    }

    /// A server of one connection that cuts its answers in pieces and gives each one this status.
    fn serve(status: u16) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.set_nodelay(true).expect("an open connection");
            let mut received = [0; 64];
            while stream.read(&mut received).is_ok_and(|count| count > 0) {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 40000\r\n\r\n");
                stream.write_all(head.as_bytes()).expect("a client");
                for _ in 0..4 {
                    stream.write_all(&[b'x'; 10_000]).expect("a client");
                }
            }
        });
        address
    }

    fn load(address: SocketAddr, tolerated: u64) -> anyhow::Result<Outcome> {
        let load = Load {
            address,
            connections: 1,
            time: Duration::from_secs(60),
            most: 100,
            seed: 1,
            tolerated,
        };
        run(&load, &mut Numbers)
    }

    #[test]
    fn every_answer_is_counted_once() {
        let outcome = load(serve(200), 0).expect("answers");
        assert_eq!((outcome.answers, outcome.others), (100, 0));
        assert_eq!((outcome.latency.len(), outcome.apart.len()), (100, 50));
        assert!(outcome.elapsed >= Duration::from_micros(outcome.latency.max()));
    }

    #[test]
    fn another_status_ends_the_load_unless_it_is_tolerated() {
        let error = load(serve(503), 0).expect_err("a strange status");
        assert!(error.to_string().contains("100 of 100"), "{error}");
        let outcome = load(serve(503), 1_000).expect("tolerated");
        assert_eq!((outcome.answers, outcome.others), (0, 100));
    }

    #[test]
    fn percentiles_are_those_of_the_latencies() {
        let mut all = latencies().expect("a histogram");
        for micros in 1..=1_000 {
            all.saturating_record(micros);
        }
        assert_eq!(all.value_at_quantile(0.5), 500);
        assert_eq!(all.value_at_quantile(0.99), 990);
        all.saturating_record(u64::MAX);
        assert!(all.max() >= LONGEST);
    }
}
