//! What becomes of orders: what was posted, or why not.

use chrono::{DateTime, Utc};
use domain::ids::{HoldId, MemberId, RuleId};
use domain::limits::Suspicion;
use domain::loyalty::basket::BasketError;
use domain::loyalty::earning::Unmet;
use domain::loyalty::purchase::PurchaseRefusal;
use domain::loyalty::refund::RefundRefusal;
use domain::loyalty::wallet::{Hold, Wallet, WalletError};
use domain::money::Points;
use store::purchases::PurchaseRow;
use store::refunds::RefundRow;
use uuid::Uuid;

use crate::idempotency::{Answer, Answered, IdempotencyError};
use crate::members::Unresolved;

/// What a purchase would do, were it posted now.
#[derive(Debug)]
pub struct Quoted {
    /// The purchase, or why it would be refused.
    pub outcome: Result<Posted, PostRefusal>,
    /// The points (hundredths) that the person at the till, if one stands there, credited in this hour.
    pub hour_points: i64,
}

/// A posted purchase with what the member has after it.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The purchase.
    pub purchase: PurchaseRow,
    /// What the member has after it.
    pub balance: Balance,
    /// The tier's measure after it.
    pub measure: i64,
    /// The most points that could have paid.
    pub max_points: Points,
    /// The rules that gave nothing, with the reason.
    pub unmet: Vec<(RuleId, Unmet)>,
    /// How often the person at the till has credited the member today, this time included; none where no person did.
    pub credits_today: Option<u32>,
}

/// What a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Points that can be spent.
    pub available: Points,
    /// Points not yet active.
    pub pending: Points,
    /// Points set aside.
    pub held: Points,
    /// Points owed.
    pub debt: Points,
}

impl Balance {
    /// What the wallet has.
    #[must_use]
    pub fn of(wallet: &Wallet) -> Self {
        Self {
            available: wallet.available,
            pending: wallet.pending,
            held: wallet.held,
            debt: wallet.debt,
        }
    }
}

/// A posted refund with what the member has after it.
#[derive(Clone, Debug)]
pub struct Refunded {
    /// The refund.
    pub refund: RefundRow,
    /// Who had bought.
    pub member: MemberId,
    /// Whether nothing is left of the sale.
    pub complete: bool,
    /// What the member has after it.
    pub balance: Balance,
}

/// A hold with what the member has beside it.
#[derive(Clone, Debug)]
pub struct HeldPoints {
    /// The hold.
    pub hold: Hold,
    /// Whose points.
    pub member: MemberId,
    /// What the member has.
    pub balance: Balance,
}

/// What became of an order; with the answer that was kept, if it had a key.
#[derive(Clone, Debug)]
pub enum PostOutcome {
    /// A purchase was posted.
    Posted(Box<Posted>, Option<Answer>),
    /// A refund was posted.
    Refunded(Box<Refunded>, Option<Answer>),
    /// A hold was made or ended.
    Held(Box<HeldPoints>, Option<Answer>),
    /// The order had been carried out before under the same key.
    Replayed(Answer),
}

impl PostOutcome {
    /// The answer, of an order that had a key.
    #[must_use]
    pub fn answered(self) -> Option<Answered> {
        let (answer, replayed) = match self {
            Self::Posted(_, answer) | Self::Refunded(_, answer) | Self::Held(_, answer) => {
                (answer?, false)
            }
            Self::Replayed(answer) => (answer, true),
        };
        Some(Answered { answer, replayed })
    }

    /// Whose points were moved, of an order that was carried out now.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Self::Posted(posted, _) => Some(posted.purchase.member_id.into()),
            Self::Refunded(refunded, _) => Some(refunded.member),
            Self::Held(held, _) => Some(held.member),
            Self::Replayed(_) => None,
        }
    }
}

/// Why one order was refused. It changed nothing, and the other orders of its group go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostRefusal {
    /// The business is not let in, or suspended.
    #[error("the business does not take part at the moment")]
    BusinessNotActive,
    /// The business has no such outlet.
    #[error("unknown location")]
    UnknownLocation,
    /// Nobody was found.
    #[error(transparent)]
    Member(#[from] Unresolved),
    /// The rotating code has paid before.
    #[error("the code of the member was used before")]
    CodeUsed,
    /// Nobody at a till moves points of the own account.
    #[error("nobody at a till moves points of the own account")]
    OwnAccount,
    /// Too much is earned, or by the same hand.
    #[error("a limit at the till is reached: {suspicion}")]
    TooMuch {
        /// Which limit.
        suspicion: Suspicion,
        /// Whose limit, if it is a member's.
        member: Option<MemberId>,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// What was bought does not add up.
    #[error(transparent)]
    Basket(#[from] BasketError),
    /// The receipt belongs to another transaction.
    #[error("the receipt was posted before")]
    ReceiptSeen {
        /// That transaction.
        transaction: Uuid,
    },
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The rules refuse it.
    #[error(transparent)]
    Purchase(#[from] PurchaseRefusal),
    /// There is no such purchase at the caller's businesses.
    #[error("unknown purchase")]
    UnknownPurchase,
    /// The rules refuse the refund.
    #[error(transparent)]
    Refund(#[from] RefundRefusal),
    /// There is no such hold at the caller's businesses.
    #[error("unknown hold")]
    UnknownHold,
    /// The business has used the reference for another hold.
    #[error("the reference was used for another hold")]
    ReferenceUsed {
        /// That hold.
        hold: HoldId,
    },
}

impl From<WalletError> for PostRefusal {
    fn from(error: WalletError) -> Self {
        Self::Purchase(error.into())
    }
}
