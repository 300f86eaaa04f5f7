//! Tables `journals` and `ledger_entries`: the append-only double entry.

use chrono::{DateTime, Utc};
use domain::loyalty::ledger::Journal;
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
    /// Which of them it is: `purchase`, `refund`, `hold`, `transfer` or `adjustment`.
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

/// Journals to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) members: Vec<Uuid>,
    pub(crate) businesses: Vec<Option<Uuid>>,
    pub(crate) sources: Vec<Option<Uuid>>,
    pub(crate) occurred_at: Vec<DateTime<Utc>>,
}

/// What is written of journals, and of their entries.
pub(crate) fn columns(journals: &[&Journal]) -> (Columns, EntryColumns) {
    (Columns::of(journals), EntryColumns::of(journals))
}

impl Columns {
    fn of(journals: &[&Journal]) -> Self {
        let mut columns = Self::default();
        for journal in journals {
            columns.ids.push(journal.id.as_uuid());
            columns.kinds.push(journal.kind.as_str());
            columns.members.push(journal.member.as_uuid());
            columns
                .businesses
                .push(journal.cause.business.map(Uuid::from));
            columns.sources.push(journal.cause.source);
            columns.occurred_at.push(journal.cause.occurred_at);
        }
        columns
    }
}

/// The entries of journals, a column each.
#[derive(Debug, Default)]
pub(crate) struct EntryColumns {
    pub(crate) journals: Vec<Uuid>,
    pub(crate) numbers: Vec<i16>,
    pub(crate) accounts: Vec<&'static str>,
    pub(crate) members: Vec<Option<Uuid>>,
    pub(crate) businesses: Vec<Option<Uuid>>,
    pub(crate) lots: Vec<Option<Uuid>>,
    pub(crate) amounts: Vec<i64>,
}

impl EntryColumns {
    fn of(journals: &[&Journal]) -> Self {
        let mut columns = Self::default();
        for journal in journals {
            for (n, entry) in (1_i16..).zip(journal.entries()) {
                columns.journals.push(journal.id.as_uuid());
                columns.numbers.push(n);
                columns.accounts.push(entry.account.kind());
                columns.members.push(entry.account.member().map(Uuid::from));
                columns
                    .businesses
                    .push(entry.account.business().map(Uuid::from));
                columns.lots.push(entry.lot.map(Uuid::from));
                columns.amounts.push(entry.amount.hundredths());
            }
        }
        columns
    }
}

/// A page of a member's movements, newest first, before the journal named. What came of a movement's source is looked
/// up only where its kind does not tell it: a page of a busy member is as many rows of a cold month as there are.
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
                  case when j.kind in ('accrual', 'redemption') then 'purchase'
                       when exists (select from purchases p where p.id = j.source_id) then 'purchase'
                       when exists (select from refunds r where r.id = j.source_id) then 'refund'
                       when exists (select from holds h where h.id = j.source_id) then 'hold'
                       when exists (select from transfers t where t.id = j.source_id) then 'transfer'
                       when exists (select from adjustments a where a.id = j.source_id) then 'adjustment'
                  end as source_kind,
                  coalesce(e.available, 0) as "available!", coalesce(e.pending, 0) as "pending!",
                  coalesce(e.held, 0) as "held!", coalesce(e.debt, 0) as "debt!"
           from (select * from journals where member_id = $1 and id < $2
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
        // Said without "or null", so that later months are not read, whatever the plan.
        before.unwrap_or(Uuid::max()),
        limit
    )
    .fetch_all(conn)
    .await?)
}
