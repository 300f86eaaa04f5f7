//! How much is measured: the usual sizes, and the small ones of a quick run.

use std::time::Duration;

/// The sizes of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often everything is measured; medians are of these.
    pub(crate) rounds: u32,
    /// How long each load lasts, of ours and of others.
    pub(crate) time: Duration,
    /// How long the loads last that need less: one connection, and reads.
    pub(crate) short: Duration,
    /// How long each number of clients is tried for the one that pgbench is fastest with.
    pub(crate) trial: Duration,
    /// Members.
    pub(crate) members: u32,
    /// Businesses, each with a till.
    pub(crate) businesses: u32,
    /// Members who join, and so can spend and ask for their balance.
    pub(crate) joined: u32,
    /// Redemptions of a round: for each, three lots are laid in.
    pub(crate) redemptions: u32,
    /// Rows of an imported file.
    pub(crate) rows: u32,
    /// Promotions that concern nobody.
    pub(crate) rules: u32,
    /// Ledger rows of the large database; none: there is no such database.
    pub(crate) growth_rows: u64,
    /// How long the service is kept under load for its memory; none: not at all.
    pub(crate) soak: Duration,
    /// Clients that are killed in the middle of a request.
    pub(crate) killed: u32,
    /// Keys that are sent by several connections at once.
    pub(crate) raced: u32,
    /// How long the ladder of tiers is changed under load.
    pub(crate) faults: Duration,
    /// Starts of the service that are timed.
    pub(crate) starts: u32,
    /// Files of the write-ahead log that are there from the beginning: what the server keeps between two checkpoints.
    pub(crate) log_files: u32,
}

impl Plan {
    /// The usual sizes: about twenty minutes, and ten more under load for the memory.
    pub(crate) const USUAL: Self = Self {
        rounds: 5,
        time: Duration::from_secs(4),
        short: Duration::from_secs(3),
        trial: Duration::from_secs(2),
        members: 100_000,
        businesses: 200,
        joined: 10_000,
        redemptions: 10_000,
        rows: 50_000,
        rules: 10_000,
        growth_rows: 10_000_000,
        soak: Duration::from_secs(600),
        killed: 400,
        raced: 100,
        faults: Duration::from_secs(8),
        starts: 5,
        log_files: 384,
    };

    /// A look: about two minutes.
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        time: Duration::from_secs(1),
        short: Duration::from_secs(1),
        trial: Duration::from_secs(1),
        members: 20_000,
        businesses: 50,
        joined: 1_000,
        redemptions: 1_500,
        rows: 10_000,
        rules: 10_000,
        growth_rows: 0,
        soak: Duration::ZERO,
        killed: 60,
        raced: 20,
        faults: Duration::from_secs(2),
        starts: 2,
        log_files: 64,
    };
}
