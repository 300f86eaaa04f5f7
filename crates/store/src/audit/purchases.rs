//! Purchases against their explanation, the ledger, their holds and their receipts.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// The explanation sums to the purchase.
pub(super) async fn sums(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select p.id, p.member_id, p.business_id, v.field, v.expected, v.found
           from purchases p
           cross join lateral (
               select sum((line ->> 'amount')::bigint) as amount,
                      coalesce(sum((line ->> 'paid_by_points')::bigint), 0) as paid_by_points,
                      coalesce(sum((line ->> 'points_spent')::bigint), 0) as points_spent
               from jsonb_array_elements(p.explanation -> 'lines') line
           ) l
           cross join lateral (
               select coalesce(sum((accrual ->> 'granted')::bigint), 0) as points_earned
               from jsonb_array_elements(p.explanation -> 'accruals') accrual
           ) a
           cross join lateral (
               select (select coalesce(sum((lot ->> 'points')::bigint), 0)
                       from jsonb_array_elements(p.explanation -> 'lots') lot) as lots,
                      (select coalesce(sum((draw ->> 'points')::bigint), 0)
                       from jsonb_array_elements(p.explanation -> 'spent') draw) as drawn
           ) e
           cross join lateral (values
               ('total', coalesce(l.amount, 0), p.total::numeric),
               ('paid_by_money', coalesce(l.amount - l.paid_by_points, 0), p.paid_by_money),
               ('paid_by_points', coalesce(l.paid_by_points, 0), p.paid_by_points),
               ('points_spent', coalesce(l.points_spent, 0), p.points_spent),
               ('points_earned', a.points_earned, p.points_earned),
               ('points of its lots', e.lots, p.points_earned),
               ('points drawn from lots', e.drawn, p.points_spent)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// What was spent and earned is what was booked for the purchase, or for the hold that it joined.
pub(super) async fn points(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"with moved as (
               select j.source_id, j.member_id, j.business_id,
                      sum(e.amount) filter (where e.account = 'business_honoured') as honoured,
                      sum(e.amount) filter (where j.kind = 'accrual' and e.lot_id is not null) as earned
               from ledger_entries e join journals j on j.id = e.journal_id
               where j.kind in ('accrual', 'redemption', 'capture')
               group by j.source_id, j.member_id, j.business_id
           )
           select p.id, p.member_id, p.business_id, v.field, v.expected, v.found
           from purchases p
           left join moved own on own.source_id = p.id and own.member_id = p.member_id
                and own.business_id = p.business_id
           left join moved held on held.source_id = p.hold_id and held.member_id = p.member_id
                and held.business_id = p.business_id
           cross join lateral (values
               ('points_spent', coalesce(own.honoured, 0) + coalesce(held.honoured, 0), p.points_spent),
               ('points_earned', coalesce(own.earned, 0), p.points_earned)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// A purchase and the hold that paid it know each other.
pub(super) async fn holds(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(p.id, h.purchase_id), coalesce(p.member_id, h.member_id),
                  coalesce(p.business_id, h.business_id), v.field, v.expected, v.found
           from (select * from purchases where hold_id is not null) p
           full join (select * from holds where purchase_id is not null) h on h.id = p.hold_id
           cross join lateral (values
               ('purchase of its hold', p.id::text, h.purchase_id::text),
               ('member of its hold', p.member_id::text, h.member_id::text),
               ('business of its hold', p.business_id::text, h.business_id::text),
               ('points of its hold', p.points_spent::text, h.captured::text)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found
             and ((p.id is not null and h.id is not null) or v.field = 'purchase of its hold')"#
    )
}

/// Each purchase, and each refund that has one, has its receipt, and each receipt its transaction.
pub(super) async fn receipts(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(t.id, r.transaction_id), t.member_id, coalesce(t.business_id, r.business_id),
                  'receipt of a ' || coalesce(t.kind, r.kind),
                  t.business_id || ' ' || t.receipt_number, r.business_id || ' ' || r.receipt_number
           from receipts r
           full join (
               select id, member_id, business_id, 'purchase' as kind, receipt_number from purchases
               union all
               select r.id, p.member_id, r.business_id, 'refund', r.receipt_number
               from refunds r join purchases p on p.id = r.purchase_id where r.receipt_number is not null
           ) t on t.id = r.transaction_id and t.kind = r.kind
           where (t.business_id, t.receipt_number) is distinct from (r.business_id, r.receipt_number)"#
    )
}
