//! A lot: points earned together, with one origin, one funder, one activation and one expiry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{BusinessId, LotId, MemberId};
use crate::money::Points;

/// Who pays for points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "business_id")]
pub enum Funder {
    /// The programme itself.
    Programme,
    /// One business.
    Business(BusinessId),
}

impl Funder {
    /// The funder as a table keeps it: no business means the programme.
    #[must_use]
    pub fn from_business(business: Option<BusinessId>) -> Self {
        business.map_or(Self::Programme, Self::Business)
    }

    /// The business, if one pays.
    #[must_use]
    pub fn business(self) -> Option<BusinessId> {
        match self {
            Self::Programme => None,
            Self::Business(id) => Some(id),
        }
    }
}

/// What a lot was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotOrigin {
    /// Base earning of a purchase.
    Purchase,
    /// A promotion's addition to a purchase.
    Promotion,
    /// An adjustment by hand.
    Adjustment,
    /// Given by another member.
    Transfer,
}

impl LotOrigin {
    /// The word used in tables and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Promotion => "promotion",
            Self::Adjustment => "adjustment",
            Self::Transfer => "transfer",
        }
    }

    /// The origin of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Purchase,
            Self::Promotion,
            Self::Adjustment,
            Self::Transfer,
        ]
        .into_iter()
        .find(|origin| origin.as_str() == word)
    }
}

/// Points earned together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Its identifier.
    pub id: LotId,
    /// Whose points these are.
    pub member: MemberId,
    /// What they were given for.
    pub origin: LotOrigin,
    /// The purchase or other cause.
    pub origin_id: Option<Uuid>,
    /// Who pays for them.
    pub funder: Funder,
    /// When they were earned.
    pub earned_at: DateTime<Utc>,
    /// When they can first be spent.
    pub activates_at: DateTime<Utc>,
    /// When they can no longer be spent; none: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many points it was.
    pub amount: Points,
    /// How many are neither spent, held, taken back nor expired.
    pub remaining: Points,
    /// How many have expired.
    pub expired: Points,
    /// Whether the points are still booked as pending.
    pub pending: bool,
}

impl Lot {
    /// Whether the lot's points may be spent at a moment, whatever the nightly job has done.
    #[must_use]
    pub fn is_spendable(&self, now: DateTime<Utc>) -> bool {
        self.remaining.is_positive() && self.activates_at <= now && !self.is_expired(now)
    }

    /// Whether its life is over at a moment.
    #[must_use]
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The order of spending: earliest expiry first, never-expiring last, then oldest.
    #[must_use]
    pub fn spending_order(&self) -> impl Ord + use<> {
        (
            self.expires_at.is_none(),
            self.expires_at,
            self.earned_at,
            self.id,
        )
    }

    /// The next moment at which the lot changes by itself.
    #[must_use]
    pub fn next_change_at(&self) -> Option<DateTime<Utc>> {
        if !self.remaining.is_positive() {
            None
        } else if self.pending {
            Some(self.activates_at)
        } else {
            self.expires_at
        }
    }
}
