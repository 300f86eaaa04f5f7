//! What groups with refunds and holds change beside [`super::write`], in one statement that goes before it: a purchase
//! may name a hold.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{MemberId, RuleId};
use domain::loyalty::wallet::Hold;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::refunds::RefundRow;
use crate::{holds, refunds};

/// What is to be written. The wallets must be locked.
#[derive(Debug, Default)]
pub struct Further<'a> {
    /// Holds that are new.
    pub new_holds: Vec<(MemberId, &'a Hold)>,
    /// Holds that changed.
    pub changed_holds: Vec<&'a Hold>,
    /// Refunds.
    pub refunds: &'a [RefundRow],
    /// What is given back to caps of members: member, rule and first day of the period, hundredths.
    pub usage: BTreeMap<(Uuid, RuleId, NaiveDate), i64>,
    /// What is given back to budgets, hundredths.
    pub budgets: BTreeMap<RuleId, i64>,
}

impl Further<'_> {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new_holds.is_empty()
            && self.changed_holds.is_empty()
            && self.refunds.is_empty()
            && self.usage.is_empty()
            && self.budgets.is_empty()
    }
}

/// Writes it. The constraint [`holds::REFERENCE_USED`] refuses the whole group: another was faster, and the next try
/// sees it.
///
/// # Errors
/// [`StoreError`] from the database.
#[expect(clippy::too_many_lines, reason = "one statement, a few lines a table")]
pub async fn write(conn: &mut PgConnection, further: &Further<'_>) -> Result<(), StoreError> {
    if further.is_empty() {
        return Ok(());
    }
    let held = holds::NewColumns::of(&further.new_holds);
    let ended = holds::StateColumns::of(&further.changed_holds);
    let returned = refunds::Columns::of(further.refunds);
    let lines = refunds::LineColumns::of(further.refunds);
    let (mut members, mut rules, mut starts, mut points) = (vec![], vec![], vec![], vec![]);
    for ((member, rule, start), given_back) in &further.usage {
        members.push(*member);
        rules.push(rule.as_uuid());
        starts.push(*start);
        points.push(*given_back);
    }
    let budgets = further.budgets.iter();
    let (budgets, freed): (Vec<Uuid>, Vec<i64>) = budgets
        .map(|(rule, points)| (rule.as_uuid(), *points))
        .unzip();
    sqlx::query!(
        r#"with held as (
               insert into holds (id, business_id, member_id, reference, status, amount, captured, purchase_id,
                                  expires_at, created_at)
               select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                                    $7::bigint[], $8::uuid[], $9::timestamptz[], $10::timestamptz[])
           ),
           ended as (
               update holds h set status = u.status, captured = u.captured, purchase_id = u.purchase_id
               from unnest($11::uuid[], $12::text[], $13::bigint[], $14::uuid[])
                    as u (id, status, captured, purchase_id)
               where h.id = u.id and h.id = any($11)
           ),
           returned as (
               insert into refunds (id, purchase_id, business_id, receipt_number, is_void, amount, money_returned,
                                    points_returned, points_taken_back, debt_added, available_after, debt_after,
                                    reason, explanation, occurred_at, recorded_at)
               select * from unnest($15::uuid[], $16::uuid[], $17::uuid[], $18::text[], $19::bool[], $20::bigint[],
                                    $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
                                    $26::bigint[], $27::text[], $28::jsonb[], $29::timestamptz[], $30::timestamptz[])
           ),
           returned_lines as (
               insert into refund_lines (refund_id, line, amount, paid_by_points, points_returned, points_taken_back)
               select * from unnest($31::uuid[], $32::smallint[], $33::bigint[], $34::bigint[], $35::bigint[],
                                    $36::bigint[])
           ),
           used as (
               update member_rule_usage m set granted = greatest(0, m.granted - u.points)
               from unnest($37::uuid[], $38::uuid[], $39::date[], $40::bigint[])
                    as u (member_id, rule_id, period_start, points)
               where m.member_id = u.member_id and m.rule_id = u.rule_id and m.period_start = u.period_start
                 and m.member_id = any($37)
           ),
           locked as materialized (
               select rule_id from rule_budgets where rule_id = any($41) order by rule_id for no key update
           )
           update rule_budgets b set granted = greatest(0, b.granted - u.points)
           from locked l join unnest($41::uuid[], $42::bigint[]) as u (rule_id, points) on u.rule_id = l.rule_id
           where b.rule_id = l.rule_id and b.rule_id = any($41)"#,
        &held.state.ids,
        &held.businesses,
        &held.members,
        &held.references as &[&str],
        &held.state.statuses as &[&str],
        &held.amounts,
        &held.state.captured,
        &held.state.purchases as &[Option<Uuid>],
        &held.expires_at,
        &held.created_at,
        &ended.ids,
        &ended.statuses as &[&str],
        &ended.captured,
        &ended.purchases as &[Option<Uuid>],
        &returned.ids,
        &returned.purchases,
        &returned.businesses,
        &returned.receipt_numbers as &[Option<&str>],
        &returned.voids,
        &returned.amounts,
        &returned.money_returned,
        &returned.points_returned,
        &returned.points_taken_back,
        &returned.debt_added,
        &returned.available_after,
        &returned.debt_after,
        &returned.reasons as &[&str],
        &returned.explanations as _,
        &returned.occurred_at as &[DateTime<Utc>],
        &returned.recorded_at as &[DateTime<Utc>],
        &lines.refunds,
        &lines.numbers,
        &lines.amounts,
        &lines.paid_by_points,
        &lines.points_returned,
        &lines.points_taken_back,
        &members,
        &rules,
        &starts,
        &points,
        &budgets,
        &freed,
    )
    .execute(conn)
    .await?;
    Ok(())
}
