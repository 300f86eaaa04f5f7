//! Tables `journals` and `ledger_entries`: the append-only double entry.

use chrono::{DateTime, Utc};
use domain::loyalty::ledger::{Entry, Journal};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A movement as a member sees it.
#[derive(Clone, Debug)]
pub struct MovementRow {
    /// The journal.
    pub id: Uuid,
    /// Why points moved.
    pub kind: String,
    /// Where.
    pub business_id: Option<Uuid>,
    /// The name of that business.
    pub business_name: Option<String>,
    /// The purchase, refund, hold or other cause.
    pub source_id: Option<Uuid>,
    /// Which of them it is: `purchase`, `refund` or `hold`.
    pub source_kind: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Change of the available points, in hundredths.
    pub available: i64,
    /// Change of the pending points.
    pub pending: i64,
    /// Change of the held points.
    pub held: i64,
    /// Change of the debt; positive: more is owed.
    pub debt: i64,
}

/// Adds journals with their entries.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    journals: &[&Journal],
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if journals.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = journals
        .iter()
        .map(|journal| journal.id.as_uuid())
        .collect();
    let kinds: Vec<String> = journals
        .iter()
        .map(|j| j.kind.as_str().to_owned())
        .collect();
    let members: Vec<Uuid> = journals.iter().map(|j| j.member.as_uuid()).collect();
    let businesses: Vec<Option<Uuid>> = journals
        .iter()
        .map(|j| j.cause.business.map(Uuid::from))
        .collect();
    let sources: Vec<Option<Uuid>> = journals.iter().map(|j| j.cause.source).collect();
    let occurred: Vec<DateTime<Utc>> = journals.iter().map(|j| j.cause.occurred_at).collect();
    sqlx::query!(
        r#"insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
           select id, kind, member_id, business_id, source_id, occurred_at, $7
           from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[])
                as u (id, kind, member_id, business_id, source_id, occurred_at)"#,
        &ids,
        &kinds,
        &members,
        &businesses as &[Option<Uuid>],
        &sources as &[Option<Uuid>],
        &occurred,
        recorded_at,
    )
    .execute(&mut *conn)
    .await?;
    insert_entries(conn, journals).await
}

async fn insert_entries(conn: &mut PgConnection, journals: &[&Journal]) -> Result<(), StoreError> {
    let entries: Vec<(Uuid, i16, &Entry)> = journals
        .iter()
        .flat_map(|journal| {
            (1_i16..)
                .zip(journal.entries())
                .map(|(n, entry)| (journal.id.as_uuid(), n, entry))
        })
        .collect();
    let ids: Vec<Uuid> = entries.iter().map(|(id, ..)| *id).collect();
    let numbers: Vec<i16> = entries.iter().map(|(_, n, _)| *n).collect();
    let accounts: Vec<String> = entries
        .iter()
        .map(|(.., entry)| entry.account.kind().to_owned())
        .collect();
    let members: Vec<Option<Uuid>> = entries
        .iter()
        .map(|(.., entry)| entry.account.member().map(Uuid::from))
        .collect();
    let businesses: Vec<Option<Uuid>> = entries
        .iter()
        .map(|(.., entry)| entry.account.business().map(Uuid::from))
        .collect();
    let lots: Vec<Option<Uuid>> = entries
        .iter()
        .map(|(.., entry)| entry.lot.map(Uuid::from))
        .collect();
    let amounts: Vec<i64> = entries
        .iter()
        .map(|(.., entry)| entry.amount.hundredths())
        .collect();
    sqlx::query!(
        r#"insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
           select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[],
                                $7::bigint[])"#,
        &ids,
        &numbers,
        &accounts,
        &members as &[Option<Uuid>],
        &businesses as &[Option<Uuid>],
        &lots as &[Option<Uuid>],
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page of a member's movements, newest first, before the journal named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_member(
    conn: &mut PgConnection,
    member: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<MovementRow>, StoreError> {
    Ok(sqlx::query_as!(
        MovementRow,
        r#"select j.id, j.kind, j.business_id, b.name as "business_name?", j.source_id, j.occurred_at,
                  case when exists (select from purchases p where p.id = j.source_id) then 'purchase'
                       when exists (select from refunds r where r.id = j.source_id) then 'refund'
                       when exists (select from holds h where h.id = j.source_id) then 'hold' end as source_kind,
                  coalesce(e.available, 0) as "available!", coalesce(e.pending, 0) as "pending!",
                  coalesce(e.held, 0) as "held!", coalesce(e.debt, 0) as "debt!"
           from (select * from journals where member_id = $1 and ($2::uuid is null or id < $2)
                 order by id desc limit $3) j
           left join businesses b on b.id = j.business_id
           left join lateral (
               select (sum(amount) filter (where account = 'member_available'))::bigint as available,
                      (sum(amount) filter (where account = 'member_pending'))::bigint as pending,
                      (sum(amount) filter (where account = 'member_held'))::bigint as held,
                      (-sum(amount) filter (where account = 'member_debt'))::bigint as debt
               from ledger_entries where journal_id = j.id) e on true
           order by j.id desc"#,
        member,
        before,
        limit
    )
    .fetch_all(conn)
    .await?)
}
