//! The second person's yes or no to an adjustment that waits.

use domain::audit::Action;
use domain::ids::{AdjustmentId, MemberId};
use domain::rights::OperatorRole;
use domain::text::Text;
use sqlx::PgConnection;
use std::sync::Arc;

use super::{AdjustmentError, AdjustmentRow, DECLINED, DONE, carry_out, lock_waiting, note};
use crate::caller::OperatorCaller;
use crate::context::Context;
use crate::idempotency::{self, Answered, IdempotencyKey, Render};
use crate::programme::{self, Programme};
use crate::transaction;

/// What is decided upon, and what is said to it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The adjustment.
    pub adjustment: AdjustmentId,
    /// A word to it.
    pub note: Option<Text<500>>,
}

/// Who decides what, and how.
#[derive(Clone, Debug)]
struct Verdict {
    decision: Decision,
    by: MemberId,
    is_admin: bool,
    yes: bool,
}

/// Gives or takes the points of an adjustment that waits. An admin may, who is neither its author nor its member.
///
/// # Errors
/// [`AdjustmentError`].
pub async fn approve(
    ctx: &Context,
    caller: &OperatorCaller,
    decision: Decision,
    key: IdempotencyKey,
    render: Render<AdjustmentRow>,
) -> Result<Answered, AdjustmentError> {
    caller.require(OperatorRole::Admin)?;
    settle(ctx, caller, (decision, true), key, render).await
}

/// Ends an adjustment that waits without moving points. An admin may, and its author.
///
/// # Errors
/// [`AdjustmentError`].
pub async fn decline(
    ctx: &Context,
    caller: &OperatorCaller,
    decision: Decision,
    key: IdempotencyKey,
    render: Render<AdjustmentRow>,
) -> Result<Answered, AdjustmentError> {
    caller.require(OperatorRole::Support)?;
    settle(ctx, caller, (decision, false), key, render).await
}

async fn settle(
    ctx: &Context,
    caller: &OperatorCaller,
    (decision, yes): (Decision, bool),
    key: IdempotencyKey,
    render: Render<AdjustmentRow>,
) -> Result<Answered, AdjustmentError> {
    let verdict = Verdict {
        decision,
        by: caller.member,
        is_admin: caller.require(OperatorRole::Admin).is_ok(),
        yes,
    };
    let programme = programme::current(ctx).await?;
    let input = (ctx.clone(), programme, verdict, key);
    transaction::run(ctx, input, move |conn, (ctx, programme, verdict, key)| {
        Box::pin(async move {
            if let Some(answer) = idempotency::begin::<AdjustmentError>(conn, key).await? {
                return Ok(Answered {
                    answer,
                    replayed: true,
                });
            }
            let row = carry(conn, ctx, programme, verdict).await?;
            let answer = render(&row);
            idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
            Ok(Answered {
                answer,
                replayed: false,
            })
        })
    })
    .await
}

async fn carry(
    conn: &mut PgConnection,
    ctx: &Context,
    programme: &Arc<Programme>,
    verdict: &Verdict,
) -> Result<AdjustmentRow, AdjustmentError> {
    let now = ctx.clock().now();
    let mut row = lock_waiting(conn, verdict.decision.adjustment).await?;
    let is_author = row.requested_by == verdict.by.as_uuid();
    if verdict.yes {
        if is_author {
            return Err(AdjustmentError::SecondPersonRequired);
        }
        if row.member_id == verdict.by.as_uuid() {
            return Err(AdjustmentError::OwnAccount);
        }
        let applied = carry_out(conn, ctx, &programme.settings, &row, now).await?;
        row.applied = Some(applied.hundredths());
        DONE.clone_into(&mut row.status);
    } else {
        if !is_author && !verdict.is_admin {
            return Err(AdjustmentError::SecondPersonRequired);
        }
        DECLINED.clone_into(&mut row.status);
    }
    row.decided_by = Some(verdict.by.as_uuid());
    row.decided_at = Some(now);
    row.decision_note = verdict
        .decision
        .note
        .as_ref()
        .map(|note| note.as_str().to_owned());
    store::adjustments::decide(conn, &row).await?;
    let action = if verdict.yes {
        Action::AdjustmentApprove
    } else {
        Action::AdjustmentReject
    };
    note(conn, ctx, action, &row).await?;
    Ok(row)
}
