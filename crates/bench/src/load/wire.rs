//! A connection of the load generator: written and read without waiting, with buffers that are used again.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::answer::{Head, read_head};

/// How much of an answer is held at a time, bytes. What comes behind the head may be longer: only its length counts.
const HELD: usize = 16 * 1024;

/// How much of a strange answer is shown, bytes.
const SHOWN: usize = 600;

/// See the module.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    out: Vec<u8>,
    written: usize,
    held: Box<[u8]>,
    filled: usize,
    /// Bytes of the answer that are no longer held.
    passed: usize,
    head: Option<Head>,
    sent: Instant,
    /// Whether the latency of the request under way is also counted apart.
    pub(super) apart: bool,
}

/// An answer that has come whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) latency: Duration,
}

impl Wire {
    /// Opens a connection whose events have this number.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(super) fn open(
        address: SocketAddr,
        registry: &Registry,
        number: usize,
    ) -> anyhow::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(number), both)?;
        Ok(Self {
            stream,
            out: Vec::with_capacity(2048),
            written: 0,
            held: vec![0; HELD].into_boxed_slice(),
            filled: 0,
            passed: 0,
            head: None,
            sent: Instant::now(),
            apart: false,
        })
    }

    /// The empty buffer for the next request, whose time counts from `now`.
    pub(super) fn next_request(&mut self, now: Instant) -> &mut Vec<u8> {
        self.out.clear();
        self.written = 0;
        self.filled = 0;
        self.passed = 0;
        self.head = None;
        self.sent = now;
        &mut self.out
    }

    /// Writes what can be written of the request.
    ///
    /// # Errors
    /// If the connection has ended.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Writes and reads what can be; gives the answer when it is whole.
    ///
    /// # Errors
    /// If the connection ends before, or what comes is no answer.
    pub(super) fn move_on(&mut self) -> anyhow::Result<Option<Done>> {
        if self.out.is_empty() {
            return Ok(None);
        }
        self.flush()?;
        loop {
            if self.filled == self.held.len() {
                ensure!(self.head.is_some(), "a head that does not end");
                self.passed += self.filled;
                self.filled = 0;
            }
            match self.stream.read(&mut self.held[self.filled..]) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            if self.head.is_none() {
                self.head = read_head(&self.held[..self.filled])?;
            }
            if let Some(head) = self.head {
                let received = self.passed + self.filled;
                ensure!(received <= head.ends, "more came than one answer");
                if received == head.ends {
                    self.out.clear();
                    return Ok(Some(Done {
                        status: head.status,
                        latency: self.sent.elapsed(),
                    }));
                }
            }
        }
    }

    /// The beginning of the last answer's body as text, if it is still held.
    pub(super) fn body(&self) -> String {
        let begins = self.head.map_or(0, |head| head.begins);
        let held = self.held.get(begins..self.filled).unwrap_or_default();
        String::from_utf8_lossy(&held[..held.len().min(SHOWN)]).into_owned()
    }
}
