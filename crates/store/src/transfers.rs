//! Table `transfers`: points that members gave to each other, append-only.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{MemberId, TransferId};
use domain::loyalty::transfer::Part;
use domain::money::Points;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::StoreError;

/// A transfer to be kept.
#[derive(Clone, Debug)]
pub struct NewTransfer<'a> {
    /// Its identifier.
    pub id: TransferId,
    /// Who gave.
    pub from: MemberId,
    /// Who got.
    pub to: MemberId,
    /// How many points.
    pub points: Points,
    /// From which lot to which.
    pub parts: &'a [Part],
    /// The day in the programme's zone.
    pub day: NaiveDate,
}

/// Adds one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    transfer: &NewTransfer<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into transfers (id, from_member_id, to_member_id, points, parts, day, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        transfer.id.as_uuid(),
        transfer.from.as_uuid(),
        transfer.to.as_uuid(),
        transfer.points.hundredths(),
        Json(transfer.parts) as _,
        transfer.day,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many points a member gave away on a day. Exact while the member's wallet is locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn given_on(
    conn: &mut PgConnection,
    member: MemberId,
    day: NaiveDate,
) -> Result<Points, StoreError> {
    let points = sqlx::query_scalar!(
        r#"select coalesce(sum(points), 0)::bigint as "points!" from transfers where from_member_id = $1 and day = $2"#,
        member.as_uuid(),
        day
    )
    .fetch_one(conn)
    .await?;
    Ok(Points::from_hundredths(points))
}
