//! From the errors of use cases to the catalogue of problems (`http_kit::problem_codes`): one `From` for each use
//! case's error, without a catch-all arm, so that a new error has to find its answer here.

mod by_hand;
mod people;
mod posting;
mod programme;
mod upkeep;

use axum::response::{IntoResponse, Response};
use domain::password::PasswordError;
use http_kit::problem::{Problem, ProblemCode};
use services::StoreError;
use services::auth::change_phone::ChangePhoneError;
use services::auth::code_stops::CodeStopError;
use services::auth::factors::FactorError;
use services::auth::integration_keys::IntegrationKeyError;
use services::auth::refresh::RefreshError;
use services::auth::request_code::RequestCodeError;
use services::auth::sessions::EndSessionError;
use services::auth::sign_in::SignInError;
use services::businesses::{ChangeBusinessError, CreateBusinessError, LocationError, StaffError};
use services::caller::AccessError;
use services::idempotency::IdempotencyError;
use services::imports::layout::FileFault;
use services::imports::show::ShowImportError;
use services::imports::upload::UploadError;
use services::members::ProfileError;

use crate::wire::{faults, field};

/// The problem that a handler answers with; `?` makes it from every use case's error.
#[derive(Clone, Debug)]
pub struct ApiError(pub Problem);

/// The result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ProblemCode> for ApiError {
    fn from(code: ProblemCode) -> Self {
        Self(Problem::new(code))
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self(if error.is_unavailable() || error.is_retryable() {
            tracing::warn!(%error, "the database cannot serve a request");
            Problem::unavailable(1)
        } else {
            Problem::internal(&error)
        })
    }
}

impl From<IdempotencyError> for ApiError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::InFlight => Problem::new(ProblemCode::IdempotencyInFlight)
                .retry_after(1)
                .into(),
            IdempotencyError::OtherBody => ProblemCode::IdempotencyKeyReused.into(),
        }
    }
}

impl From<RequestCodeError> for ApiError {
    fn from(error: RequestCodeError) -> Self {
        match error {
            RequestCodeError::PhoneNotServed => ProblemCode::PhoneNotAccepted.into(),
            RequestCodeError::TooMany { retry_after } => {
                waiting(ProblemCode::CodeAlreadySent, retry_after)
            }
            RequestCodeError::LimitReached { limit, retry_after } => {
                Problem::new(ProblemCode::TooManyRequests)
                    .member("violated-policies", vec![format!("codes_by_{limit}")])
                    .retry_after(retry_after.into())
                    .into()
            }
            RequestCodeError::Stopped { retry_after }
            | RequestCodeError::BudgetUsedUp { retry_after } => {
                waiting(ProblemCode::Unavailable, retry_after)
            }
            RequestCodeError::NotCounted {
                reason,
                retry_after,
            } => {
                tracing::error!(reason, "the limits of codes cannot be counted");
                waiting(ProblemCode::Unavailable, retry_after)
            }
            RequestCodeError::NoProvider => waiting(ProblemCode::Unavailable, 60),
            RequestCodeError::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCode => ProblemCode::SignInFailed.into(),
            SignInError::TooMany { retry_after } => {
                waiting(ProblemCode::AccountLocked, retry_after)
            }
            SignInError::Blocked => ProblemCode::MemberBlocked.into(),
            SignInError::Busy => waiting(ProblemCode::Overloaded, 1),
            SignInError::Store(error) => error.into(),
        }
    }
}

impl From<FactorError> for ApiError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Access(error) => error.into(),
            FactorError::EnrolmentCodeRequired => ProblemCode::EnrolmentCodeRequired.into(),
            FactorError::DoesNotFit => ProblemCode::FactorDoesNotFit.into(),
            FactorError::TooMany { retry_after } => {
                waiting(ProblemCode::AccountLocked, retry_after)
            }
            FactorError::AlreadyEnrolled => ProblemCode::FactorAlreadyEnrolled.into(),
            FactorError::TooManyPasskeys => ProblemCode::TooManyPasskeys.into(),
            FactorError::LastFactor => ProblemCode::LastFactor.into(),
            FactorError::Unknown => ProblemCode::NotFound.into(),
            FactorError::Password(error) => {
                let code = match error {
                    PasswordError::TooShort => "too_short",
                    PasswordError::TooLong => "too_long",
                    PasswordError::TooCommon => "too_common",
                };
                field("/password", code, error.to_string()).into()
            }
            FactorError::Busy => waiting(ProblemCode::Overloaded, 1),
            FactorError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePhoneError> for ApiError {
    fn from(error: ChangePhoneError) -> Self {
        match error {
            ChangePhoneError::InvalidCode => ProblemCode::SignInFailed.into(),
            ChangePhoneError::TooMany { retry_after } => {
                waiting(ProblemCode::AccountLocked, retry_after)
            }
            ChangePhoneError::Same => ProblemCode::SamePhone.into(),
            ChangePhoneError::Taken => ProblemCode::PhoneTaken.into(),
            ChangePhoneError::Unknown => ProblemCode::NotFound.into(),
            ChangePhoneError::Store(error) => error.into(),
        }
    }
}

