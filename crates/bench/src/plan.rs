//! How much is measured: the usual sizes, and the small ones of a quick run.

use std::time::Duration;

/// The sizes of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often everything is measured; medians are of these.
    pub(crate) rounds: u32,
    /// How long each load of ours lasts.
    pub(crate) time: Duration,
    /// How long the loads last that need less: one connection, and reads.
    pub(crate) short: Duration,
    /// How long each run of pgbench lasts, whose connections are new each time.
    pub(crate) pgbench: Duration,
    /// Members.
    pub(crate) members: u32,
    /// Businesses, each with a till.
    pub(crate) businesses: u32,
    /// Members who join, and so can spend and ask for their balance.
    pub(crate) joined: u32,
    /// Redemptions of a round at most: for each, three lots are laid in.
    pub(crate) redemptions: u32,
    /// Rows of an imported file.
    pub(crate) rows: u32,
    /// Starts of the service that are timed.
    pub(crate) starts: u32,
}

impl Plan {
    /// The usual sizes: about five minutes.
    pub(crate) const USUAL: Self = Self {
        rounds: 3,
        time: Duration::from_secs(4),
        short: Duration::from_secs(3),
        pgbench: Duration::from_secs(5),
        members: 100_000,
        businesses: 200,
        joined: 2_000,
        redemptions: 4_000,
        rows: 20_000,
        starts: 5,
    };

    /// A look: about a minute.
    pub(crate) const QUICK: Self = Self {
        rounds: 2,
        time: Duration::from_secs(2),
        short: Duration::from_secs(1),
        pgbench: Duration::from_secs(1),
        members: 20_000,
        businesses: 50,
        joined: 500,
        redemptions: 1_000,
        rows: 5_000,
        starts: 2,
    };
}
