//! Job: removes what names or reaches a person who left, and writes down how much there was, without saying what.

use domain::audit::{Action, ObjectKind};
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::transaction;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseMember {
    /// Which erasure.
    pub erasure: Uuid,
}

impl Job for EraseMember {
    const NAME: &'static str = "personal_data.erase_member";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::NAME, self.erasure))
    }
}

impl Handler<Context> for EraseMember {
    async fn run(self, ctx: Context, _run: JobRun) -> Result<(), JobError> {
        let id = self.erasure;
        let ctx = ctx.across();
        let removed = transaction::run(&ctx, ctx.clone(), move |conn, ctx| {
            Box::pin(remove(conn, ctx, id))
        });
        removed.await.map_err(JobError::retry)
    }
}

/// All or nothing; one that is done stays as it is.
async fn remove(conn: &mut PgConnection, ctx: &Context, id: Uuid) -> Result<(), StoreError> {
    let row = store::erasures::lock(conn, id).await?;
    let Some(row) = row.filter(|row| row.state == "requested") else {
        return Ok(());
    };
    let mut removed = store::erasures::remove_of_member(conn, row.member_id.into()).await?;
    let words = store::erasures::remove_words_of_member(conn, row.member_id.into());
    removed.extend(words.await?);
    if let Some(hash) = &row.phone_hash {
        removed.extend(store::erasures::remove_of_phone(conn, hash).await?);
    }
    let counts: Map<String, Value> = removed
        .into_iter()
        .map(|(what, rows)| (what.to_owned(), rows.into()))
        .collect();
    let counts = Value::Object(counts);
    store::erasures::finish(conn, id, &counts, ctx.clock().now()).await?;
    let entry = Entry::of(Action::ErasureDone, ObjectKind::Erasure).id(id);
    audit_log::record(conn, ctx, entry.after(counts)).await
}
