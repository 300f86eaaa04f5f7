//! The signals that stop the process: SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal is gone).

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Listens for signals from its making on; the first asks to stop, the second to hurry.
#[derive(Debug)]
pub(crate) struct Signals {
    stop: CancellationToken,
    hasten: CancellationToken,
}

impl Signals {
    /// # Errors
    /// If the system does not let us listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let open = |kind| signal(kind).context("cannot listen for signals");
        let streams = (
            open(SignalKind::terminate())?,
            open(SignalKind::interrupt())?,
            open(SignalKind::hangup())?,
        );
        let signals = Self {
            stop: CancellationToken::new(),
            hasten: CancellationToken::new(),
        };
        let (stop, hasten) = (signals.stop.clone(), signals.hasten.clone());
        tokio::spawn(async move {
            let mut streams = streams;
            next(&mut streams).await;
            stop.cancel();
            next(&mut streams).await;
            tracing::warn!("a second signal: not waiting any longer");
            hasten.cancel();
        });
        Ok(signals)
    }

    /// Cancelled by the first signal.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled by the second signal.
    pub(crate) fn hasten(&self) -> &CancellationToken {
        &self.hasten
    }
}

async fn next((terminate, interrupt, hangup): &mut (Signal, Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}
