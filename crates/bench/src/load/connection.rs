//! One kept-alive HTTP/1.1 connection: a request out, an answer in.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest answer that is taken, bytes.
const LARGEST: usize = 1024 * 1024;

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

/// Where the parts of an answer end.
struct Head {
    status: u16,
    begins: usize,
    ends: usize,
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
        ensure!(head.ends <= LARGEST, "an answer of {} bytes", head.ends);
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

    async fn receive(&mut self) -> anyhow::Result<()> {
        self.received.reserve(PORTION);
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        ensure!(self.received.len() <= LARGEST, "the answer does not end");
        Ok(())
    }
}

/// Reads status and length; nothing while the head is not whole.
fn read_head(received: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let begins = match response.parse(received)? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(length) => length,
    };
    let status = response.code.context("an answer without a status")?;
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let Some(length) = length else {
        bail!("an answer without a length, status {status}")
    };
    let length: usize = std::str::from_utf8(length.value)?.trim().parse()?;
    Ok(Some(Head {
        status,
        begins,
        ends: begins.saturating_add(length),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\nab";
        assert!(read_head(&whole[..30]).expect("so far so good").is_none());
        let head = read_head(whole).expect("an answer").expect("a whole head");
        assert_eq!((head.status, head.ends), (201, whole.len()));
        assert_eq!(&whole[head.begins..head.ends], b"ab");
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
