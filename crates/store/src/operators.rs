//! Table `operators`: who runs the programme.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::rights::OperatorRole;
use sqlx::PgConnection;

use crate::error::StoreError;

/// The operator roles of a person.
///
/// # Errors
/// If the database fails.
pub async fn roles(conn: &mut PgConnection, member: MemberId) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select role from operators where member_id = $1 order by role",
        member.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Gives a role; giving it again changes nothing.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    member: MemberId,
    role: OperatorRole,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into operators (member_id, role, created_at) values ($1, $2, $3) on conflict do nothing",
        member.as_uuid(),
        role.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a role; `false` if the person did not have it.
///
/// # Errors
/// If the database fails.
pub async fn delete(
    conn: &mut PgConnection,
    member: MemberId,
    role: OperatorRole,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "delete from operators where member_id = $1 and role = $2",
        member.as_uuid(),
        role.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Changes of operators' roles come one after the other; the two-integer form is not the job queue's.
const ROLES_LOCK: (i32, i32) = (7_120_115, 3);

/// The admins who may act; whoever asks is the only one to change roles until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock_admins(conn: &mut PgConnection) -> Result<Vec<MemberId>, StoreError> {
    // A statement of its own: what others did before they let go is seen by the next one.
    sqlx::query_scalar!(
        r#"select pg_advisory_xact_lock($1, $2)::text as "nothing""#,
        ROLES_LOCK.0,
        ROLES_LOCK.1
    )
    .fetch_one(&mut *conn)
    .await?;
    let ids = sqlx::query_scalar!(
        "select o.member_id from operators o join members m on m.id = o.member_id
         where o.role = 'admin' and m.status = 'active' order by o.member_id"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(MemberId::from).collect())
}
