//! Takes that arrive together go to Redis together: one task sends whatever waits, without waiting for company, as one
//! call of the script. So a busy process makes few calls, and one that is idle answers after one round trip.

use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::moment;
use crate::now::Now;
use crate::quota::{Quota, Taken};

/// How many takes wait at most; beyond it this process counts alone.
const QUEUE: usize = 8192;

/// The most takes of one call.
const TOGETHER: usize = 256;

struct Take {
    name: String,
    quota: Quota,
    n: u32,
    answer: oneshot::Sender<Taken>,
}

/// The way to the task.
pub(super) struct Takes {
    queue: mpsc::Sender<Take>,
    patience: Duration,
}

impl Takes {
    pub(super) fn start(link: Arc<Link>, now: Now, stop: &CancellationToken) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let patience = link.patience();
        let work = work(link, now, waiting);
        tokio::spawn(stop.clone().run_until_cancelled_owned(work));
        Self { queue, patience }
    }

    /// None: Redis is away, or too slow, or there is too much to do.
    pub(super) async fn take(&self, name: String, quota: Quota, n: u32) -> Option<Taken> {
        let (answer, answered) = oneshot::channel();
        let take = Take {
            name,
            quota,
            n,
            answer,
        };
        self.queue.try_send(take).ok()?;
        timeout(self.patience, answered).await.ok()?.ok()
    }
}

async fn work(link: Arc<Link>, now: Now, mut waiting: mpsc::Receiver<Take>) {
    let script = Script::new(include_str!("take.lua"));
    let mut taken = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut taken, TOGETHER).await > 0 {
        // Whoever has waited too long has counted alone.
        taken.retain(|take| !take.answer.is_closed());
        if taken.is_empty() {
            continue;
        }
        let mut call = script.prepare_invoke();
        call.arg(moment(&now));
        for take in &taken {
            call.key(&take.name)
                .arg(take.quota.interval())
                .arg(take.quota.burst.get())
                .arg(take.n);
        }
        let answers: Option<Vec<(u64, u32)>> = link
            .call(async |connection| {
                let flat: Vec<u64> = call.invoke_async(connection).await?;
                let pairs = flat.chunks_exact(2);
                Ok(pairs
                    .map(|pair| (pair[0], u32::try_from(pair[1]).unwrap_or(u32::MAX)))
                    .collect())
            })
            .await;
        // Without an answer the senders are dropped, which says that there is none.
        for (take, (wait, remaining)) in taken.drain(..).zip(answers.unwrap_or_default()) {
            let retry_after = (wait > 0).then(|| Duration::from_micros(wait));
            // An error says that nobody waits any more.
            let _ = take.answer.send(Taken {
                remaining,
                retry_after,
            });
        }
    }
}
