//! Connections for what is read most: quotes, balances, sign-ins, terms. A pool asks the server at every taking and
//! giving back whether it is still there, which costs such a short look twice its own price; these connections are asked
//! only after a rest, and thrown away when they break.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool};
use store::error::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// How many looks are under way at once; the others wait in line. Two cores answer no faster with more.
const MOST: usize = 8;

/// How long a look waits for its turn and for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// After such a rest a connection is asked whether the server is still there.
const REST: Duration = Duration::from_secs(1);

/// What a connection has gathered is freed with it after so long.
const LIFE: Duration = Duration::from_secs(1800);

/// See the module.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Line>>,
    turns: Semaphore,
}

#[derive(Debug)]
struct Line {
    conn: PgConnection,
    opened: Instant,
    used: Instant,
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            idle: Mutex::default(),
            turns: Semaphore::new(MOST),
        }
    }
}

impl Readers {
    /// A connection for one look, opened as those of `pool` are.
    pub(crate) async fn take(&self, pool: &PgPool) -> Result<Reader<'_>, StoreError> {
        let taking = async {
            let turn = self.turns.acquire().await;
            let turn = turn.map_err(|_| StoreError(sqlx::Error::PoolClosed))?;
            let line = self.line(pool).await?;
            Ok(Reader {
                line,
                readers: self,
                _turn: turn,
            })
        };
        match timeout(PATIENCE, taking).await {
            Ok(reader) => reader,
            Err(_) => Err(StoreError(sqlx::Error::PoolTimedOut)),
        }
    }

    async fn line(&self, pool: &PgPool) -> Result<Line, StoreError> {
        loop {
            let idle = self.lines().pop();
            let Some(mut line) = idle else { break };
            if line.opened.elapsed() > LIFE {
                continue;
            }
            if line.used.elapsed() < REST || line.conn.ping().await.is_ok() {
                return Ok(line);
            }
        }
        let conn = store::pool::connect_one(pool).await?;
        let now = Instant::now();
        Ok(Line {
            conn,
            opened: now,
            used: now,
        })
    }

    /// Gives no connection out any more, and closes those that rest.
    pub(crate) async fn close(&self) {
        self.turns.close();
        let idle = std::mem::take(&mut *self.lines());
        for line in idle {
            if let Err(error) = line.conn.close().await {
                tracing::debug!(%error, "a connection was not closed in order");
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one look. It is thrown away unless [`Reader::done`] finds it whole: whoever is cancelled may leave it
/// in the middle of an answer.
#[derive(Debug)]
pub struct Reader<'r> {
    line: Line,
    readers: &'r Readers,
    _turn: SemaphorePermit<'r>,
}

impl Reader<'_> {
    /// Gives the connection back, unless it broke, and the result on.
    ///
    /// # Errors
    /// The error of `result`.
    pub fn done<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if !result.as_ref().is_err_and(is_broken) {
            let mut line = self.line;
            line.used = Instant::now();
            self.readers.lines().push(line);
        }
        result
    }
}

impl Deref for Reader<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.line.conn
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.line.conn
    }
}

/// Whether the connection may be of no more use.
fn is_broken(error: &StoreError) -> bool {
    match &error.0 {
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_) => false,
        sqlx::Error::Database(_) => error.is_unavailable(),
        _ => true,
    }
}
