//! What is sealed or hashed under which data key: how much, and the exchange of the rows that live long. The first byte
//! of a sealed value, and of a hash that is no older than identities, tells its key.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Keys as the statements take them: the one that seals, and those whose phone hashes are kept in the two columns.
#[derive(Clone, Copy, Debug)]
pub struct KeysInUse {
    /// The key that seals.
    pub current: i32,
    /// The key of `phone_hash`.
    pub odd: Option<i32>,
    /// The key of `phone_hash_2`.
    pub even: Option<i32>,
}

/// How many rows wait for their exchange, or hold the older key until they go by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldRows {
    /// The table.
    pub place: String,
    /// How many.
    pub rows: i64,
}

/// A member who is not wholly under the keys in use.
#[derive(Debug)]
pub struct MemberRow {
    /// Identifier.
    pub id: Uuid,
    /// The phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// The name, sealed.
    pub name_sealed: Option<Vec<u8>>,
    /// The birthday, sealed.
    pub birthday_sealed: Option<Vec<u8>>,
}

/// A member as he is to be.
#[derive(Debug, Default)]
pub struct Members {
    /// Identifiers.
    pub ids: Vec<Uuid>,
    /// Phones, sealed.
    pub phones: Vec<Option<Vec<u8>>>,
    /// Names, sealed.
    pub names: Vec<Option<Vec<u8>>>,
    /// Birthdays, sealed.
    pub birthdays: Vec<Option<Vec<u8>>>,
    /// Hashes of the phones under the odd key.
    pub odd: Vec<Option<Vec<u8>>>,
    /// Hashes of the phones under the even key.
    pub even: Vec<Option<Vec<u8>>>,
}

/// A sealed value and its row.
#[derive(Debug)]
pub struct ValueRow {
    /// The row.
    pub id: Uuid,
    /// The value, sealed.
    pub sealed: Vec<u8>,
}

/// How many rows are not wholly under the keys in use, table by table; tables without any are left out.
///
/// # Errors
/// If the database fails.
pub async fn old_rows(
    conn: &mut PgConnection,
    keys: KeysInUse,
) -> Result<Vec<OldRows>, StoreError> {
    Ok(sqlx::query_file_as!(
        OldRows,
        "src/old_rows.sql",
        keys.current,
        keys.odd,
        keys.even
    )
    .fetch_all(conn)
    .await?)
}

