//! What the posting path refused, as the verdict of a row. Pure.

use domain::loyalty::basket::BasketError;
use domain::loyalty::purchase::PurchaseRefusal;
use domain::loyalty::wallet::WalletError;
use store::import_verdicts::VerdictRow;
use uuid::Uuid;

use super::row::{Row, RowCode, RowFault};
use crate::loyalty::posting::PostRefusal;
use crate::members::Unresolved;

/// What becomes of a row that is not posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same purchase is there already, as this transaction if it is one.
    Duplicate(Option<Uuid>),
    /// It can't be posted; with the transaction that has its receipt, if that is why.
    Refused(RowFault, Option<Uuid>),
}

impl Verdict {
    /// The verdict on a row whose receipt is there already.
    pub(super) fn seen(is_same: bool, transaction: Option<Uuid>) -> Self {
        if is_same {
            return Self::Duplicate(transaction);
        }
        let fault = RowFault::whole(
            RowCode::ReceiptConflict,
            "the receipt was posted before, for another member or another amount",
        );
        Self::Refused(fault, transaction)
    }

    /// As it is kept.
    pub(super) fn kept(self, row: &Row) -> VerdictRow {
        let (verdict, fault, transaction_id) = match self {
            Self::Duplicate(transaction) => {
                let fault =
                    RowFault::whole(RowCode::Duplicate, "the same purchase was posted before");
                ("duplicate", fault, transaction)
            }
            Self::Refused(fault, transaction) => ("refused", fault, transaction),
        };
        VerdictRow {
            row_number: row.number,
            line: row.line,
            verdict: verdict.to_owned(),
            code: fault.code.as_str().to_owned(),
            place: fault.place,
            detail: fault.detail,
            receipt_number: row.receipt_number.clone(),
            transaction_id,
        }
    }
}

/// A refusal as the fault of a row. [`PostRefusal::ReceiptSeen`] has a verdict of its own.
pub(super) fn fault_of(refusal: &PostRefusal) -> RowFault {
    let code = match refusal {
        PostRefusal::BusinessNotActive => RowCode::BusinessSuspended,
        PostRefusal::UnknownLocation => RowCode::UnknownLocation,
        PostRefusal::Member(Unresolved::Unknown) => RowCode::UnknownMember,
        PostRefusal::Member(Unresolved::InvalidCode) | PostRefusal::CodeUsed => {
            RowCode::InvalidMemberCode
        }
        PostRefusal::OwnAccount => RowCode::OwnAccount,
        PostRefusal::Basket(error) => basket_code(error),
        PostRefusal::ReceiptSeen { .. } => RowCode::ReceiptConflict,
        PostRefusal::Purchase(refusal) => purchase_code(refusal),
        // Rows are purchases and have no keys.
        PostRefusal::Idempotency(_)
        | PostRefusal::UnknownPurchase
        | PostRefusal::Refund(_)
        | PostRefusal::UnknownHold
        | PostRefusal::ReferenceUsed { .. } => RowCode::Internal,
    };
    RowFault::whole(code, &refusal.to_string())
}

fn basket_code(error: &BasketError) -> RowCode {
    match error {
        BasketError::LineCount => RowCode::BadFormat,
        BasketError::Negative(_) => RowCode::AmountOutOfRange,
        BasketError::UnknownCategory { .. } => RowCode::UnknownCategory,
        BasketError::TotalMismatch { .. } => RowCode::TotalMismatch,
        BasketError::Overflow(_) => RowCode::Overflow,
    }
}

fn purchase_code(refusal: &PurchaseRefusal) -> RowCode {
    match refusal {
        PurchaseRefusal::MemberClosed => RowCode::MemberBlocked,
        PurchaseRefusal::MemberNotJoined
        | PurchaseRefusal::ProofRequired
        | PurchaseRefusal::OverShareCap { .. }
        | PurchaseRefusal::UnknownHold => RowCode::SpendingNotAllowed,
        PurchaseRefusal::TooLate => RowCode::TooOld,
        PurchaseRefusal::InFuture => RowCode::PostedInFuture,
        PurchaseRefusal::Wallet(error) => match error {
            WalletError::NotEnoughPoints { .. }
            | WalletError::SpendingWaits { .. }
            | WalletError::NotPositive
            | WalletError::HoldNotActive
            | WalletError::OverHold => RowCode::SpendingNotAllowed,
            WalletError::Overflow(_) => RowCode::Overflow,
            WalletError::LotsNotLoaded | WalletError::Unbalanced => RowCode::Internal,
        },
    }
}