impl From<CodeStopError> for ApiError {
    fn from(error: CodeStopError) -> Self {
        match error {
            CodeStopError::Access(error) => error.into(),
            CodeStopError::Unknown => ProblemCode::NotFound.into(),
            CodeStopError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            // Whoever holds a copy learns nothing about why it is worth nothing.
            RefreshError::Invalid | RefreshError::Reused => ProblemCode::SignInFailed.into(),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for ApiError {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::Access(error) => error.into(),
            EndSessionError::Unknown => ProblemCode::NotFound.into(),
            EndSessionError::Store(error) => error.into(),
        }
    }
}

impl From<IntegrationKeyError> for ApiError {
    fn from(error: IntegrationKeyError) -> Self {
        match error {
            IntegrationKeyError::Access(error) => error.into(),
            IntegrationKeyError::UnknownKey => ProblemCode::NotFound.into(),
            IntegrationKeyError::UnknownLocation => ProblemCode::UnknownLocation.into(),
            IntegrationKeyError::NoScopes => {
                field("/scopes", "too_few_items", error.to_string()).into()
            }
            IntegrationKeyError::ExpiresInThePast => {
                field("/expires_at", "out_of_range", error.to_string()).into()
            }
            IntegrationKeyError::Store(error) => error.into(),
        }
    }
}

impl From<ProfileError> for ApiError {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Unknown => ProblemCode::NotFound.into(),
            ProfileError::Stale => ProblemCode::PreconditionFailed.into(),
            ProfileError::ImpossibleBirthday => {
                field("/birthday", "out_of_range", error.to_string()).into()
            }
            ProfileError::Consent(error) => error.into(),
            ProfileError::Store(error) => error.into(),
        }
    }
}

impl From<CreateBusinessError> for ApiError {
    fn from(error: CreateBusinessError) -> Self {
        match error {
            CreateBusinessError::Access(error) => error.into(),
            CreateBusinessError::SlugTaken => ProblemCode::NameTaken.into(),
            CreateBusinessError::Invalid(found) => faults(&found).into(),
            CreateBusinessError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeBusinessError> for ApiError {
    fn from(error: ChangeBusinessError) -> Self {
        match error {
            ChangeBusinessError::Access(error) => error.into(),
            ChangeBusinessError::Stale => ProblemCode::PreconditionFailed.into(),
            ChangeBusinessError::Invalid(found) => faults(&found).into(),
            ChangeBusinessError::Store(error) => error.into(),
        }
    }
}

impl From<LocationError> for ApiError {
    fn from(error: LocationError) -> Self {
        match error {
            LocationError::Access(error) => error.into(),
            LocationError::ImpossiblePoint => {
                field("/point", "out_of_range", error.to_string()).into()
            }
            LocationError::TooMany => ProblemCode::TooManyLocations.into(),
            LocationError::Store(error) => error.into(),
        }
    }
}

impl From<StaffError> for ApiError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::Access(error) => error.into(),
            StaffError::UnknownPerson => ProblemCode::NotFound.into(),
            StaffError::UnknownLocation => ProblemCode::UnknownLocation.into(),
            StaffError::LastOwner => ProblemCode::LastOwner.into(),
            StaffError::Store(error) => error.into(),
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Access(error) => error.into(),
            UploadError::File(fault) => unreadable(&fault).into(),
            UploadError::AlreadyRunning { import } => Problem::new(ProblemCode::ImportRunning)
                .member("import_id", import.map(|id| id.to_string()))
                .into(),
            UploadError::Idempotency(error) => error.into(),
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<ShowImportError> for ApiError {
    fn from(error: ShowImportError) -> Self {
        match error {
            ShowImportError::Access(error) => error.into(),
            ShowImportError::Unknown => ProblemCode::NotFound.into(),
            ShowImportError::Store(error) => error.into(),
        }
    }
}

/// A file of which no row can be posted; `fault` tells programs why.
fn unreadable(fault: &FileFault) -> Problem {
    Problem::new(ProblemCode::UnreadableFile)
        .detail(fault.to_string())
        .member("fault", fault.code())
}

/// A problem that passes after so many seconds.
fn waiting(code: ProblemCode, seconds: u32) -> ApiError {
    Problem::new(code).retry_after(seconds.into()).into()
}
