//! Operations that want a proof of identity of the last five minutes.

use chrono::TimeDelta;
use http_kit::problem::ProblemCode;
use services::caller::{Caller, OperatorCaller};
use services::context::Context;

use crate::problem::ApiResult;

/// How long ago a person may have proved who it is.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);

/// Whether the caller is a person who has proved within the last five minutes who it is.
#[must_use]
pub fn is_fresh(ctx: &Context, caller: &Caller) -> bool {
    match caller {
        Caller::Key(_) => false,
        Caller::Person(person) => ctx.clock().now() - person.auth_time <= FRESH_FOR,
    }
}

/// The caller as an operator who has proved within the last five minutes who it is. Who is none hears that first.
///
/// # Errors
/// `forbidden`, `step_up_required`.
pub fn fresh_operator(ctx: &Context, caller: Caller) -> ApiResult<OperatorCaller> {
    let fresh = is_fresh(ctx, &caller);
    let operator = caller.into_operator()?;
    if fresh {
        Ok(operator)
    } else {
        Err(ProblemCode::StepUpRequired.into())
    }
}
