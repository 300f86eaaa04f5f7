//! Lots and holds against the ledger and the purchases that made them.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// What was given, what remains, what expired and where it is booked.
pub(super) async fn balances(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(l.id, b.lot_id), coalesce(l.member_id, b.member_id), l.funder_id,
                  v.field, v.expected, v.found
           from lots l
           full join (
               select e.lot_id, e.member_id,
                      coalesce(sum(e.amount) filter (where e.account = 'member_available'), 0) as available,
                      coalesce(sum(e.amount) filter (where e.account = 'member_pending'), 0) as pending,
                      coalesce(sum(e.amount) filter (where e.account = 'member_held'), 0) as held,
                      coalesce(sum(e.amount) filter (where j.kind in ('accrual', 'adjustment', 'transfer_in')
                                                            and e.amount > 0), 0) as given,
                      coalesce(-sum(e.amount) filter (where j.kind = 'expiry'), 0) as expired
               from ledger_entries e join journals j on j.id = e.journal_id
               where e.lot_id is not null group by e.lot_id, e.member_id
           ) b on b.lot_id = l.id and b.member_id = l.member_id
           left join (
               select (part ->> 'lot_id')::uuid as lot_id, sum((part ->> 'from_expired')::bigint) as taken
               from refunds r cross join lateral jsonb_array_elements(r.explanation -> 'clawback' -> 'lots') part
               group by 1
           ) x on x.lot_id = l.id
           cross join lateral (values
               ('amount', coalesce(b.given, 0), l.amount::numeric),
               ('remaining', coalesce(b.available + b.pending, 0), l.remaining),
               ('expired', coalesce(b.expired, 0) - coalesce(x.taken, 0), l.expired),
               ('remaining and expired', least(l.amount, l.remaining + l.expired), l.remaining + l.expired),
               ('held', greatest(b.held, 0), b.held),
               ('booked as available', case when l.pending then 0 else b.available end, b.available),
               ('booked as pending', case when l.pending then b.pending else 0 end, b.pending)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found and (l.id is not null or v.field = 'amount')"#
    )
}

/// The lots of purchases are those that the purchases explain.
pub(super) async fn of_purchases(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(l.id, t.lot_id), coalesce(t.member_id, l.member_id), coalesce(t.business_id, l.funder_id),
                  v.field, v.expected, v.found
           from (select * from lots where origin in ('purchase', 'promotion')) l
           full join (
               select p.id as purchase_id, p.member_id, p.business_id, (lot ->> 'lot_id')::uuid as lot_id,
                      coalesce(lot ->> 'origin', 'purchase') as origin, lot ->> 'points' as points,
                      case when lot -> 'funder' is null then p.business_id::text
                           else coalesce(lot -> 'funder' ->> 'business_id', 'programme') end as funder
               from purchases p cross join lateral jsonb_array_elements(p.explanation -> 'lots') lot
           ) t on t.lot_id = l.id
           cross join lateral (values
               ('purchase', t.purchase_id::text, l.origin_id::text),
               ('member', t.member_id::text, l.member_id::text),
               ('origin', t.origin, l.origin),
               ('points', t.points, l.amount::text),
               ('funder', t.funder, coalesce(l.funder_id::text, 'programme'))
           ) as v (field, expected, found)
           where v.expected is distinct from v.found
             and ((l.id is not null and t.lot_id is not null) or v.field = 'purchase')"#
    )
}

/// What holds set aside, took and gave back is what was booked.
pub(super) async fn holds(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"with moved as (
               select j.source_id, j.member_id,
                      sum(e.amount) filter (where j.kind = 'hold') as placed,
                      coalesce(-sum(e.amount) filter (where j.kind = 'capture'), 0) as captured,
                      coalesce(-sum(e.amount) filter (where j.kind = 'release'), 0) as released,
                      coalesce(sum(e.amount) filter (where j.kind = 'restoration'), 0) as restored
               from ledger_entries e join journals j on j.id = e.journal_id
               where e.account = 'member_held' or (j.kind = 'restoration' and e.account = 'member_available')
               group by j.source_id, j.member_id
           )
           select coalesce(h.id, own.source_id), coalesce(h.member_id, own.member_id), h.business_id,
                  v.field, v.expected, v.found
           from holds h
           full join (select * from moved where placed is not null) own
                on own.source_id = h.id and own.member_id = h.member_id
           left join moved bought on bought.source_id = h.purchase_id and bought.member_id = h.member_id
           cross join lateral (values
               ('amount', coalesce(own.placed, 0), h.amount::numeric),
               ('captured', coalesce(own.captured, 0) + coalesce(bought.captured, 0) - coalesce(own.restored, 0), h.captured),
               ('released', case h.status when 'active' then 0 when 'captured' then h.amount - h.captured
                                          else h.amount end,
                coalesce(own.released, 0) + coalesce(bought.released, 0) + coalesce(own.restored, 0))
           ) as v (field, expected, found)
           where v.expected is distinct from v.found and (h.id is not null or v.field = 'amount')"#
    )
}
