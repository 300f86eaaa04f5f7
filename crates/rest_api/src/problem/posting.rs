//! The refusals of posting, refunding and holding, and their places in the catalogue.

use domain::loyalty::basket::BasketError;
use domain::loyalty::purchase::PurchaseRefusal;
use domain::loyalty::refund::RefundRefusal;
use domain::loyalty::wallet::WalletError;
use http_kit::problem::{Problem, ProblemCode};
use services::loyalty::engine::EngineError;
use services::loyalty::holds::HoldError;
use services::loyalty::post_batch::PostBatchError;
use services::loyalty::post_purchase::PostPurchaseError;
use services::loyalty::posting::PostRefusal;
use services::loyalty::refund_purchase::RefundPurchaseError;
use services::loyalty::transactions::ReadPurchaseError;
use services::members::Unresolved;

use super::{ApiError, waiting};

impl From<PostPurchaseError> for ApiError {
    fn from(error: PostPurchaseError) -> Self {
        match error {
            PostPurchaseError::Access(error) => error.into(),
            PostPurchaseError::Refused(refusal) => refusal.into(),
            PostPurchaseError::Engine(error) => error.into(),
            PostPurchaseError::Store(error) => error.into(),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Overloaded { retry_after } => {
                waiting(ProblemCode::Overloaded, retry_after)
            }
            EngineError::Stopping | EngineError::Unavailable => {
                waiting(ProblemCode::Unavailable, 1)
            }
            EngineError::Panicked => Problem::internal(&error).into(),
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<PostBatchError> for ApiError {
    fn from(error: PostBatchError) -> Self {
        match error {
            PostBatchError::Access(error) | PostBatchError::Item { source: error, .. } => {
                error.into()
            }
            PostBatchError::Idempotency(error) => error.into(),
            PostBatchError::Engine(error) => error.into(),
            PostBatchError::Store(error) => error.into(),
        }
    }
}

impl From<PostRefusal> for ApiError {
    fn from(refusal: PostRefusal) -> Self {
        match refusal {
            PostRefusal::BusinessNotActive => ProblemCode::BusinessSuspended.into(),
            PostRefusal::UnknownLocation => ProblemCode::UnknownLocation.into(),
            PostRefusal::Member(error) => error.into(),
            PostRefusal::CodeUsed => ProblemCode::InvalidMemberCode.into(),
            PostRefusal::OwnAccount => ProblemCode::OwnAccount.into(),
            PostRefusal::Basket(error) => error.into(),
            PostRefusal::ReceiptSeen { transaction } => {
                Problem::new(ProblemCode::ReceiptAlreadyPosted)
                    .member("transaction_id", transaction.to_string())
                    .into()
            }
            PostRefusal::Idempotency(error) => error.into(),
            PostRefusal::Purchase(refusal) => refusal.into(),
            PostRefusal::UnknownPurchase | PostRefusal::UnknownHold => ProblemCode::NotFound.into(),
            PostRefusal::Refund(refusal) => refusal.into(),
            PostRefusal::ReferenceUsed { hold } => Problem::new(ProblemCode::HoldReferenceUsed)
                .member("hold_id", hold.to_string())
                .into(),
        }
    }
}

impl From<Unresolved> for ApiError {
    fn from(error: Unresolved) -> Self {
        match error {
            Unresolved::Unknown => ProblemCode::UnknownMember.into(),
            Unresolved::InvalidCode => ProblemCode::InvalidMemberCode.into(),
        }
    }
}

impl From<BasketError> for ApiError {
    fn from(error: BasketError) -> Self {
        match error {
            BasketError::LineCount | BasketError::Negative(_) => {
                Problem::new(ProblemCode::AmountOutOfRange)
                    .detail(error.to_string())
                    .into()
            }
            BasketError::UnknownCategory { index } => Problem::new(ProblemCode::UnknownCategory)
                .member("pointer", format!("/lines/{index}/category"))
                .into(),
            BasketError::TotalMismatch { stated, sum } => Problem::new(ProblemCode::TotalMismatch)
                .member("total", stated.hundredths())
                .member("sum_of_parts", sum.hundredths())
                .into(),
            BasketError::Overflow(_) => ProblemCode::Overflow.into(),
        }
    }
}

impl From<PurchaseRefusal> for ApiError {
    fn from(refusal: PurchaseRefusal) -> Self {
        match refusal {
            PurchaseRefusal::MemberClosed => ProblemCode::MemberBlocked.into(),
            PurchaseRefusal::MemberNotJoined => ProblemCode::MemberNotJoined.into(),
            PurchaseRefusal::ProofRequired => ProblemCode::ProofRequired.into(),
            PurchaseRefusal::OverShareCap { asked, most } => {
                Problem::new(ProblemCode::PointsShareExceeded)
                    .member("asked", asked.hundredths())
                    .member("max_points", most.hundredths())
                    .into()
            }
            PurchaseRefusal::UnknownHold => ProblemCode::UnknownHold.into(),
            PurchaseRefusal::TooLate => ProblemCode::TooOld.into(),
            PurchaseRefusal::InFuture => ProblemCode::PostedInFuture.into(),
            PurchaseRefusal::Wallet(error) => error.into(),
        }
    }
}

impl From<WalletError> for ApiError {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::NotEnoughPoints { asked, available } => {
                Problem::new(ProblemCode::NotEnoughPoints)
                    .member("asked", asked.hundredths())
                    .member("available", available.hundredths())
                    .into()
            }
            WalletError::SpendingWaits { until } => Problem::new(ProblemCode::SpendingWaits)
                .member("until", until.to_rfc3339())
                .into(),
            WalletError::NotPositive => ProblemCode::AmountOutOfRange.into(),
            WalletError::HoldNotActive => ProblemCode::HoldNotOpen.into(),
            WalletError::OverHold => ProblemCode::CaptureExceedsHold.into(),
            WalletError::Overflow(_) => ProblemCode::Overflow.into(),
            WalletError::LotsNotLoaded | WalletError::Unbalanced => {
                Problem::internal(&error).into()
            }
        }
    }
}

impl From<RefundPurchaseError> for ApiError {
    fn from(error: RefundPurchaseError) -> Self {
        match error {
            RefundPurchaseError::Access(error) => error.into(),
            RefundPurchaseError::Refused(refusal) => refusal.into(),
            RefundPurchaseError::Engine(error) => error.into(),
        }
    }
}

impl From<RefundRefusal> for ApiError {
    fn from(refusal: RefundRefusal) -> Self {
        match refusal {
            RefundRefusal::OverSale { left } => Problem::new(ProblemCode::RefundExceedsSale)
                .member("refundable", left.hundredths())
                .into(),
            RefundRefusal::UnknownLine { index } => Problem::new(ProblemCode::UnknownLine)
                .member("pointer", format!("/lines/{index}/line"))
                .into(),
            RefundRefusal::AlreadyRefunded => ProblemCode::AlreadyRefunded.into(),
            RefundRefusal::NotPositive => ProblemCode::AmountOutOfRange.into(),
            RefundRefusal::VoidTooLate => ProblemCode::VoidTooLate.into(),
            RefundRefusal::Wallet(error) => error.into(),
        }
    }
}

impl From<ReadPurchaseError> for ApiError {
    fn from(error: ReadPurchaseError) -> Self {
        match error {
            ReadPurchaseError::Access(error) => error.into(),
            ReadPurchaseError::UnknownPurchase => ProblemCode::NotFound.into(),
            ReadPurchaseError::Store(error) => error.into(),
        }
    }
}

impl From<HoldError> for ApiError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Access(error) => error.into(),
            HoldError::Refused(refusal) => refusal.into(),
            HoldError::Engine(error) => error.into(),
        }
    }
}
