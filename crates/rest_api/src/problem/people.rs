//! What can go wrong with what a member says of himself and decides.

use http_kit::problem::{Problem, ProblemCode};
use serde_json::json;
use services::members::{ConsentError, ConsentGateError, DeviceError, PreferencesError};

use super::ApiError;

impl From<ConsentError> for ApiError {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::TextChanged { kind } => Problem::new(ProblemCode::ConsentTextChanged)
                .member("kind", kind.as_str())
                .into(),
            ConsentError::Store(error) => error.into(),
        }
    }
}

impl From<ConsentGateError> for ApiError {
    fn from(error: ConsentGateError) -> Self {
        match error {
            ConsentGateError::Missing(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                Problem::new(ProblemCode::ConsentRequired)
                    .member("missing", json!(names))
                    .into()
            }
            ConsentGateError::Store(error) => error.into(),
        }
    }
}

impl From<PreferencesError> for ApiError {
    fn from(error: PreferencesError) -> Self {
        match error {
            PreferencesError::Stale => ProblemCode::PreconditionFailed.into(),
            PreferencesError::Consent(error) => error.into(),
            PreferencesError::Store(error) => error.into(),
        }
    }
}

impl From<DeviceError> for ApiError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Unknown => ProblemCode::NotFound.into(),
            DeviceError::Consent(error) => error.into(),
            DeviceError::Store(error) => error.into(),
        }
    }
}
