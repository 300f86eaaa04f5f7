//! Job: makes the hashes by which tills find their own members by the end of a phone, for whoever bought somewhere for
//! the first time since the last run, and again for those whose phone or key is another. Posting stays free of it, and
//! keeps most of the machine while there is much to do.

use std::time::Instant;

use domain::ids::BusinessId;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use store::error::StoreError;
use store::member_tails::UnhashedRow;

use super::open_phone;
use crate::context::Context;
use crate::transaction;

/// How many members one transaction does.
const STEP: i64 = 500;

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
            let step = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
                Box::pin(step(conn, ctx, business.into()))
            });
            let done = step.await?;
            hashed += done;
            if done < STEP.unsigned_abs() {
                break;
            }
            tokio::time::sleep(began.elapsed() * REST).await;
        }
    }
    Ok(hashed)
}

async fn step(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
) -> Result<u64, StoreError> {
    let rows = store::member_tails::lock_unhashed(conn, business, STEP).await?;
    let members: Vec<_> = rows.iter().map(|row| row.member_id).collect();
    let hashes = rows
        .iter()
        .map(|row| hash(ctx, business, row))
        .collect::<Result<Vec<_>, _>>()?;
    store::member_tails::set(conn, business, &members, &hashes).await?;
    Ok(u64::try_from(members.len()).unwrap_or(u64::MAX))
}

fn hash(ctx: &Context, business: BusinessId, row: &UnhashedRow) -> Result<Vec<u8>, StoreError> {
    let phone = open_phone(ctx, row.member_id.into(), row.phone_sealed.as_deref())?;
    let tail = phone.and_then(|phone| phone.tail());
    let hashes = tail.map(|tail| ctx.vault().tail_hashes(business, tail));
    Ok(hashes
        .and_then(|all| all.into_iter().next())
        .unwrap_or_default())
}
