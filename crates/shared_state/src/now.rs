//! Where counting takes its time from.

use std::fmt;
use std::sync::Arc;

/// The real time, or the hand of a test. The real time of shared counting is Redis's own, so that processes whose
/// clocks differ count alike; that of counting in one process is the machine's steady clock.
#[derive(Clone)]
pub struct Now(Option<Arc<dyn Fn() -> u64 + Send + Sync>>);

impl Now {
    /// The real time.
    #[must_use]
    pub fn real() -> Self {
        Self(None)
    }

    /// Microseconds as `hand` tells them.
    #[must_use]
    pub fn told_by(hand: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hand)))
    }

    /// What the hand says; None: ask a real clock.
    pub(crate) fn told(&self) -> Option<u64> {
        self.0.as_ref().map(|hand| hand())
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "told" } else { "real" })
    }
}
