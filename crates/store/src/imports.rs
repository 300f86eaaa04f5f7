//! Table `imports`: files of purchases and how far each came. The file itself is in `import_chunks`, what was not posted
//! of it in `import_verdicts`.

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a file that is being worked on already.
pub const UNFINISHED: &str = "imports_one_unfinished";

/// A row of `imports`. Money and points in hundredths.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    /// Identifier.
    pub id: Uuid,
    /// Whose purchases they are.
    pub business_id: Uuid,
    /// The one outlet for which the sender may act.
    pub only_location_id: Option<Uuid>,
    /// The person who sent it.
    pub created_by: Option<Uuid>,
    /// The integration key that sent it.
    pub key_id: Option<Uuid>,
    /// `csv`, `ndjson` or `cdnow`.
    pub format: String,
    /// How the file is laid out, for a CSV file.
    pub layout: Option<Value>,
    /// Whether nothing is to be posted.
    pub dry_run: bool,
    /// The file's name.
    pub file_name: Option<String>,
    /// `receiving`, `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// Why it failed, for programs.
    pub failure_code: Option<String>,
    /// Why it failed, in a sentence.
    pub failure_detail: Option<String>,
    /// SHA-256 of the file.
    pub sha256: Option<Vec<u8>>,
    /// The file's length.
    pub bytes_total: i64,
    /// The bytes that are done.
    pub bytes_done: i64,
    /// The lines that are done.
    pub lines_done: i64,
    /// The rows that are done.
    pub rows_done: i64,
    /// The rows that were posted.
    pub rows_posted: i64,
    /// The rows that had been posted before.
    pub rows_duplicate: i64,
    /// The rows that were refused.
    pub rows_refused: i64,
    /// The sum of what was posted.
    pub money_posted: i64,
    /// The points that it earned.
    pub points_earned: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When the work began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// An import before its first byte is stored.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Identifier.
    pub id: Uuid,
    /// Whose purchases they are.
    pub business_id: Uuid,
    /// The one outlet for which the sender may act.
    pub only_location_id: Option<Uuid>,
    /// The person who sends it.
    pub created_by: Option<Uuid>,
    /// The integration key that sends it.
    pub key_id: Option<Uuid>,
    /// `csv`, `ndjson` or `cdnow`.
    pub format: &'static str,
    /// How the file is laid out, for a CSV file.
    pub layout: Option<Value>,
    /// Whether nothing is to be posted.
    pub dry_run: bool,
    /// The file's name.
    pub file_name: Option<String>,
    /// Where the first row begins.
    pub first_byte: i64,
    /// The lines before the first row.
    pub first_line: i64,
}

/// What a group of rows adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// Everything before this byte is done now.
    pub bytes_done: i64,
    /// Everything up to this line is done now.
    pub lines_done: i64,
    /// Rows posted.
    pub posted: i64,
    /// Rows posted before.
    pub duplicate: i64,
    /// Rows refused.
    pub refused: i64,
    /// The sum of what was posted.
    pub money: i64,
    /// The points that it earned.
    pub points: i64,
}

/// Adds an import in state `receiving`.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewImport,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into imports (id, business_id, only_location_id, created_by, key_id, format, layout, dry_run, file_name,
             state, bytes_done, lines_done, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'receiving', $10, $11, $12, $12)",
        new.id,
        new.business_id,
        new.only_location_id,
        new.created_by,
        new.key_id,
        new.format,
        new.layout,
        new.dry_run,
        new.file_name,
        new.first_byte,
        new.first_line,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the receiving: the file is whole. Constraint [`UNFINISHED`]: the same file is being worked on.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn complete(
    conn: &mut PgConnection,
    import: Uuid,
    sha256: &[u8],
    bytes_total: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update imports set state = 'queued', sha256 = $2, bytes_total = $3, updated_at = $4
         where id = $1 and state = 'receiving'",
        import,
        sha256,
        bytes_total,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets an import that was never whole, with what was received of it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn discard(conn: &mut PgConnection, import: Uuid) -> Result<(), StoreError> {
    // In two statements: a foreign key is looked at before what a statement deletes elsewhere is gone.
    sqlx::query!(
        "delete from import_chunks where import_id in (select id from imports where id = $1 and state = 'receiving')",
        import,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from imports where id = $1 and state = 'receiving'",
        import
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One import of a business.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(
    conn: &mut PgConnection,
    business: BusinessId,
    import: Uuid,
) -> Result<Option<ImportRow>, StoreError> {
    Ok(get_across_businesses(conn, import)
        .await?
        .filter(|row| row.business_id == business.as_uuid()))
}

/// One import of whatever business.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get_across_businesses(
    conn: &mut PgConnection,
    import: Uuid,
) -> Result<Option<ImportRow>, StoreError> {
    Ok(sqlx::query_as!(
        ImportRow,
        "select id, business_id, only_location_id, created_by, key_id, format, layout, dry_run, file_name, state,
             failure_code, failure_detail, sha256, bytes_total, bytes_done, lines_done, rows_done, rows_posted,
             rows_duplicate, rows_refused, money_posted, points_earned, created_at, started_at, finished_at
         from imports where id = $1",
        import,
    )
    .fetch_optional(conn)
    .await?)
}

/// The import of this very file that is not finished, if there is one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find_unfinished(
    conn: &mut PgConnection,
    business: BusinessId,
    sha256: &[u8],
    format: &str,
    dry_run: bool,
) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from imports
         where business_id = $1 and sha256 = $2 and format = $3 and dry_run = $4 and state in ('queued', 'running')",
        business.as_uuid(),
        sha256,
        format,
        dry_run,
    )
    .fetch_optional(conn)
    .await?)
}

