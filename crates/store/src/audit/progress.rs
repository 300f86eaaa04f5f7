//! What is counted beside the purchases: progress toward tiers, visits, caps and budgets.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// A day's progress is its purchases less what was refunded of them, by the days of the programme's zone.
pub(super) async fn days(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(d.member_id, s.member_id), coalesce(d.member_id, s.member_id), null::uuid,
                  coalesce(d.day, s.day) || ' ' || v.field, v.expected, v.found
           from member_days d
           full join (
               select member_id, day, sum(net_spend) as net_spend, sum(points_earned) as points_earned
               from (select p.member_id, (p.occurred_at at time zone z.name)::date as day,
                            p.paid_by_money as net_spend, p.points_earned
                     from purchases p, (select settings ->> 'time_zone' as name from programme) z
                     union all
                     select p.member_id, (p.occurred_at at time zone z.name)::date,
                            -r.money_returned, -r.points_taken_back
                     from refunds r join purchases p on p.id = r.purchase_id,
                          (select settings ->> 'time_zone' as name from programme) z) moved
               group by member_id, day
           ) s on s.member_id = d.member_id and s.day = d.day
           cross join lateral (values
               ('net_spend', coalesce(s.net_spend, 0), coalesce(d.net_spend, 0)),
               ('points_earned', coalesce(s.points_earned, 0), coalesce(d.points_earned, 0))
           ) as v (field, expected, found)
           where v.expected <> v.found"#
    )
}

/// What is kept with a wallet of the progress toward the tier is the sum of the days from the one that stands there.
pub(super) async fn counts(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select w.member_id, w.member_id, null::uuid, v.field, v.expected, v.found
           from wallets w
           cross join lateral (
               select coalesce(sum(d.net_spend), 0) as net_spend, coalesce(sum(d.points_earned), 0) as points_earned
               from member_days d where d.member_id = w.member_id and d.day >= w.counted_from) s
           cross join lateral (values
               ('counted_spend', s.net_spend, w.counted_spend),
               ('counted_points', s.points_earned, w.counted_points)
           ) as v (field, expected, found)
           where w.counted_from is not null and v.expected <> v.found"#
    )
}

/// Visits are the purchases that were not returned whole; the first and the last are those of all purchases.
pub(super) async fn visits(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(m.member_id, s.member_id), coalesce(m.member_id, s.member_id),
                  coalesce(m.business_id, s.business_id), v.field, v.expected, v.found
           from member_businesses m
           full join (
               select p.member_id, p.business_id,
                      count(*) filter (where r.amount is null or r.amount < p.total) as visits,
                      min(p.occurred_at) as first_at, max(p.occurred_at) as last_at
               from purchases p
               left join (select purchase_id, sum(amount) as amount from refunds group by purchase_id) r
                    on r.purchase_id = p.id
               group by p.member_id, p.business_id
           ) s on s.member_id = m.member_id and s.business_id = m.business_id
           cross join lateral (values
               ('visits', coalesce(s.visits, 0)::text, m.visits::text),
               ('first_visit_at', s.first_at::text, m.first_visit_at::text),
               ('last_visit_at', s.last_at::text, m.last_visit_at::text)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// What counts against a cap is what the rule granted in the period, less what refunds took back.
pub(super) async fn usage(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(u.rule_id, s.rule_id), coalesce(u.member_id, s.member_id), null::uuid,
                  'granted from ' || coalesce(u.period_start, s.period_start),
                  coalesce(s.granted, 0), coalesce(u.granted, 0)
           from member_rule_usage u
           full join (
               select member_id, rule_id, period_start, sum(points) as granted
               from (select p.member_id, (accrual ->> 'rule')::uuid as rule_id,
                            (accrual ->> 'period_start')::date as period_start,
                            (accrual ->> 'granted')::numeric as points
                     from purchases p cross join lateral jsonb_array_elements(p.explanation -> 'accruals') accrual
                     where accrual ->> 'period_start' is not null
                     union all
                     select p.member_id, (back ->> 'rule')::uuid, (back ->> 'period_start')::date,
                            -(back ->> 'points')::numeric
                     from refunds r join purchases p on p.id = r.purchase_id
                     cross join lateral jsonb_array_elements(r.explanation -> 'given_back') back
                     where back ->> 'period_start' is not null) counted
               group by 1, 2, 3
           ) s on s.member_id = u.member_id and s.rule_id = u.rule_id and s.period_start = u.period_start
           where coalesce(s.granted, 0) <> coalesce(u.granted, 0)"#
    )
}

/// What counts against a budget is what the rule granted, less what refunds took back.
pub(super) async fn budgets(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(b.rule_id, s.rule_id), null::uuid, e.business_id, 'granted of the budget',
                  coalesce(s.granted, 0), coalesce(b.granted, 0)
           from rule_budgets b
           full join (
               select rule_id, sum(points) as granted
               from (select (accrual ->> 'rule')::uuid as rule_id, (accrual ->> 'granted')::numeric as points
                     from purchases p cross join lateral jsonb_array_elements(p.explanation -> 'accruals') accrual
                     where accrual -> 'budgeted' = 'true'
                     union all
                     select (back ->> 'rule')::uuid, -(back ->> 'points')::numeric
                     from refunds r cross join lateral jsonb_array_elements(r.explanation -> 'given_back') back
                     where back -> 'budgeted' = 'true') counted
               group by 1
           ) s on s.rule_id = b.rule_id
           left join earning_rules e on e.id = coalesce(b.rule_id, s.rule_id)
           where coalesce(s.granted, 0) <> coalesce(b.granted, 0)"#
    )
}
