//! For whom the database is asked. What belongs to one business lies behind row-level security: it is seen and changed
//! only by a transaction that names the business, or says that it works across businesses. A transaction that names
//! nobody finds none of it. The wall stands behind the conditions of the queries and is never the only one.
//!
//! The name travels with BEGIN, in the same message, and ends with the transaction.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use domain::ids::BusinessId;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use store::error::StoreError;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenant {
    /// Nothing that belongs to one business is needed.
    #[default]
    Nobody,
    /// What belongs to this business.
    Of(BusinessId),
    /// What belongs to any: for work that has no business, or is about all of them.
    Across,
}

impl Tenant {
    /// A statement that begins a transaction, made to name the tenant in the same message.
    pub(crate) fn begin(self, statement: &'static str) -> Cow<'static, str> {
        // An identifier has no character that would end the text.
        match self {
            Self::Nobody => Cow::Borrowed(statement),
            Self::Of(business) => format!(
                "{statement}; SET LOCAL app.business = '{}'",
                business.as_uuid().hyphenated()
            )
            .into(),
            Self::Across => format!("{statement}; SET LOCAL app.business = '*'").into(),
        }
    }

    /// Opens a transaction.
    pub(crate) async fn open(
        self,
        pool: &PgPool,
        statement: &'static str,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let statement = AssertSqlSafe(self.begin(statement).into_owned());
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that opens transactions of the pool"
        )]
        let begun = pool.begin_with(statement).await;
        Ok(begun?)
    }
}

/// A connection for reading. With a tenant it is in a transaction that only reads, and ends when this value does.
#[derive(Debug)]
pub enum Connection {
    /// Of nobody.
    Plain(PoolConnection<Postgres>),
    /// Of a tenant.
    Named(Transaction<'static, Postgres>),
}

impl Connection {
    pub(crate) async fn open(tenant: Tenant, pool: &PgPool) -> Result<Self, StoreError> {
        Ok(match tenant {
            Tenant::Nobody => Self::Plain(pool.acquire().await?),
            Tenant::Of(_) | Tenant::Across => {
                Self::Named(tenant.open(pool, "BEGIN READ ONLY").await?)
            }
        })
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Plain(conn) => conn,
            Self::Named(transaction) => transaction,
        }
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Plain(conn) => conn,
            Self::Named(transaction) => transaction,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_tenant_travels_with_begin() {
        let business = BusinessId::from(Uuid::nil());
        assert_eq!(Tenant::Nobody.begin("BEGIN"), "BEGIN");
        assert_eq!(
            Tenant::Of(business).begin("BEGIN"),
            "BEGIN; SET LOCAL app.business = '00000000-0000-0000-0000-000000000000'"
        );
        assert_eq!(
            Tenant::Across.begin("BEGIN READ ONLY"),
            "BEGIN READ ONLY; SET LOCAL app.business = '*'"
        );
    }
}
