//! Adjustments and transfers against the ledger.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// What was given or taken by hand is what was booked, once; what waits or was declined moved nothing.
pub(super) async fn adjustments(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(a.id, b.source_id), coalesce(a.member_id, b.member_id), a.funder_id,
                  v.field, v.expected, v.found
           from adjustments a
           full join (
               select j.source_id, j.member_id, count(distinct j.id) as journals,
                      coalesce(sum(e.amount) filter (where e.member_id is not null), 0) as points
               from journals j left join ledger_entries e on e.journal_id = j.id
               where j.kind = 'adjustment' group by j.source_id, j.member_id
           ) b on b.source_id = a.id and b.member_id = a.member_id
           cross join lateral (values
               ('points', coalesce(a.applied, 0)::numeric, coalesce(b.points, 0)),
               ('journals', case a.status when 'done' then 1 else 0 end, coalesce(b.journals, 0))
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// What went from member to member is what was booked, lot by lot, on both sides.
pub(super) async fn transfers(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"with parts as (
               select t.id, t.from_member_id, t.to_member_id, p.from_lot, p.to_lot, p.points
               from transfers t
               cross join lateral jsonb_to_recordset(t.parts) as p (from_lot uuid, to_lot uuid, points bigint)
           ),
           told as (
               select id, kind, member_id, lot_id, sum(points) as points
               from (select id, 'transfer_out' as kind, from_member_id as member_id, from_lot as lot_id, -points as points
                     from parts
                     union all
                     select id, 'transfer_in', to_member_id, to_lot, points from parts) u
               group by id, kind, member_id, lot_id
           ),
           booked as (
               select j.source_id as id, j.kind, e.member_id, e.lot_id, sum(e.amount) as points
               from journals j join ledger_entries e on e.journal_id = j.id
               where j.kind in ('transfer_out', 'transfer_in') and e.lot_id is not null
               group by j.source_id, j.kind, e.member_id, e.lot_id
           )
           select coalesce(t.id, b.id), coalesce(t.member_id, b.member_id), null::uuid,
                  coalesce(t.kind, b.kind) || ' lot ' || coalesce(t.lot_id, b.lot_id), t.points, b.points
           from told t
           full join booked b on b.id = t.id and b.kind = t.kind and b.member_id = t.member_id and b.lot_id = t.lot_id
           where t.points is distinct from b.points
           union all
           select t.id, t.from_member_id, null::uuid, 'points', coalesce(s.points, 0), t.points
           from transfers t
           left join (select id, sum(points) as points from parts group by id) s on s.id = t.id
           where t.points is distinct from coalesce(s.points, 0)"#
    )
}

/// Points keep their funder and their age when they go from member to member.
pub(super) async fn lots_of_transfers(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select t.id, t.to_member_id, f.funder_id, v.field, v.expected, v.found
           from transfers t
           cross join lateral jsonb_to_recordset(t.parts) as p (from_lot uuid, to_lot uuid, points bigint)
           left join lots f on f.id = p.from_lot
           left join lots l on l.id = p.to_lot
           cross join lateral (values
               ('origin', t.id::text, l.origin_id::text),
               ('points', p.points::text, l.amount::text),
               ('funder', coalesce(f.funder_id::text, 'programme'), coalesce(l.funder_id::text, 'programme')),
               ('earned at', f.earned_at::text, l.earned_at::text),
               ('activates at', f.activates_at::text, l.activates_at::text)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}
