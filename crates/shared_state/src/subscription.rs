//! What other processes tell.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many messages wait for a slow listener before it has missed some.
pub(crate) const WAITING: usize = 4096;

/// What is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A message of another process, as it was told.
    Told(Arc<[u8]>),
    /// Messages may have been missed: whatever they could have said must be taken for said.
    Missed,
}

/// News with the process that they come from; None: from nobody.
pub(crate) type Heard = (Option<u64>, News);

/// The messages of all other processes, in the order in which they were told.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) heard: broadcast::Receiver<Heard>,
    pub(crate) node: u64,
}

impl Subscription {
    /// Waits for the next; None: there will be no more.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            match self.heard.recv().await {
                Ok((from, _)) if from == Some(self.node) => {}
                Ok((_, news)) => return Some(news),
                Err(RecvError::Lagged(_)) => return Some(News::Missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
