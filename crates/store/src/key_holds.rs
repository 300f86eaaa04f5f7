//! A key held outside a transaction, for work that is too long for one. Whoever wants the key for a transaction
//! ([`crate::kept_answers::try_lock`]) finds it taken meanwhile. The hold ends with its connection at the latest.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use uuid::Uuid;

use crate::error::StoreError;
use crate::kept_answers::lock_of;

/// See the module.
#[derive(Debug)]
pub struct KeyHold {
    conn: PoolConnection<Postgres>,
    digest: Uuid,
    held: bool,
}

impl KeyHold {
    /// Takes a key; `None`: somebody else has it at this moment.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    pub async fn take(pool: &PgPool, digest: Uuid) -> Result<Option<Self>, StoreError> {
        let mut hold = Self {
            conn: pool.acquire().await?,
            digest,
            held: true,
        };
        let (first, second) = lock_of(digest);
        hold.held = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock($1::int, $2::int) as "taken!""#,
            first,
            second
        )
        .fetch_one(&mut *hold.conn)
        .await?;
        Ok(hold.held.then_some(hold))
    }

    /// The connection that holds the key.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    /// Gives the key back.
    pub async fn release(mut self) {
        let (first, second) = lock_of(self.digest);
        let released = sqlx::query_scalar!(
            r#"select pg_advisory_unlock($1::int, $2::int) as "released!""#,
            first,
            second
        )
        .fetch_one(&mut *self.conn)
        .await;
        match released {
            Ok(_) => self.held = false,
            Err(error) => {
                tracing::debug!(%error, "a key was not given back; it ends with its connection");
            }
        }
    }
}

impl Drop for KeyHold {
    fn drop(&mut self) {
        if self.held {
            // Others must not get a connection with the key on it.
            self.conn.close_on_drop();
        }
    }
}
