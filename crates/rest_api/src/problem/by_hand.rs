//! The refusals of what operators and members do by hand, and their places in the catalogue.

use http_kit::problem::{Problem, ProblemCode};
use services::auth::factors::ResetFactorsError;
use services::fraud::CaseError;
use services::loyalty::adjustments::AdjustmentError;
use services::loyalty::transfer::TransferError;
use services::members::office::{BlockError, ChangeRoleError, FindError};

use super::ApiError;

impl From<AdjustmentError> for ApiError {
    fn from(error: AdjustmentError) -> Self {
        match error {
            AdjustmentError::Access(error) => error.into(),
            AdjustmentError::Idempotency(error) => error.into(),
            AdjustmentError::UnknownMember => ProblemCode::UnknownMember.into(),
            AdjustmentError::UnknownBusiness => ProblemCode::UnknownBusiness.into(),
            AdjustmentError::OwnAccount => ProblemCode::OwnAccount.into(),
            AdjustmentError::SecondPersonRequired => ProblemCode::SecondPersonRequired.into(),
            AdjustmentError::AlreadyDecided => ProblemCode::AlreadyDecided.into(),
            AdjustmentError::Unknown => ProblemCode::NotFound.into(),
            AdjustmentError::Wallet(error) => error.into(),
            AdjustmentError::Store(error) => error.into(),
        }
    }
}

impl From<TransferError> for ApiError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Idempotency(error) => error.into(),
            TransferError::UnknownMember => ProblemCode::UnknownMember.into(),
            TransferError::Blocked => ProblemCode::MemberBlocked.into(),
            TransferError::ToOneself => Problem::new(ProblemCode::TransferNotAllowed)
                .detail("nobody gives points to himself")
                .detail_ru("передать баллы самому себе нельзя")
                .into(),
            TransferError::TooFew { least } => Problem::new(ProblemCode::AmountOutOfRange)
                .member("least", least.hundredths())
                .into(),
            TransferError::DailyLimit { left } => Problem::new(ProblemCode::TransferLimitReached)
                .member("left", left.hundredths())
                .into(),
            TransferError::StepUpRequired => ProblemCode::StepUpRequired.into(),
            TransferError::Wallet(error) => error.into(),
            TransferError::Store(error) => error.into(),
        }
    }
}

impl From<FindError> for ApiError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Access(error) => error.into(),
            FindError::Unknown => ProblemCode::NotFound.into(),
            FindError::Store(error) => error.into(),
        }
    }
}

impl From<CaseError> for ApiError {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::Access(error) => error.into(),
            CaseError::Unknown => ProblemCode::NotFound.into(),
            CaseError::AlreadyClosed => ProblemCode::AlreadyDecided.into(),
            CaseError::Store(error) => error.into(),
        }
    }
}

impl From<BlockError> for ApiError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Access(error) => error.into(),
            BlockError::Unknown => ProblemCode::NotFound.into(),
            BlockError::Oneself => ProblemCode::OwnAccount.into(),
            BlockError::AlreadySo => ProblemCode::Conflict.into(),
            BlockError::Store(error) => error.into(),
        }
    }
}

impl From<ResetFactorsError> for ApiError {
    fn from(error: ResetFactorsError) -> Self {
        match error {
            ResetFactorsError::Access(error) => error.into(),
            ResetFactorsError::Unknown => ProblemCode::NotFound.into(),
            ResetFactorsError::Oneself => ProblemCode::OwnAccount.into(),
            ResetFactorsError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeRoleError> for ApiError {
    fn from(error: ChangeRoleError) -> Self {
        match error {
            ChangeRoleError::Access(error) => error.into(),
            ChangeRoleError::UnknownMember => ProblemCode::UnknownMember.into(),
            ChangeRoleError::OwnRole => ProblemCode::OwnAccount.into(),
            ChangeRoleError::LastAdmin => ProblemCode::LastAdmin.into(),
            ChangeRoleError::Store(error) => error.into(),
        }
    }
}
