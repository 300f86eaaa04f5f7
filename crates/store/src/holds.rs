//! Table `holds`: points set aside for a checkout.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{HoldId, MemberId};
use domain::loyalty::wallet::{Draw, Hold, HoldStatus};
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a reference which the business has used.
pub const REFERENCE_USED: &str = "holds_reference_unique";

struct Row {
    id: Uuid,
    business_id: Uuid,
    member_id: Uuid,
    reference: String,
    status: String,
    amount: i64,
    captured: i64,
    purchase_id: Option<Uuid>,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_hold(self) -> (MemberId, Hold) {
        let hold = Hold {
            id: self.id.into(),
            business: self.business_id.into(),
            reference: self.reference,
            status: HoldStatus::parse(&self.status).unwrap_or(HoldStatus::Voided),
            amount: Points::from_hundredths(self.amount),
            captured: Points::from_hundredths(self.captured),
            purchase: self.purchase_id.map(Into::into),
            expires_at: self.expires_at,
            created_at: self.created_at,
            draws: Vec::new(),
        };
        (self.member_id.into(), hold)
    }
}

/// The active holds of these members, and whichever are named by `also`, with the lots they draw on.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn active_of_members(
    conn: &mut PgConnection,
    members: &[Uuid],
    also: &[Uuid],
) -> Result<Vec<(MemberId, Hold)>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", business_id as "business_id!", member_id as "member_id!", reference as "reference!",
                  status as "status!", amount as "amount!", captured as "captured!", purchase_id,
                  expires_at as "expires_at!", created_at as "created_at!"
           from holds where member_id = any($1) and status = 'active'
           union
           select id, business_id, member_id, reference, status, amount, captured, purchase_id, expires_at, created_at
           from holds where id = any($2)"#,
        members,
        also
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut holds: Vec<(MemberId, Hold)> = rows.into_iter().map(Row::into_hold).collect();
    let ids: Vec<Uuid> = holds.iter().map(|(_, hold)| hold.id.as_uuid()).collect();
    let mut draws = draws(conn, &ids).await?;
    for (_, hold) in &mut holds {
        hold.draws = draws.remove(&hold.id).unwrap_or_default();
    }
    Ok(holds)
}

/// The lots that holds drew on when they were made, in the order of spending.
async fn draws(
    conn: &mut PgConnection,
    holds: &[Uuid],
) -> Result<BTreeMap<HoldId, Vec<Draw>>, StoreError> {
    let mut draws: BTreeMap<HoldId, Vec<Draw>> = BTreeMap::new();
    if holds.is_empty() {
        return Ok(draws);
    }
    let rows = sqlx::query!(
        r#"select j.source_id as "hold_id!", e.lot_id as "lot_id!", e.amount
           from journals j join ledger_entries e on e.journal_id = j.id
           where j.source_id = any($1) and j.kind = 'hold' and e.account = 'member_held'
           order by e.journal_id, e.n"#,
        holds
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        draws.entry(row.hold_id.into()).or_default().push(Draw {
            lot: row.lot_id.into(),
            points: Points::from_hundredths(row.amount),
        });
    }
    Ok(draws)
}

/// One hold of a business, without its draws.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(
    conn: &mut PgConnection,
    business: Uuid,
    id: Uuid,
) -> Result<Option<(MemberId, Hold)>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, business_id, member_id, reference, status, amount, captured, purchase_id, expires_at, created_at
           from holds where id = $2 and business_id = $1"#,
        business,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::into_hold))
}

/// The hold that a business made under a reference, without its draws.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn by_reference(
    conn: &mut PgConnection,
    business: Uuid,
    reference: &str,
) -> Result<Option<(MemberId, Hold)>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, business_id, member_id, reference, status, amount, captured, purchase_id, expires_at, created_at
           from holds where business_id = $1 and reference = $2"#,
        business,
        reference
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::into_hold))
}

/// Adds holds. Constraint [`REFERENCE_USED`]: the business has used the reference.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    holds: &[(MemberId, &Hold)],
) -> Result<(), StoreError> {
    for (member, hold) in holds {
        sqlx::query!(
            r#"insert into holds (id, business_id, member_id, reference, status, amount, captured, purchase_id,
                                  expires_at, created_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
            hold.id.as_uuid(),
            hold.business.as_uuid(),
            member.as_uuid(),
            hold.reference,
            hold.status.as_str(),
            hold.amount.hundredths(),
            hold.captured.hundredths(),
            hold.purchase.map(Uuid::from),
            hold.expires_at,
            hold.created_at,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Writes what has become of holds. Their members' wallets must be locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn update(conn: &mut PgConnection, holds: &[&Hold]) -> Result<(), StoreError> {
    if holds.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = holds.iter().map(|hold| hold.id.as_uuid()).collect();
    let statuses: Vec<String> = holds
        .iter()
        .map(|hold| hold.status.as_str().to_owned())
        .collect();
    let captured: Vec<i64> = holds
        .iter()
        .map(|hold| hold.captured.hundredths())
        .collect();
    let purchases: Vec<Option<Uuid>> = holds
        .iter()
        .map(|hold| hold.purchase.map(Uuid::from))
        .collect();
    sqlx::query!(
        r#"update holds h set status = u.status, captured = u.captured, purchase_id = u.purchase_id
           from unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[]) as u (id, status, captured, purchase_id)
           where h.id = u.id"#,
        &ids,
        &statuses,
        &captured,
        &purchases as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
