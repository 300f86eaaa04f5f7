//! Refunds against their lines, their explanation, the sale and the ledger.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// Lines and explanation sum to the refund.
pub(super) async fn sums(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select r.id, p.member_id, r.business_id, v.field, v.expected, v.found
           from refunds r
           join purchases p on p.id = r.purchase_id
           left join (select refund_id, sum(amount) as amount, sum(paid_by_points) as paid_by_points,
                             sum(points_returned) as points_returned, sum(points_taken_back) as points_taken_back
                      from refund_lines group by refund_id) l on l.refund_id = r.id
           cross join lateral (
               select coalesce(sum((part ->> 'asked')::bigint), 0) as asked,
                      coalesce(sum((part ->> 'forgiven')::bigint), 0) as forgiven,
                      coalesce(sum((part ->> 'debt')::bigint), 0) as debt
               from jsonb_array_elements(r.explanation -> 'clawback' -> 'lots') part
           ) c
           cross join lateral (
               select coalesce(sum((draw ->> 'points')::bigint), 0) as points
               from jsonb_array_elements(r.explanation -> 'restored') draw
           ) restored
           cross join lateral (values
               ('business', p.business_id::text, r.business_id::text),
               ('amount', coalesce(l.amount, 0)::text, r.amount::text),
               ('money_returned', coalesce(l.amount - l.paid_by_points, 0)::text, r.money_returned::text),
               ('points_returned', coalesce(l.points_returned, 0)::text, r.points_returned::text),
               ('points restored to lots', restored.points::text, r.points_returned::text),
               ('points asked back', coalesce(l.points_taken_back, 0)::text, c.asked::text),
               ('points_taken_back', (c.asked - c.forgiven)::text, r.points_taken_back::text),
               ('debt_added', c.debt::text, r.debt_added::text)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// All refunds of a line together are within the sale, and their shares are those of one refund. Sales are found first:
/// otherwise all lines of refunds would be added up anew for each purchase.
pub(super) async fn of_sales(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"with x as materialized (
               select p.id, p.member_id, p.business_id, p.explanation, x.*
               from (select r.purchase_id, l.line, sum(l.amount) as amount, sum(l.paid_by_points) as paid_by_points,
                            sum(l.points_returned) as points_returned, sum(l.points_taken_back) as points_taken_back
                     from refund_lines l join refunds r on r.id = l.refund_id group by r.purchase_id, l.line) x
               join purchases p on p.id = x.purchase_id
           )
           select x.id, x.member_id, x.business_id, 'line ' || x.line || ' ' || v.field, v.expected, v.found
           from x
           left join lateral (
               select (sold ->> 'amount')::bigint as amount,
                      coalesce((sold ->> 'paid_by_points')::bigint, 0) as paid_by_points,
                      coalesce((sold ->> 'points_spent')::bigint, 0) as points_spent,
                      (select coalesce(sum((accrual ->> 'granted')::bigint), 0)
                       from jsonb_array_elements(x.explanation -> 'accruals') accrual
                       where accrual -> 'line' = sold -> 'line') as points_earned
               from jsonb_array_elements(x.explanation -> 'lines') sold
               where (sold ->> 'line')::smallint = x.line
           ) q on true
           cross join lateral (values
               ('refunded', least(x.amount, coalesce(q.amount, 0)), x.amount),
               ('refunded of paid_by_points', div(q.paid_by_points * x.amount, nullif(q.amount, 0)), x.paid_by_points),
               ('points_returned', div(q.points_spent * x.amount, nullif(q.amount, 0)), x.points_returned),
               ('points_taken_back', least(x.points_taken_back, q.points_earned), x.points_taken_back)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// What was given and taken back is what was booked for the refund.
pub(super) async fn points(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select r.id, p.member_id, r.business_id, v.field, v.expected, v.found
           from refunds r
           join purchases p on p.id = r.purchase_id
           left join (
               select j.source_id, j.member_id, j.business_id,
                      -sum(e.amount) filter (where j.kind = 'restoration' and e.account = 'business_honoured')
                          as returned,
                      sum(e.amount) filter (where j.kind = 'clawback'
                                                  and e.account in ('business_issued', 'programme_issued')) as taken,
                      -sum(e.amount) filter (where j.kind = 'clawback' and e.account = 'member_debt') as debt
               from ledger_entries e join journals j on j.id = e.journal_id
               where j.kind in ('restoration', 'clawback')
               group by j.source_id, j.member_id, j.business_id
           ) m on m.source_id = r.id and m.member_id = p.member_id and m.business_id = r.business_id
           cross join lateral (values
               ('points_returned', coalesce(m.returned, 0), r.points_returned),
               ('points_taken_back', coalesce(m.taken, 0), r.points_taken_back),
               ('debt_added', coalesce(m.debt, 0), r.debt_added)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// Points are taken back to whoever had given them.
pub(super) async fn funders(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select s.refund_id, p.member_id, s.funder_id, 'taken back to the funder', s.taken, s.booked
           from (select refund_id, funder_id, sum(taken) as taken, sum(booked) as booked
                 from (select r.id as refund_id, l.funder_id,
                              (part ->> 'asked')::bigint - (part ->> 'forgiven')::bigint as taken, 0 as booked
                       from refunds r
                       cross join lateral jsonb_array_elements(r.explanation -> 'clawback' -> 'lots') part
                       join lots l on l.id = (part ->> 'lot_id')::uuid
                       union all
                       select j.source_id, e.business_id, 0, e.amount
                       from ledger_entries e join journals j on j.id = e.journal_id
                       where j.kind = 'clawback' and e.account in ('business_issued', 'programme_issued')) u
                 group by refund_id, funder_id) s
           left join refunds r on r.id = s.refund_id
           left join purchases p on p.id = r.purchase_id
           where s.taken <> s.booked"#
    )
}
