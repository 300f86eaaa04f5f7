//! Who may change factors. Somebody who has a strong one proves it afresh; somebody who has none and no power over the
//! programme enrols the first within a fresh sign-in by phone; an operator, and whoever was handed an enrolment code, needs that for it. Whoever lost
//! everything comes back with a recovery code, and has a quarter of an hour.

use chrono::TimeDelta;
use sqlx::PgConnection;
use store::error::StoreError;
use store::factors::StandingRow;

use super::FactorError;
use crate::auth::methods::RECOVERY;
use crate::caller::{AccessError, FRESH_FOR, Person};
use crate::context::{Context, StaffSecondFactor};

/// How long somebody who came back has for enrolling.
const COMING_BACK: TimeDelta = TimeDelta::minutes(15);

/// Passes somebody who may change factors; locks the person's standing until the transaction ends.
pub(super) async fn require_change(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
) -> Result<StandingRow, FactorError> {
    let standing = store::factors::lock_standing(conn, person.member).await?;
    judge(ctx, person, &standing)?;
    Ok(standing)
}

/// The same without a lock, to refuse early.
pub(super) async fn expect_change(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
) -> Result<StandingRow, FactorError> {
    let standing = store::factors::standing(conn, person.member).await?;
    judge(ctx, person, &standing)?;
    Ok(standing)
}

fn judge(ctx: &Context, person: &Person, standing: &StandingRow) -> Result<(), FactorError> {
    let age = ctx.clock().now() - person.auth_time;
    if person.amr.iter().any(|method| method == RECOVERY[1]) {
        return within(age, COMING_BACK);
    }
    within(age, FRESH_FOR)?;
    if person.is_strong() {
        return Ok(());
    }
    if has_strong(standing) {
        return Err(AccessError::StepUpRequired.into());
    }
    // Whoever was handed a code enrols with it: the phone alone would do for whoever has the phone.
    if standing.enrolment_code {
        return Err(FactorError::EnrolmentCodeRequired);
    }
    let required = ctx.config().staff_second_factor == StaffSecondFactor::Required;
    if standing.is_operator && required {
        return Err(FactorError::EnrolmentCodeRequired);
    }
    Ok(())
}

fn within(age: TimeDelta, most: TimeDelta) -> Result<(), FactorError> {
    if age > most {
        return Err(AccessError::StepUpRequired.into());
    }
    Ok(())
}

/// Whether the person can sign in with two factors.
pub(super) const fn has_strong(standing: &StandingRow) -> bool {
    standing.passkeys > 0 || standing.password_and_totp
}

/// After a removal: somebody with a role must still be able to use it.
pub(super) async fn refuse_last(
    conn: &mut PgConnection,
    before: &StandingRow,
    person: &Person,
) -> Result<(), FactorError> {
    let after: Result<_, StoreError> = store::factors::standing(conn, person.member).await;
    let left = has_strong(&after?);
    if has_strong(before) && !left && (before.is_staff || before.is_operator) {
        return Err(FactorError::LastFactor);
    }
    Ok(())
}
