//! The double entry: journals whose entries sum to zero, in points.
//!
//! A member's points are what the coalition owes: accounts of members grow when points are given, and the accounts of
//! whoever gave them (issued) fall by the same. Spending moves points from the member to the business that honours
//! them. Debt stands below zero: it is what a refund took beyond what the member had.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lot::Funder;
use crate::ids::{BusinessId, JournalId, LotId, MemberId};
use crate::money::{Overflow, Points};

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Points that the member can spend.
    MemberAvailable(MemberId),
    /// Points that are not active yet.
    MemberPending(MemberId),
    /// Points set aside for a checkout.
    MemberHeld(MemberId),
    /// Points owed by the member; zero or below.
    MemberDebt(MemberId),
    /// Points given at a business's expense; zero or below.
    BusinessIssued(BusinessId),
    /// Points that members spent at a business.
    BusinessHonoured(BusinessId),
    /// Points given at the programme's expense; zero or below.
    ProgrammeIssued,
    /// Points that expired.
    ProgrammeBreakage,
}

impl Account {
    /// The account from which a funder's points are given.
    #[must_use]
    pub fn issued_by(funder: Funder) -> Self {
        funder
            .business()
            .map_or(Self::ProgrammeIssued, Self::BusinessIssued)
    }

    /// The word used in the table.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::MemberAvailable(_) => "member_available",
            Self::MemberPending(_) => "member_pending",
            Self::MemberHeld(_) => "member_held",
            Self::MemberDebt(_) => "member_debt",
            Self::BusinessIssued(_) => "business_issued",
            Self::BusinessHonoured(_) => "business_honoured",
            Self::ProgrammeIssued => "programme_issued",
            Self::ProgrammeBreakage => "programme_breakage",
        }
    }

    /// The member whose account it is.
    #[must_use]
    pub fn member(self) -> Option<MemberId> {
        match self {
            Self::MemberAvailable(id)
            | Self::MemberPending(id)
            | Self::MemberHeld(id)
            | Self::MemberDebt(id) => Some(id),
            _ => None,
        }
    }

    /// The business whose account it is.
    #[must_use]
    pub fn business(self) -> Option<BusinessId> {
        match self {
            Self::BusinessIssued(id) | Self::BusinessHonoured(id) => Some(id),
            _ => None,
        }
    }
}

/// Why points moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JournalKind {
    /// Points were given.
    Accrual,
    /// Pending points became available.
    Activation,
    /// Points paid a part of a bill.
    Redemption,
    /// Points were set aside.
    Hold,
    /// Points set aside paid a part of a bill.
    Capture,
    /// Points set aside came back.
    Release,
    /// Points expired.
    Expiry,
    /// A refund took points back.
    Clawback,
    /// A refund gave spent points back.
    Restoration,
    /// Points just gained paid debt.
    DebtPayment,
    /// Points were given or taken by hand.
    Adjustment,
    /// Points went to another member.
    TransferOut,
    /// Points came from another member.
    TransferIn,
}

impl JournalKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Accrual,
        Self::Activation,
        Self::Redemption,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::Expiry,
        Self::Clawback,
        Self::Restoration,
        Self::DebtPayment,
        Self::Adjustment,
        Self::TransferOut,
        Self::TransferIn,
    ];

    /// The word used in tables and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accrual => "accrual",
            Self::Activation => "activation",
            Self::Redemption => "redemption",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Expiry => "expiry",
            Self::Clawback => "clawback",
            Self::Restoration => "restoration",
            Self::DebtPayment => "debt_payment",
            Self::Adjustment => "adjustment",
            Self::TransferOut => "transfer_out",
            Self::TransferIn => "transfer_in",
        }
    }
}

/// One line of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account it moves.
    pub account: Account,
    /// The lot it moves, for the member's accounts but debt.
    pub lot: Option<LotId>,
    /// By how much; never zero.
    pub amount: Points,
}

/// Where a journal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The business at which it happened.
    pub business: Option<BusinessId>,
    /// The purchase, refund, hold or other cause.
    pub source: Option<Uuid>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// One movement of points. Its entries sum to zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Its identifier.
    pub id: JournalId,
    /// Why points moved.
    pub kind: JournalKind,
    /// Whose points moved.
    pub member: MemberId,
    /// Where it comes from.
    pub cause: Cause,
    entries: Vec<Entry>,
}

/// A journal that may not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Its entries do not sum to zero.
    #[error("the entries of a journal must sum to zero")]
    Unbalanced,
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl Journal {
    /// A journal of these entries; entries of zero are left out.
    ///
    /// # Errors
    /// [`JournalError::Unbalanced`] unless the entries sum to zero.
    pub fn new(
        id: JournalId,
        kind: JournalKind,
        member: MemberId,
        cause: Cause,
        entries: Vec<Entry>,
    ) -> Result<Self, JournalError> {
        if !Points::sum(entries.iter().map(|entry| entry.amount))?.is_zero() {
            return Err(JournalError::Unbalanced);
        }
        let entries = entries
            .into_iter()
            .filter(|entry| !entry.amount.is_zero())
            .collect();
        Ok(Self {
            id,
            kind,
            member,
            cause,
            entries,
        })
    }

    /// The entries, none of them zero.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
