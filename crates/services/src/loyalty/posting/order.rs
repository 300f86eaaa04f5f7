//! What can be posted: purchases, refunds, holds and their ends.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, HoldId, LocationId, MemberId, PurchaseId};
use domain::loyalty::basket::BasketInput;
use domain::loyalty::purchase::Spend;
use domain::loyalty::refund::RefundRequest;
use domain::money::Points;
use store::purchases::PurchaseRow;
use uuid::Uuid;

use super::outcome::{HeldPoints, Refunded};
use crate::idempotency::{IdempotencyKey, Render};
use crate::members::MemberReference;

/// Something that moves points, to be posted.
#[derive(Clone, Debug)]
pub enum Order {
    /// A purchase.
    Purchase(Box<PostItem>),
    /// A refund or void of a purchase.
    Refund(Box<RefundItem>),
    /// Points to be set aside.
    MakeHold(Box<HoldItem>),
    /// Points set aside, to be taken or given back.
    EndHold(Box<EndHoldItem>),
}

impl Order {
    /// The purchase, if it is one.
    #[must_use]
    pub fn purchase(&self) -> Option<&PostItem> {
        match self {
            Self::Purchase(item) => Some(item),
            Self::Refund(_) | Self::MakeHold(_) | Self::EndHold(_) => None,
        }
    }

    /// The key under which its answer is kept.
    #[must_use]
    pub fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Self::Purchase(item) => item.idempotency.as_ref().map(|(key, _)| key),
            Self::Refund(item) => item.idempotency.as_ref().map(|(key, _)| key),
            Self::MakeHold(item) => item.idempotency.as_ref().map(|(key, _)| key),
            Self::EndHold(item) => item.idempotency.as_ref().map(|(key, _)| key),
        }
    }

    /// The businesses where it may take place.
    #[must_use]
    pub fn businesses(&self) -> &[BusinessId] {
        match self {
            Self::Purchase(item) => std::slice::from_ref(&item.business),
            Self::Refund(item) => &item.businesses,
            Self::MakeHold(item) => std::slice::from_ref(&item.business),
            Self::EndHold(item) => &item.businesses,
        }
    }
}

impl From<PostItem> for Order {
    fn from(item: PostItem) -> Self {
        Self::Purchase(Box::new(item))
    }
}

impl From<RefundItem> for Order {
    fn from(item: RefundItem) -> Self {
        Self::Refund(Box::new(item))
    }
}

impl From<HoldItem> for Order {
    fn from(item: HoldItem) -> Self {
        Self::MakeHold(Box::new(item))
    }
}

impl From<EndHoldItem> for Order {
    fn from(item: EndHoldItem) -> Self {
        Self::EndHold(Box::new(item))
    }
}

/// A purchase to be posted.
#[derive(Clone, Debug)]
pub struct PostItem {
    /// Where it was made.
    pub business: BusinessId,
    /// The outlet.
    pub location: Option<LocationId>,
    /// The cashier as the till names him.
    pub cashier: Option<String>,
    /// The cashier as a member, who can't credit the own account.
    pub cashier_member: Option<MemberId>,
    /// Unique for ever within the business.
    pub receipt_number: String,
    /// Who bought.
    pub member: MemberReference,
    /// What was bought.
    pub basket: BasketInput,
    /// The points that are to pay.
    pub spend: Spend,
    /// When it was made; none: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The import and its row that brought it, from 1. It may be of any age then.
    pub import: Option<(Uuid, i64)>,
    /// The key under which its answer is kept, and how the answer looks.
    pub idempotency: Option<(IdempotencyKey, Render<PurchaseRow>)>,
}

/// A refund to be posted.
#[derive(Clone, Debug)]
pub struct RefundItem {
    /// The caller's businesses: the purchase is of one of them.
    pub businesses: Vec<BusinessId>,
    /// The cashier as a member, who can't have points given back or taken at the own account.
    pub cashier_member: Option<MemberId>,
    /// The purchase.
    pub purchase: PurchaseId,
    /// The refund's own receipt, if the till prints one.
    pub receipt_number: Option<String>,
    /// What is refunded.
    pub request: RefundRequest,
    /// Whether the purchase is undone on its day.
    pub is_void: bool,
    /// Why, in the cashier's words.
    pub reason: String,
    /// The key under which its answer is kept, and how the answer looks.
    pub idempotency: Option<(IdempotencyKey, Render<Refunded>)>,
}

/// Points to be set aside.
#[derive(Clone, Debug)]
pub struct HoldItem {
    /// Where.
    pub business: BusinessId,
    /// The cashier as a member, who can't set own points aside.
    pub cashier_member: Option<MemberId>,
    /// The caller's name for it, unique within the business.
    pub reference: String,
    /// Whose points.
    pub member: MemberReference,
    /// How many.
    pub points: Points,
    /// How long; none: as the programme has it.
    pub minutes: Option<u32>,
    /// The key under which its answer is kept, and how the answer looks.
    pub idempotency: Option<(IdempotencyKey, Render<HeldPoints>)>,
}

/// A hold to be ended on request.
#[derive(Clone, Debug)]
pub struct EndHoldItem {
    /// The caller's businesses: the hold is of one of them.
    pub businesses: Vec<BusinessId>,
    /// The cashier as a member, who can't end a hold of the own account.
    pub cashier_member: Option<MemberId>,
    /// The hold.
    pub hold: HoldId,
    /// How it ends.
    pub end: HoldEnd,
    /// The key under which its answer is kept, and how the answer looks.
    pub idempotency: Option<(IdempotencyKey, Render<HeldPoints>)>,
}

/// How a hold ends on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEnd {
    /// So many of its points are taken, none: all; the rest goes back.
    Capture(Option<Points>),
    /// All its points go back.
    Void,
}
