//! What a person signs in with beside a code by text message: enrolling it, listing it, removing it. Who may change it is
//! decided in [`standing`]; the person is told of every change by a text message.

mod authenticator;
mod notice;
mod overview;
mod passkeys;
mod password;
mod recovery;
mod reset;
mod standing;

pub use authenticator::{
    NewAuthenticator, begin_authenticator, confirm_authenticator, remove_authenticator,
};
pub(super) use authenticator::{step_of, totp_of};
use notice::{Change, tell};
pub use overview::{FactorsView, overview};
pub(super) use passkeys::{CHALLENGE_LIFE, timeout_millis};
pub use passkeys::{
    EnrolPasskey, PasskeyOffer, PasskeyView, begin_passkey, enrol_passkey, list_passkeys,
    remove_passkey,
};
pub use password::set_password;
pub use recovery::{
    ENROLMENT_CODE_LIFE, RecoveryCode, issue_enrolment_code_as_system, make_recovery_codes,
};
pub(super) use recovery::{Spent, spend};
pub use reset::{HandedOut, ResetFactorsError, reset_factors};

use chrono::{DateTime, Utc};
use domain::password::PasswordError;
use store::error::StoreError;

use super::hashing::HashingError;
use super::one_time_code::seconds_until;
use crate::caller::AccessError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// The caller has to prove first who it is, with what it has.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Somebody who runs the programme enrols the first factor with a code from the command line.
    #[error("the first factor of an operator wants an enrolment code")]
    EnrolmentCodeRequired,
    /// The passkey's answer, or the authenticator's code, does not fit.
    #[error("the passkey's answer or the code does not fit")]
    DoesNotFit,
    /// Too many codes that did not fit.
    #[error("too many codes that did not fit")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The passkey is enrolled already.
    #[error("this passkey is enrolled already")]
    AlreadyEnrolled,
    /// Nobody needs so many.
    #[error("there are as many passkeys as there may be")]
    TooManyPasskeys,
    /// Without it the person's role would be worth nothing.
    #[error("somebody with a role keeps a second factor")]
    LastFactor,
    /// The person has no such factor.
    #[error("there is no such factor")]
    Unknown,
    /// The password must not be chosen.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Too many passwords are being hashed.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The database failed, or what it keeps is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FactorError {
    fn waits(until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::TooMany {
            retry_after: seconds_until(until, now),
        }
    }
}

impl From<HashingError> for FactorError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Refused(error) => Self::Password(error),
            HashingError::Busy => Self::Busy,
            HashingError::Broken => Self::Store(StoreError(sqlx::Error::Decode(Box::new(error)))),
        }
    }
}
