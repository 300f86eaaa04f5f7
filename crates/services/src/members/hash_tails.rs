//! Job: makes the hashes by which tills find their own members by the end of a phone, for whoever bought somewhere for
//! the first time since the last run, and again for those whose phone or key is another. Posting stays free of it, and
//! keeps most of the machine while there is much to do.

use std::time::Instant;

use domain::ids::BusinessId;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use store::error::StoreError;
use store::member_tails::UnhashedRow;

use super::open_phone;
use crate::context::Context;
use crate::transaction;

/// How many members one step does. Their rows are locked while hashes are written, for two or three milliseconds.
const STEP: i64 = 100;

/// How many times as long as a step took it rests before the next one.
const REST: u32 = 3;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HashPhoneTails;

impl Job for HashPhoneTails {
    const NAME: &'static str = "members.hash_phone_tails";
    const QUEUE: Option<&'static str> = Some("members.hash_phone_tails");

    fn unique_key(&self) -> Option<String> {
        Some(Self::NAME.to_owned())
    }
}

impl Handler<Context> for HashPhoneTails {
    async fn run(self, ctx: Context, run: JobRun) -> Result<(), JobError> {
        let hashed = tokio::select! {
            hashed = hash_phone_tails(&ctx) => hashed.map_err(JobError::retry)?,
            () = run.stop.cancelled() => return Err(JobError::retry("the worker stops")),
        };
        if hashed > 0 {
            tracing::debug!(hashed, "the ends of phones can be found");
        }
        Ok(())
    }
}

/// Makes all hashes that are to be made, in steps; says how many.
///
/// # Errors
/// [`StoreError`] from the database; steps that were done stay done.
pub async fn hash_phone_tails(ctx: &Context) -> Result<u64, StoreError> {
    let mut conn = ctx.across().connection().await?;
    let businesses = store::member_tails::businesses_to_hash(&mut conn).await?;
    drop(conn);
    let mut hashed = 0;
    for business in businesses {
        let ctx = &ctx.of(business.into());
        loop {
            let began = Instant::now();
            let step = step(ctx, business.into()).await?;
            hashed += step.hashed;
            tokio::time::sleep(began.elapsed() * REST).await;
            // What others kept from change is done by the next run.
            if step.found < STEP.unsigned_abs() || step.hashed == 0 {
                break;
            }
        }
    }
    Ok(hashed)
}

/// What a step has done.
struct Step {
    /// Whose hash was to be made.
    found: u64,
    /// Whose hash was made.
    hashed: u64,
}

async fn step(ctx: &Context, business: BusinessId) -> Result<Step, StoreError> {
    let rows = transaction::run(ctx, (), move |conn, ()| {
        Box::pin(store::member_tails::unhashed(conn, business, STEP))
    })
    .await?;
    let hashes = rows
        .iter()
        .map(|row| hash(ctx, business, row))
        .collect::<Result<Vec<_>, _>>()?;
    let found = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let hashed = transaction::run(ctx, (rows, hashes), move |conn, (rows, hashes)| {
        Box::pin(store::member_tails::set(conn, business, rows, hashes))
    })
    .await?;
    Ok(Step { found, hashed })
}

fn hash(ctx: &Context, business: BusinessId, row: &UnhashedRow) -> Result<Vec<u8>, StoreError> {
    let phone = open_phone(ctx, row.member_id.into(), row.phone_sealed.as_deref())?;
    let tail = phone.and_then(|phone| phone.tail());
    let hashes = tail.map(|tail| ctx.vault().tail_hashes(business, tail));
    Ok(hashes
        .and_then(|all| all.into_iter().next())
        .unwrap_or_default())
}
