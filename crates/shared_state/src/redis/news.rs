//! What is told, through a stream of Redis that every process reads from its end. A reader that has lost its
//! connection says that messages may have been missed, and begins at the end again.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamRangeReply, StreamReadReply};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::link::{LONGEST_PAUSE, Link, SHORTEST_PAUSE, connect, reason};
use crate::subscription::{Heard, News};

/// How many entries the stream keeps, about: many more than come while a reader looks away.
const KEPT: u32 = 65_536;

/// For how long the stream outlives its last entry, in seconds.
const KEPT_SECONDS: u32 = 600;

/// How long a reader waits for the next entry, in milliseconds, and then for the answer that there is none.
const BLOCK: u64 = 1_000;
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// The most entries of one answer.
const TOGETHER: usize = 512;

/// The most messages of one entry, and how many wait to be told without anybody's waiting for them.
const MESSAGES: usize = 256;
const QUEUE: usize = 16_384;

/// The fields of an entry.
const NODE: &str = "n";
const PACKED: &str = "m";

/// Tells.
pub(super) struct Teller {
    link: Arc<Link>,
    stream: String,
    node: u64,
    queue: mpsc::Sender<ToTell>,
}

/// What waits to be told.
enum ToTell {
    Message(Box<[u8]>),
    /// Somebody wants to know when all before this is told.
    End(oneshot::Sender<()>),
}

impl Teller {
    pub(super) fn start(
        link: Arc<Link>,
        stream: String,
        node: u64,
        stop: &CancellationToken,
    ) -> Self {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let (own, name) = (Arc::clone(&link), stream.clone());
        let work = async move {
            let mut taken = Vec::with_capacity(MESSAGES);
            while waiting.recv_many(&mut taken, MESSAGES).await > 0 {
                let messages = || {
                    taken.iter().filter_map(|taken| match taken {
                        ToTell::Message(message) => Some(message.as_ref()),
                        ToTell::End(_) => None,
                    })
                };
                let packed = pack(messages());
                if !packed.is_empty() && add(&own, &name, node, &packed).await.is_none() {
                    untold(messages().count());
                }
                for end in taken.drain(..) {
                    if let ToTell::End(end) = end {
                        // An error says that nobody waits any more.
                        let _ = end.send(());
                    }
                }
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(work));
        Self {
            link,
            stream,
            node,
            queue,
        }
    }

    /// None: Redis is away.
    pub(super) async fn tell(&self, message: &[u8]) -> Option<()> {
        let packed = pack([message].into_iter());
        let told = add(&self.link, &self.stream, self.node, &packed).await;
        if told.is_none() {
            untold(1);
        }
        told
    }

    pub(super) fn tell_soon(&self, message: &[u8]) {
        let message = ToTell::Message(message.into());
        if self.queue.try_send(message).is_err() {
            untold(1);
        }
    }

    /// Waits until all that was to be told before this is told, or given up.
    pub(super) async fn told(&self) {
        let (end, reached) = oneshot::channel();
        if self.queue.send(ToTell::End(end)).await.is_ok() {
            // An error says that the task has ended, with all that it had to tell.
            let _ = reached.await;
        }
    }
}

fn untold(messages: usize) {
    let messages = u64::try_from(messages).unwrap_or(u64::MAX);
    metrics::counter!("shared_state_untold_total").increment(messages);
}

async fn add(link: &Link, stream: &str, node: u64, packed: &[u8]) -> Option<()> {
    let mut both = redis::pipe();
    both.cmd("XADD")
        .arg(stream)
        .arg("MAXLEN")
        .arg("~")
        .arg(KEPT);
    both.arg("*").arg(NODE).arg(node).arg(PACKED).arg(packed);
    both.ignore();
    both.cmd("EXPIRE").arg(stream).arg(KEPT_SECONDS).ignore();
    link.call(async |connection| both.query_async::<()>(connection).await)
        .await
}

/// Messages one after the other, each with its length before it; longer ones than 64 KiB are cut, and nobody sends
/// such.
fn pack<'m>(messages: impl Iterator<Item = &'m [u8]>) -> Vec<u8> {
    let mut packed = Vec::new();
    for message in messages {
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        packed.extend_from_slice(&length.to_be_bytes());
        packed.extend_from_slice(&message[..usize::from(length)]);
    }
    packed
}

/// The reverse of [`pack`]; what does not fit ends it.
fn unpack(mut packed: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<2>() {
        let Some((message, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        else {
            break;
        };
        messages.push(message);
        packed = rest;
    }
    messages
}

/// Listens for as long as it is let; `listening` says whether it does.
pub(super) async fn listen(
    client: Client,
    stream: String,
    heard: broadcast::Sender<Heard>,
    listening: watch::Sender<bool>,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        match connect(&client, ANSWER_PATIENCE).await {
            Ok(mut connection) => {
                let ended = read(&mut connection, &stream, &heard, &listening).await;
                if listening.send_replace(false) {
                    pause = SHORTEST_PAUSE;
                }
                if let Err(error) = ended {
                    let reason = reason(&error);
                    tracing::warn!(reason, "news of other processes are not heard");
                }
            }
            Err(reason) => tracing::debug!(reason, "no connection for news"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn read(
    connection: &mut MultiplexedConnection,
    stream: &str,
    heard: &broadcast::Sender<Heard>,
    listening: &watch::Sender<bool>,
) -> redis::RedisResult<()> {
    let mut newest = redis::cmd("XREVRANGE");
    newest.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    let newest: StreamRangeReply = newest.query_async(connection).await?;
    let mut last = newest
        .ids
        .first()
        .map_or_else(|| "0-0".to_owned(), |entry| entry.id.clone());
    // Only now, so that whatever is told after this is read. An error here and below says that nobody listens.
    let _ = heard.send((None, News::Missed));
    listening.send_replace(true);
    loop {
        let mut next = redis::cmd("XREAD");
        next.arg("COUNT").arg(TOGETHER).arg("BLOCK").arg(BLOCK);
        next.arg("STREAMS").arg(stream).arg(&last);
        let answer: Option<StreamReadReply> = next.query_async(connection).await?;
        for entry in answer.into_iter().flat_map(|answer| answer.keys) {
            for entry in entry.ids {
                let (node, packed) = (entry.get::<u64>(NODE), entry.get::<Vec<u8>>(PACKED));
                for message in unpack(&packed.unwrap_or_default()) {
                    let _ = heard.send((node, News::Told(message.into())));
                }
                last = entry.id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_unpacked_as_they_were() {
        let messages: [&[u8]; 3] = [b"one", b"", &[0, 200, 7]];
        let packed = pack(messages.into_iter());
        assert_eq!(unpack(&packed), messages);
        assert_eq!(unpack(&packed[..packed.len() - 1]), messages[..2]);
        assert_eq!(unpack(&[9]), Vec::<&[u8]>::new());
    }
}
