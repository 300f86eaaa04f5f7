//! The refusals of reading points and of running the programme, and their places in the catalogue.

use domain::loyalty::tier::LadderError;
use http_kit::problem::{FieldError, Problem, ProblemCode};
use services::loyalty::balance::ReadWalletError;
use services::loyalty::earning_rules::RuleError;
use services::loyalty::ladder::SetLadderError;
use services::loyalty::lookup::MemberAtTillError;
use services::members::LookupError;
use services::programme::ChangeProgrammeError;

use super::ApiError;
use crate::wire::{faults, field};

impl From<ReadWalletError> for ApiError {
    fn from(error: ReadWalletError) -> Self {
        match error {
            ReadWalletError::UnknownMember => ProblemCode::NotFound.into(),
            ReadWalletError::Broken(error) => Problem::internal(&error).into(),
            ReadWalletError::Store(error) => error.into(),
        }
    }
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Access(error) => error.into(),
            LookupError::NotFound(error) => error.into(),
            LookupError::Store(error) => error.into(),
        }
    }
}

impl From<MemberAtTillError> for ApiError {
    fn from(error: MemberAtTillError) -> Self {
        match error {
            MemberAtTillError::Lookup(error) => error.into(),
            MemberAtTillError::Wallet(error) => error.into(),
            MemberAtTillError::Store(error) => error.into(),
        }
    }
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::Access(error) => error.into(),
            RuleError::UnknownRule => ProblemCode::NotFound.into(),
            RuleError::UnknownBusiness => ProblemCode::UnknownBusiness.into(),
            RuleError::Stale { .. } => ProblemCode::PreconditionFailed.into(),
            RuleError::Invalid(found) => {
                let errors = found.iter().map(|fault| FieldError {
                    pointer: format!("/definition{}", fault.pointer),
                    code: "invalid_value".into(),
                    detail: format!("must be {}", fault.allowed),
                });
                Problem::invalid_fields(errors.collect()).into()
            }
            RuleError::Dates => field("/effective_from", "out_of_range", error.to_string()).into(),
            RuleError::Store(error) => error.into(),
        }
    }
}

impl From<SetLadderError> for ApiError {
    fn from(error: SetLadderError) -> Self {
        match error {
            SetLadderError::Access(error) => error.into(),
            SetLadderError::Invalid(error) => ladder_fault(&error).into(),
            SetLadderError::Stale => ProblemCode::PreconditionFailed.into(),
            SetLadderError::TierInUse => ProblemCode::TierInUse.into(),
            SetLadderError::Store(error) => error.into(),
        }
    }
}

fn ladder_fault(error: &LadderError) -> Problem {
    let at = |index: &usize, name: &str| format!("/tiers/{index}{name}");
    let (pointer, code) = match error {
        LadderError::Count => ("/tiers".to_owned(), "out_of_range"),
        LadderError::Code(index) => (at(index, "/code"), "invalid_value"),
        LadderError::Threshold(index) => (at(index, "/threshold"), "out_of_range"),
        LadderError::Name(index) => (at(index, "/name_ru"), "bad_format"),
        LadderError::Perk(index) => (at(index, ""), "out_of_range"),
    };
    Problem::invalid_fields(vec![FieldError {
        pointer,
        code: code.into(),
        detail: error.to_string(),
    }])
}

impl From<ChangeProgrammeError> for ApiError {
    fn from(error: ChangeProgrammeError) -> Self {
        match error {
            ChangeProgrammeError::Access(error) => error.into(),
            ChangeProgrammeError::Stale => ProblemCode::PreconditionFailed.into(),
            ChangeProgrammeError::Locked => ProblemCode::SettingLocked.into(),
            ChangeProgrammeError::Invalid(found) => faults(&found).into(),
            ChangeProgrammeError::Store(error) => error.into(),
        }
    }
}