/// Begins the work, or goes on with it. `None`: there is none to do.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn start(
    conn: &mut PgConnection,
    import: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<ImportRow>, StoreError> {
    Ok(sqlx::query_as!(
        ImportRow,
        "update imports set state = 'running', started_at = coalesce(started_at, $2), updated_at = $2
         where id = $1 and state in ('queued', 'running')
         returning id, business_id, only_location_id, created_by, key_id, format, layout, dry_run, file_name, state,
             failure_code, failure_detail, sha256, bytes_total, bytes_done, lines_done, rows_done, rows_posted,
             rows_duplicate, rows_refused, money_posted, points_earned, created_at, started_at, finished_at",
        import,
        now,
    )
    .fetch_optional(conn)
    .await?)
}

/// Locks a running import that stands at byte `bytes_done`; `false`: it does not run, or stands elsewhere.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lock_at(
    conn: &mut PgConnection,
    import: Uuid,
    bytes_done: i64,
) -> Result<bool, StoreError> {
    let at = sqlx::query_scalar!(
        "select bytes_done from imports where id = $1 and state = 'running' for no key update",
        import,
    )
    .fetch_optional(conn)
    .await?;
    Ok(at == Some(bytes_done))
}

/// Adds what a group did.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn advance(
    conn: &mut PgConnection,
    import: Uuid,
    by: &Advance,
    now: DateTime<Utc>,
) -> Result<ImportRow, StoreError> {
    Ok(sqlx::query_as!(
        ImportRow,
        "update imports
         set bytes_done = $2, lines_done = $3, rows_done = rows_done + $4 + $5 + $6, rows_posted = rows_posted + $4,
             rows_duplicate = rows_duplicate + $5, rows_refused = rows_refused + $6,
             money_posted = money_posted + $7, points_earned = points_earned + $8, updated_at = $9
         where id = $1
         returning id, business_id, only_location_id, created_by, key_id, format, layout, dry_run, file_name, state,
             failure_code, failure_detail, sha256, bytes_total, bytes_done, lines_done, rows_done, rows_posted,
             rows_duplicate, rows_refused, money_posted, points_earned, created_at, started_at, finished_at",
        import,
        by.bytes_done,
        by.lines_done,
        by.posted,
        by.duplicate,
        by.refused,
        by.money,
        by.points,
        now,
    )
    .fetch_one(conn)
    .await?)
}

/// Ends an import, as failed if a reason (code, sentence) is given, and drops what was only kept for the work. `None`:
/// it was not open.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn finish(
    conn: &mut PgConnection,
    import: Uuid,
    failure: Option<(&str, &str)>,
    now: DateTime<Utc>,
) -> Result<Option<ImportRow>, StoreError> {
    let (code, detail) = failure.unzip();
    let row = sqlx::query_as!(
        ImportRow,
        "update imports
         set state = case when $2::text is null then 'done' else 'failed' end, failure_code = $2, failure_detail = $3,
             finished_at = $4, updated_at = $4
         where id = $1 and state in ('receiving', 'queued', 'running')
         returning id, business_id, only_location_id, created_by, key_id, format, layout, dry_run, file_name, state,
             failure_code, failure_detail, sha256, bytes_total, bytes_done, lines_done, rows_done, rows_posted,
             rows_duplicate, rows_refused, money_posted, points_earned, created_at, started_at, finished_at",
        import,
        code,
        detail,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if row.is_some() {
        sqlx::query!("delete from import_chunks where import_id = $1", import)
            .execute(&mut *conn)
            .await?;
        sqlx::query!(
            "delete from import_dry_receipts where import_id = $1",
            import
        )
        .execute(conn)
        .await?;
    }
    Ok(row)
}

/// Unfinished imports at which nothing has happened since `before`, at most `limit`: those whose file is whole, or those
/// whose file never came whole.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn abandoned_across_businesses(
    conn: &mut PgConnection,
    whole: bool,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select id from imports
         where state in ('receiving', 'queued', 'running') and (state <> 'receiving') = $1 and updated_at < $2
         order by updated_at limit $3",
        whole,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// The right to work on an import. It has a connection of its own, and ends with it: also when the process dies.
#[derive(Debug)]
pub struct WorkLock(PgConnection, Uuid);

impl WorkLock {
    /// Takes the right; `None`: somebody else has it.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    pub async fn take(pool: &PgPool, import: Uuid) -> Result<Option<Self>, StoreError> {
        let mut conn = PgConnection::connect_with(&pool.connect_options()).await?;
        // The two-integer form: the one-integer form belongs to the job queue.
        let taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtext('import'), hashtext($1::uuid::text)) as "taken!""#,
            import,
        )
        .fetch_one(&mut conn)
        .await?;
        if taken {
            return Ok(Some(Self(conn, import)));
        }
        conn.close().await?;
        Ok(None)
    }

    /// Gives the right back.
    pub async fn release(mut self) {
        // Said, and not left to the end of the connection, which the server notices a little later.
        let unlocked = sqlx::query_scalar!(
            "select pg_advisory_unlock(hashtext('import'), hashtext($1::uuid::text))",
            self.1
        )
        .fetch_one(&mut self.0)
        .await;
        let closed = match unlocked {
            Ok(_) => self.0.close().await,
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "the connection of a work lock did not close well; the server ends it");
        }
    }
}
