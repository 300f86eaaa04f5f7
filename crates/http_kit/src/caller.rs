//! Who calls, as a handler sees it: `By(till): By<TillCaller>` in its signature says as whom it deals with the caller;
//! [`Fresh`] wants a recent proof of identity besides. The credential is checked once, in [`crate::layers::identify`],
//! and there the table of rights has refused who may not call at all ([`crate::rights`]).

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};
use services::auth::{AuthError, authenticate};
use services::caller::{
    AccessError, Caller, MemberCaller, OperatorCaller, Person, StaffCaller, TillCaller,
};
use services::context::Context;

use crate::kit::HttpKit;
use crate::problem::{Problem, ProblemCode};
use crate::schema::field_error;

/// No credential of ours is longer, in bytes.
const MAX_CREDENTIAL: usize = 8 * 1024;

/// What a request says of its caller.
#[derive(Clone, Debug)]
pub enum Identity {
    /// It shows no credential.
    Anonymous,
    /// It shows one that is not, or no longer, valid. A public operation takes no notice.
    Refused,
    /// It shows a valid one.
    Known(Caller),
}

/// A caller of kind `T`; others are refused with 401 or 403.
#[derive(Clone, Debug)]
pub struct By<T>(pub T);

/// A caller of kind `T`, or nobody: for operations that anybody may call and that tell some more.
#[derive(Clone, Debug)]
pub struct MaybeBy<T>(pub Option<T>);

/// A caller of kind `T` who proved who it is at most five minutes ago; others are refused with 401 or 403.
#[derive(Clone, Debug)]
pub struct Fresh<T>(pub T);

/// A kind of caller that a handler can ask for.
pub trait CallerKind: Sized {
    /// The caller as this kind.
    ///
    /// # Errors
    /// When the caller is of another kind.
    fn of(caller: Caller) -> Result<Self, AccessError>;
}

impl CallerKind for Caller {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        Ok(caller)
    }
}

impl CallerKind for Person {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        caller.into_person()
    }
}

impl CallerKind for MemberCaller {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        caller.into_member()
    }
}

impl CallerKind for TillCaller {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        caller.into_till()
    }
}

impl CallerKind for StaffCaller {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        caller.into_staff()
    }
}

impl CallerKind for OperatorCaller {
    fn of(caller: Caller) -> Result<Self, AccessError> {
        caller.into_operator()
    }
}

impl<T: CallerKind, S: Send + Sync> FromRequestParts<S> for By<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(T::of(known(parts)?.clone())?))
    }
}

impl<T: CallerKind, S: Send + Sync> FromRequestParts<S> for Fresh<T>
where
    Context: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = known(parts)?;
        // Who may never do it hears that, and not that a fresh sign-in would help.
        let kind = T::of(caller.clone())?;
        caller.require_fresh(Context::from_ref(state).clock().now())?;
        Ok(Self(kind))
    }
}

/// The caller of a request that shows a valid credential.
fn known(parts: &Parts) -> Result<&Caller, Problem> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Known(caller)) => Ok(caller),
        Some(Identity::Refused) => Err(Problem::new(ProblemCode::Unauthenticated)
            .detail("the credential is not valid, or no longer")
            .detail_ru("ключ или токен недействителен")),
        Some(Identity::Anonymous) | None => Err(Problem::new(ProblemCode::Unauthenticated)),
    }
}

impl<T: CallerKind, S: Send + Sync> FromRequestParts<S> for MaybeBy<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(match parts.extensions.get::<Identity>() {
            Some(Identity::Known(caller)) => T::of(caller.clone()).ok(),
            _ => None,
        }))
    }
}

/// Checks the credential of a request.
///
/// # Errors
/// Only when it cannot be checked just now; a wrong credential is [`Identity::Refused`].
pub async fn recognise(kit: &HttpKit, headers: &HeaderMap) -> Result<Identity, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(Identity::Anonymous);
    };
    let Some(credential) = value.to_str().ok().and_then(bearer) else {
        return Ok(Identity::Refused);
    };
    match authenticate(kit.services(), credential).await {
        Ok(caller) => Ok(Identity::Known(caller)),
        Err(AuthError::Invalid(reason)) => {
            tracing::debug!(reason, "a credential is refused");
            Ok(Identity::Refused)
        }
        Err(AuthError::Store(error)) if error.is_unavailable() => Err(Problem::unavailable(1)),
        Err(AuthError::Store(error)) => Err(Problem::internal(&error)),
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, credential) = header.split_once(' ')?;
    let sane = (1..=MAX_CREDENTIAL).contains(&credential.len())
        && credential.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && sane).then_some(credential)
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Unknown => Self::not_found(),
            AccessError::Forbidden => Self::new(ProblemCode::Forbidden),
            AccessError::SecondFactorRequired => Self::new(ProblemCode::MfaRequired),
            AccessError::StepUpRequired => Self::new(ProblemCode::StepUpRequired),
            AccessError::BusinessRequired => Self::invalid_fields(vec![field_error(
                "/business_id",
                "missing_field",
                "you work at several businesses: name one",
            )]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_credential_counts() {
        assert_eq!(bearer("Bearer abc.def"), Some("abc.def"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        for header in [
            "Basic abc",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer  abc",
            "",
        ] {
            assert_eq!(bearer(header), None, "{header:?}");
        }
        assert_eq!(
            bearer(&format!("Bearer {}", "x".repeat(MAX_CREDENTIAL + 1))),
            None
        );
    }
}
