//! Journals and entries among themselves.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// The sum of all accounts is zero.
pub(super) async fn sum(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select null::uuid, null::uuid, null::uuid, 'sum of all accounts', 0, sum(amount)
           from ledger_entries having sum(amount) <> 0"#
    )
}

/// Each journal has entries, which sum to zero.
pub(super) async fn journal_sums(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(j.id, e.journal_id), j.member_id, j.business_id,
                  case when j.id is null then 'journal' when e.journal_id is null then 'entries' else 'sum' end,
                  case when j.id is null or e.journal_id is null then 'present' else '0' end,
                  case when j.id is null or e.journal_id is null then 'missing' else e.total::text end
           from journals j
           full join (select journal_id, sum(amount) as total from ledger_entries group by journal_id) e
                on e.journal_id = j.id
           where j.id is null or e.total is distinct from 0"#
    )
}

/// Each entry is of its journal's member and business, of a lot and a business that exist, and moves an account in
/// the direction that its journal's kind allows.
pub(super) async fn entries(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select x.journal_id, x.member_id, x.business_id, 'entry ' || x.n || ' ' || x.field,
                  case x.field when 'member' then x.member_id::text
                               when 'lot of the member' then x.entry_member_id::text
                               when 'business honouring' then x.journal_business_id::text
                               when 'account' then 'one that ' || x.kind || ' moves so'
                               else 'present' end,
                  case x.field when 'member' then x.entry_member_id::text
                               when 'lot of the member' then x.lot_member_id::text
                               when 'business honouring' then x.business_id::text
                               when 'account' then x.account || ' ' || x.amount
                               else 'missing' end
           from (
               select e.journal_id, e.n, e.account, e.amount, e.business_id, e.member_id as entry_member_id,
                      j.kind, j.member_id, j.business_id as journal_business_id, l.member_id as lot_member_id,
                      case
                          when e.member_id <> j.member_id then 'member'
                          when e.lot_id is not null and l.id is null then 'lot'
                          when l.member_id <> e.member_id then 'lot of the member'
                          when e.business_id is not null and b.id is null then 'business'
                          when e.account = 'business_honoured' and e.business_id is distinct from j.business_id
                              then 'business honouring'
                          when (j.kind, e.account, e.amount > 0) not in (values
                              ('accrual', 'member_available', true), ('accrual', 'member_pending', true),
                              ('accrual', 'business_issued', false), ('accrual', 'programme_issued', false),
                              ('adjustment', 'member_available', true), ('adjustment', 'member_pending', true),
                              ('adjustment', 'business_issued', false), ('adjustment', 'programme_issued', false),
                              ('adjustment', 'member_available', false), ('adjustment', 'member_debt', false),
                              ('adjustment', 'business_issued', true), ('adjustment', 'programme_issued', true),
                              ('transfer_out', 'member_available', false), ('transfer_out', 'business_issued', true),
                              ('transfer_out', 'programme_issued', true), ('transfer_in', 'member_available', true),
                              ('transfer_in', 'member_pending', true), ('transfer_in', 'business_issued', false),
                              ('transfer_in', 'programme_issued', false),
                              ('activation', 'member_pending', false), ('activation', 'member_available', true),
                              ('redemption', 'member_available', false), ('redemption', 'business_honoured', true),
                              ('hold', 'member_available', false), ('hold', 'member_held', true),
                              ('capture', 'member_held', false), ('capture', 'business_honoured', true),
                              ('release', 'member_held', false), ('release', 'member_available', true),
                              ('expiry', 'member_available', false), ('expiry', 'programme_breakage', true),
                              ('clawback', 'member_available', false), ('clawback', 'member_pending', false),
                              ('clawback', 'member_debt', false), ('clawback', 'programme_breakage', false),
                              ('clawback', 'business_issued', true), ('clawback', 'programme_issued', true),
                              ('restoration', 'member_available', true), ('restoration', 'business_honoured', false),
                              ('debt_payment', 'member_available', false), ('debt_payment', 'member_debt', true))
                              then 'account'
                      end as field
               from ledger_entries e
               join journals j on j.id = e.journal_id
               left join lots l on l.id = e.lot_id
               left join businesses b on b.id = e.business_id
           ) x
           where x.field is not null"#
    )
}

/// Points are given at the expense of whoever funds their lots, and go back there when they are taken or given away; what
/// an adjustment leaves owing is its funder's.
pub(super) async fn funders(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select s.journal_id, j.member_id, s.funder_id, 'issued', s.given, s.issued
           from (select journal_id, funder_id, sum(given) as given, sum(issued) as issued
                 from (select e.journal_id, l.funder_id, e.amount as given, 0 as issued
                       from ledger_entries e join lots l on l.id = e.lot_id
                       union all
                       select e.journal_id, e.business_id, 0, -e.amount from ledger_entries e
                       where e.account in ('business_issued', 'programme_issued')
                       union all
                       select e.journal_id, a.funder_id, e.amount, 0 from ledger_entries e
                       join journals j on j.id = e.journal_id join adjustments a on a.id = j.source_id
                       where j.kind = 'adjustment' and e.account = 'member_debt') u
                 where exists (select from journals j where j.id = u.journal_id
                               and j.kind in ('accrual', 'adjustment', 'transfer_out', 'transfer_in'))
                 group by journal_id, funder_id) s
           join journals j on j.id = s.journal_id
           where s.given <> s.issued"#
    )
}

/// Each journal's purchase, refund, hold, adjustment or transfer exists.
pub(super) async fn sources(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select j.id, j.member_id, j.business_id, 'source of ' || j.kind, 'present', 'missing'
           from journals j
           left join purchases p on p.id = j.source_id
           left join refunds r on r.id = j.source_id
           left join holds h on h.id = j.source_id
           left join adjustments a on a.id = j.source_id
           left join transfers t on t.id = j.source_id
           where case j.kind
                     when 'accrual' then p.id is null
                     when 'redemption' then p.id is null
                     when 'hold' then h.id is null
                     when 'capture' then p.id is null and h.id is null
                     when 'release' then p.id is null and h.id is null
                     when 'restoration' then r.id is null and h.id is null
                     when 'clawback' then r.id is null
                     when 'adjustment' then a.id is null
                     when 'transfer_out' then t.id is null
                     when 'transfer_in' then t.id is null
                     else false
                 end"#
    )
}
