//! Wallets against the ledger, the lots and the holds.

use sqlx::PgConnection;

use super::{DifferenceRow, differences};
use crate::error::StoreError;

/// Each member has a wallet.
pub(super) async fn missing(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select m.id, m.id, null::uuid, 'wallet', 'present', 'missing'
           from members m left join wallets w on w.member_id = m.id where w.member_id is null"#
    )
}

/// The balances are the sums of the entries.
pub(super) async fn balances(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select coalesce(w.member_id, s.member_id), coalesce(w.member_id, s.member_id), null::uuid,
                  v.field, v.expected, v.found
           from wallets w
           full join (select member_id,
                             sum(amount) filter (where account = 'member_available') as available,
                             sum(amount) filter (where account = 'member_pending') as pending,
                             sum(amount) filter (where account = 'member_held') as held,
                             -sum(amount) filter (where account = 'member_debt') as debt
                      from ledger_entries where member_id is not null group by member_id) s
                on s.member_id = w.member_id
           cross join lateral (values
               ('available', coalesce(s.available, 0), w.available),
               ('pending', coalesce(s.pending, 0), w.pending),
               ('held', coalesce(s.held, 0), w.held),
               ('debt', coalesce(s.debt, 0), w.debt)
           ) as v (field, expected, found)
           where v.expected is distinct from v.found"#
    )
}

/// What is held is what the active holds have.
pub(super) async fn held(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select w.member_id, w.member_id, null::uuid, 'held by active holds', coalesce(h.held, 0), w.held
           from wallets w
           left join (select member_id, sum(amount) as held from holds where status = 'active' group by member_id) h
                on h.member_id = w.member_id
           where w.held <> coalesce(h.held, 0)"#
    )
}

/// The next change is not noted later than it comes.
pub(super) async fn next_change(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select w.member_id, w.member_id, null::uuid, 'next_change_at', d.due, w.next_change_at
           from wallets w
           join (select member_id, min(at) as due
                 from (select member_id, case when pending then activates_at else expires_at end as at
                       from lots where open
                       union all
                       select member_id, expires_at from holds where status = 'active') changes
                 group by member_id) d on d.member_id = w.member_id
           where d.due is not null and (w.next_change_at is null or w.next_change_at > d.due)"#
    )
}

/// Each member's tier is on the ladder.
pub(super) async fn tiers(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<DifferenceRow>, StoreError> {
    differences!(
        conn,
        limit,
        r#"select w.member_id, w.member_id, null::uuid, 'tier', 'one of the ladder', w.tier
           from wallets w left join tiers t on t.code = w.tier where t.code is null"#
    )
}
