//! One kept-alive HTTP/1.1 connection for what is asked beside the load: a request out, an answer in.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::read_head;

/// How much is read at a time at least, bytes.
const PORTION: usize = 8 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer; its body is lent until the next exchange.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(PORTION),
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the connection ends or what comes is no answer with a length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head = loop {
            self.receive().await?;
            if let Some(head) = read_head(&self.received)? {
                break head;
            }
        };
        while self.received.len() < head.ends {
            self.receive().await?;
        }
        ensure!(
            self.received.len() == head.ends,
            "more came than one answer"
        );
        Ok(Answer {
            status: head.status,
            body: &self.received[head.begins..],
        })
    }

    /// Sends some bytes and, after a pause, goes away without reading: what is still on its way is lost.
    ///
    /// # Errors
    /// If the connection has ended before.
    pub(crate) async fn send_and_vanish(
        mut self,
        bytes: &[u8],
        pause: Duration,
    ) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        tokio::time::sleep(pause).await;
        self.stream.set_zero_linger()
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        self.received.reserve(PORTION);
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}
