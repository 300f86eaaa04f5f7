//! An operator gives or takes points, with a reason.

use domain::audit::Action;
use domain::ids::MemberId;
use domain::loyalty::lot::Funder;
use domain::loyalty::wallet::WalletError;
use domain::money::Points;
use domain::rights::OperatorRole;
use domain::text::Text;
use sqlx::PgConnection;
use std::sync::Arc;

use super::{AdjustmentError, AdjustmentRow, DONE, WAITING, carry_out, note, require_person};
use crate::caller::OperatorCaller;
use crate::context::Context;
use crate::idempotency::{self, Answered, IdempotencyKey, Render};
use crate::programme::{self, Programme};
use crate::transaction;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct AdjustmentOrder {
    /// Whose points.
    pub member: MemberId,
    /// How many are given, or below zero: taken.
    pub points: Points,
    /// At whose expense they are given; who gets what a member owes afterwards.
    pub funder: Funder,
    /// Whether a member who has fewer than are taken owes the rest. Otherwise it is taken down to zero.
    pub into_debt: bool,
    /// Why.
    pub reason: Text<500>,
}

/// Gives or takes the points, or lets the request wait for a second person.
///
/// # Errors
/// [`AdjustmentError`].
pub async fn request(
    ctx: &Context,
    caller: &OperatorCaller,
    order: AdjustmentOrder,
    key: IdempotencyKey,
    render: Render<AdjustmentRow>,
) -> Result<Answered, AdjustmentError> {
    caller.require(OperatorRole::Support)?;
    if order.member == caller.member {
        return Err(AdjustmentError::OwnAccount);
    }
    if order.points.is_zero() || (order.into_debt && order.points.is_positive()) {
        return Err(WalletError::NotPositive.into());
    }
    let programme = programme::current(ctx).await?;
    let input = (ctx.clone(), programme, caller.member, order, key);
    transaction::run(ctx, input, move |conn, input| {
        let (ctx, programme, author, order, key) = input;
        Box::pin(async move {
            if let Some(answer) = idempotency::begin::<AdjustmentError>(conn, key).await? {
                return Ok(Answered {
                    answer,
                    replayed: true,
                });
            }
            let row = make(conn, ctx, programme, *author, order).await?;
            let answer = render(&row);
            idempotency::finish(conn, key, &answer, row.requested_at).await?;
            Ok(Answered {
                answer,
                replayed: false,
            })
        })
    })
    .await
}

async fn make(
    conn: &mut PgConnection,
    ctx: &Context,
    programme: &Arc<Programme>,
    author: MemberId,
    order: &AdjustmentOrder,
) -> Result<AdjustmentRow, AdjustmentError> {
    let now = ctx.clock().now();
    if let Some(business) = order.funder.business()
        && store::businesses::get(conn, business).await?.is_none()
    {
        return Err(AdjustmentError::UnknownBusiness);
    }
    let mut row = AdjustmentRow {
        id: ctx.ids().uuid(),
        member_id: order.member.as_uuid(),
        points: order.points.hundredths(),
        funder_id: order.funder.business().map(Into::into),
        into_debt: order.into_debt,
        reason: order.reason.as_str().to_owned(),
        status: WAITING.to_owned(),
        applied: None,
        requested_by: author.as_uuid(),
        requested_at: now,
        decided_by: None,
        decided_at: None,
        decision_note: None,
    };
    let settings = &programme.settings;
    if settings.limits.wants_second_person(order.points) {
        require_person(conn, order.member).await?;
    } else {
        let applied = carry_out(conn, ctx, settings, &row, now).await?;
        row.applied = Some(applied.hundredths());
        DONE.clone_into(&mut row.status);
    }
    store::adjustments::insert(conn, &row).await?;
    note(conn, ctx, Action::AdjustmentAsk, &row).await?;
    Ok(row)
}
