//! What a check of the audit log says.

use chrono::{DateTime, Utc};
use domain::names::UnknownName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What can be wrong with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogCheck {
    /// An entry, or the link that seals it, is not what was sealed.
    EntryAltered,
    /// A sealed entry is not there.
    EntryMissing,
    /// An entry is there that was never to be sealed: somebody slipped it in, or took its link away.
    EntryNotSealed,
    /// An entry that waits for its seal is not there.
    EntryLost,
    /// A link does not go on from the one before it.
    LinkBroken,
    /// Links are missing in the middle.
    LinksMissing,
    /// The log is shorter than its anchor says.
    TailMissing,
    /// The log is another than its anchor says: it was written anew.
    ChainRewritten,
    /// A line of an anchor is not what was written.
    AnchorLineInvalid,
    /// There is a log, and no anchor to compare it with.
    AnchorMissing,
}

impl LogCheck {
    /// All checks.
    pub const ALL: &'static [Self] = &[
        Self::EntryAltered,
        Self::EntryMissing,
        Self::EntryNotSealed,
        Self::EntryLost,
        Self::LinkBroken,
        Self::LinksMissing,
        Self::TailMissing,
        Self::ChainRewritten,
        Self::AnchorLineInvalid,
        Self::AnchorMissing,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EntryAltered => "entry_altered",
            Self::EntryMissing => "entry_missing",
            Self::EntryNotSealed => "entry_not_sealed",
            Self::EntryLost => "entry_lost",
            Self::LinkBroken => "link_broken",
            Self::LinksMissing => "links_missing",
            Self::TailMissing => "tail_missing",
            Self::ChainRewritten => "chain_rewritten",
            Self::AnchorLineInvalid => "anchor_line_invalid",
            Self::AnchorMissing => "anchor_missing",
        }
    }
}

impl std::str::FromStr for LogCheck {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let mut all = Self::ALL.iter().copied();
        all.find(|check| check.as_str() == text).ok_or(UnknownName)
    }
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDifference {
    /// What is wrong.
    pub check: LogCheck,
    /// Where in the chain, if a place can be told.
    pub sequence: Option<i64>,
    /// The entry, if one can be told.
    pub entry_id: Option<Uuid>,
    /// A sentence.
    pub detail: String,
}

/// The greatest place that an anchor names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchoredHead {
    /// The place.
    pub sequence: i64,
    /// When its line was written.
    pub written_at: DateTime<Utc>,
}

/// What a check of the log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReport {
    /// When it began; all of it is about that moment.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How many links were recomputed.
    pub sealed: i64,
    /// How many entries wait for their seal.
    pub waiting: i64,
    /// The place of the last link; 0 for an empty chain.
    pub ends_at: i64,
    /// What the anchors say at most.
    pub anchored: Option<AnchoredHead>,
    /// How many differences there are in all.
    pub differences: i64,
    /// The first of them.
    pub named: Vec<LogDifference>,
}

impl LogReport {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differences == 0
    }

    /// Notes a difference; beyond `limit` they are only counted.
    pub(super) fn found(&mut self, limit: u16, difference: LogDifference) {
        self.differences += 1;
        if self.named.len() < usize::from(limit) {
            self.named.push(difference);
        }
    }
}
