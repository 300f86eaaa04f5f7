//! What a group does first that can't do with a look alone ([`super::look`]), in one statement: its keys are taken, its
//! members are found by whatever they were named, and their wallets are locked in order of member.
//!
//! Plans live as long as connections, and one made while a table was empty must not read it whole when it has grown:
//! see [`crate::pool::connect_one`] and [`crate::pool::plan_once`].
//!
//! What the wallets hold is read by a later statement: this one sees the database as it was before it waited for them.

use std::collections::BTreeSet;

use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::names::Names;
use crate::error::StoreError;
use crate::kept_answers::lock_of;

/// What is held until the transaction ends.
#[derive(Clone, Debug, Default)]
pub struct Locked {
    /// In the order of the keys: whether the key was free.
    pub keys_free: Vec<bool>,
    /// Whose wallets are locked.
    pub members: BTreeSet<MemberId>,
}

/// Takes keys, finds members and locks their wallets until the transaction ends.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lock(
    conn: &mut PgConnection,
    digests: &[Uuid],
    names: &Names,
) -> Result<Locked, StoreError> {
    let (firsts, seconds): (Vec<i32>, Vec<i32>) = digests.iter().copied().map(lock_of).unzip();
    let (businesses, aliases) = names.alias_columns();
    let rows = sqlx::query_file!(
        "src/posting/lock.sql",
        &names.ids,
        &names.phones,
        &names.numbers,
        &names.locators,
        &businesses,
        &aliases as &[&str],
        &firsts,
        &seconds,
    )
    .fetch_all(conn)
    .await?;
    let mut locked = Locked {
        keys_free: vec![false; digests.len()],
        ..Locked::default()
    };
    for row in rows {
        if let Some(member) = row.member_id {
            locked.members.insert(member.into());
            continue;
        }
        let place = usize::try_from(row.n - 1).unwrap_or(usize::MAX);
        if let Some(free) = locked.keys_free.get_mut(place) {
            *free = row.free;
        }
    }
    Ok(locked)
}