/// Members with identifiers after `after` who are not wholly under the keys in use, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_members(
    conn: &mut PgConnection,
    keys: KeysInUse,
    after: Uuid,
    limit: i64,
) -> Result<Vec<MemberRow>, StoreError> {
    Ok(sqlx::query_as!(
        MemberRow,
        "select id, phone_sealed, name_sealed, birthday_sealed from members
         where id > $4 and (
             get_byte(phone_sealed, 0) <> $1 or get_byte(name_sealed, 0) <> $1 or get_byte(birthday_sealed, 0) <> $1
             or (phone_sealed is not null and not coalesce(
                     case when $2::int is null then phone_hash is null
                          when $2 = 1 then length(phone_hash) = 32
                          else length(phone_hash) = 33 and get_byte(phone_hash, 0) = $2 end, false))
             or (phone_sealed is not null and not coalesce(
                     case when $3::int is null then phone_hash_2 is null
                          else length(phone_hash_2) = 33 and get_byte(phone_hash_2, 0) = $3 end, false)))
         order by id limit $5 for no key update",
        keys.current,
        keys.odd,
        keys.even,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges the values of members.
///
/// # Errors
/// If the database fails.
pub async fn set_members(conn: &mut PgConnection, members: &Members) -> Result<(), StoreError> {
    sqlx::query!(
        "update members m set phone_sealed = t.phone, name_sealed = t.name, birthday_sealed = t.birthday,
             phone_hash = t.odd, phone_hash_2 = t.even
         from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
             as t (id, phone, name, birthday, odd, even)
         where m.id = t.id",
        &members.ids,
        &members.phones as &[Option<Vec<u8>>],
        &members.names as &[Option<Vec<u8>>],
        &members.birthdays as &[Option<Vec<u8>>],
        &members.odd as &[Option<Vec<u8>>],
        &members.even as &[Option<Vec<u8>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// E-mail addresses that another key than this one sealed, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_emails(
    conn: &mut PgConnection,
    current: i32,
    limit: i64,
) -> Result<Vec<ValueRow>, StoreError> {
    Ok(sqlx::query_as!(
        ValueRow,
        "select member_id as id, email_sealed as sealed from member_emails
         where get_byte(email_sealed, 0) <> $1 or get_byte(email_hash, 0) <> $1
         order by member_id limit $2 for no key update",
        current,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges an e-mail address with its hash.
///
/// # Errors
/// If the database fails.
pub async fn set_email(
    conn: &mut PgConnection,
    member: Uuid,
    sealed: &[u8],
    hash: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update member_emails set email_sealed = $2, email_hash = $3 where member_id = $1",
        member,
        sealed,
        hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tokens of devices that another key than this one sealed, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_devices(
    conn: &mut PgConnection,
    current: i32,
    limit: i64,
) -> Result<Vec<ValueRow>, StoreError> {
    Ok(sqlx::query_as!(
        ValueRow,
        "select id, token_sealed as sealed from devices
         where get_byte(token_sealed, 0) <> $1 or get_byte(token_hash, 0) <> $1
         order by id limit $2 for no key update",
        current,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges the token of a device with its hash.
///
/// # Errors
/// If the database fails.
pub async fn set_device(
    conn: &mut PgConnection,
    device: Uuid,
    sealed: &[u8],
    hash: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update devices set token_sealed = $2, token_hash = $3 where id = $1",
        device,
        sealed,
        hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Private keys that another key than this one sealed: names and values, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_signing_keys(
    conn: &mut PgConnection,
    current: i32,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let rows = sqlx::query!(
        "select kid, private_sealed from signing_keys where get_byte(private_sealed, 0) <> $1 order by kid for no key update",
        current,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.kid, row.private_sealed))
        .collect())
}

/// Exchanges a private key.
///
/// # Errors
/// If the database fails.
pub async fn set_signing_key(
    conn: &mut PgConnection,
    kid: &str,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update signing_keys set private_sealed = $2 where kid = $1",
        kid,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Labels of stopped prefixes and countries that another key than this one sealed, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_code_stops(
    conn: &mut PgConnection,
    current: i32,
    limit: i64,
) -> Result<Vec<ValueRow>, StoreError> {
    Ok(sqlx::query_as!(
        ValueRow,
        "select id, label_sealed as sealed from code_stops where get_byte(label_sealed, 0) <> $1
         order by id limit $2 for no key update",
        current,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges the label of a stopped prefix or country.
///
/// # Errors
/// If the database fails.
pub async fn set_code_stop(
    conn: &mut PgConnection,
    id: Uuid,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update code_stops set label_sealed = $2 where id = $1",
        id,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hashes of passwords that another key than this one sealed, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_passwords(
    conn: &mut PgConnection,
    current: i32,
    limit: i64,
) -> Result<Vec<ValueRow>, StoreError> {
    Ok(sqlx::query_as!(
        ValueRow,
        "select member_id as id, hash_sealed as sealed from passwords where get_byte(hash_sealed, 0) <> $1
         order by member_id limit $2 for no key update",
        current,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges the hash of a password.
///
/// # Errors
/// If the database fails.
pub async fn set_password(
    conn: &mut PgConnection,
    member: Uuid,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update passwords set hash_sealed = $2 where member_id = $1",
        member,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The secrets of one authenticator.
#[derive(Debug)]
pub struct AuthenticatorRow {
    /// Whose it is.
    pub member_id: Uuid,
    /// The secret in use, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// The secret that waits for its first code, sealed.
    pub pending_sealed: Option<Vec<u8>>,
}

/// Secrets of authenticators that another key than this one sealed, kept from change.
///
/// # Errors
/// If the database fails.
pub async fn lock_old_authenticators(
    conn: &mut PgConnection,
    current: i32,
    limit: i64,
) -> Result<Vec<AuthenticatorRow>, StoreError> {
    Ok(sqlx::query_as!(
        AuthenticatorRow,
        "select member_id, secret_sealed, pending_sealed from authenticators
         where get_byte(secret_sealed, 0) <> $1 or get_byte(pending_sealed, 0) <> $1
         order by member_id limit $2 for no key update",
        current,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Exchanges the secrets of an authenticator.
///
/// # Errors
/// If the database fails.
pub async fn set_authenticator(
    conn: &mut PgConnection,
    row: &AuthenticatorRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update authenticators set secret_sealed = $2, pending_sealed = $3 where member_id = $1",
        row.member_id,
        row.secret_sealed.as_deref(),
        row.pending_sealed.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
