//! Posts up to a thousand purchases; each has its own verdict, in the order given.
//!
//! They go through the engine behind the purchases of tills, in many small transactions. Each has a key of its own, made
//! of the batch's: a batch that broke off half-way and comes again posts the rest, and answers for what was posted as
//! it would have done the first time. The batch's own answer is kept when all have their verdicts.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{BusinessId, MemberId};
use domain::rights::Scope;
use store::error::StoreError;
use store::kept_answers;
use store::key_holds::KeyHold;
use tracing::Instrument as _;

use super::engine::{EngineError, Lane, Order};
use super::post_purchase::PurchaseRequest;
use super::posting::{PostItem, PostRefusal, PurchaseRow};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{Answer, Answered, IdempotencyError, IdempotencyKey, Render};
use crate::members::{MemberReference, OnUnknown, resolve_members};

/// The most purchases of one batch.
pub const MAX_BATCH: usize = 1_000;

/// The name under which the answers for single purchases of batches are kept.
const ITEM: &str = "transactions.batch.item";

/// What became of one purchase of a batch: the answer that it would have had alone, or why it was not posted.
pub type Verdict = Result<Answer, NotPosted>;

/// Why one purchase of a batch was not posted.
#[derive(Debug, thiserror::Error)]
pub enum NotPosted {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The engine could not carry it out; the others were. The batch's answer is not kept, so that the same batch sent
    /// again tries it again.
    #[error(transparent)]
    Failed(#[from] EngineError),
}

/// Why a batch has no answer. Purchases of it may have been posted; the same batch sent again finds them.
#[derive(Debug, thiserror::Error)]
pub enum PostBatchError {
    /// The caller may not do this. Nothing was posted.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A purchase of the batch is for a business to which the caller does not belong. Nothing was posted.
    #[error("item {index}: {source}")]
    Item {
        /// Its place, from 0.
        index: usize,
        /// Why.
        source: AccessError,
    },
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The engine or the database is away.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Posts a batch of purchases, each with its place there. What is refused is refused alone; the rest is posted. The
/// result is that of the same purchases posted one by one in this order. A client that hangs up cancels nothing.
///
/// `each` makes the answer of a single purchase, `whole` that of the batch.
///
/// # Errors
/// [`PostBatchError`].
pub async fn post_batch<F>(
    ctx: &Context,
    caller: &TillCaller,
    requests: Vec<(usize, PurchaseRequest)>,
    key: IdempotencyKey,
    each: Render<PurchaseRow>,
    whole: F,
) -> Result<Answered, PostBatchError>
where
    F: FnOnce(Vec<Verdict>) -> Answer + Send + 'static,
{
    caller.require(Scope::TransactionsWrite)?;
    let mut items = Vec::with_capacity(requests.len());
    for (index, request) in requests {
        let item = request.into_item(caller, Some((key_of_item(&key, index), each)));
        items.push(item.map_err(|source| PostBatchError::Item { index, source })?);
    }
    let ctx = ctx.clone();
    let work = async move { hold_and_post(&ctx, items, &key, whole).await };
    match tokio::spawn(work.in_current_span()).await {
        Ok(answered) => answered,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError(sqlx::Error::WorkerCrashed).into()),
    }
}

fn key_of_item(batch: &IdempotencyKey, index: usize) -> IdempotencyKey {
    IdempotencyKey {
        operation: ITEM,
        key: format!("{}#{index}", batch.key),
        ..batch.clone()
    }
}

/// Whoever sends the same batch at the same moment is told so. The key is held outside a transaction, which would be
/// too long.
async fn hold_and_post<F>(
    ctx: &Context,
    items: Vec<PostItem>,
    key: &IdempotencyKey,
    whole: F,
) -> Result<Answered, PostBatchError>
where
    F: FnOnce(Vec<Verdict>) -> Answer,
{
    let Some(mut hold) = KeyHold::take(ctx.key_holders(), key.digest()).await? else {
        return Err(IdempotencyError::InFlight.into());
    };
    let answered = post_once(ctx, &mut hold, items, key, whole).await;
    hold.release().await;
    answered
}

async fn post_once<F>(
    ctx: &Context,
    hold: &mut KeyHold,
    items: Vec<PostItem>,
    key: &IdempotencyKey,
    whole: F,
) -> Result<Answered, PostBatchError>
where
    F: FnOnce(Vec<Verdict>) -> Answer,
{
    if let Some(answer) = given_before(hold, &items, key).await? {
        return Ok(Answered {
            answer,
            replayed: true,
        });
    }
    let verdicts = post(ctx, items).await?;
    let is_final = !verdicts
        .iter()
        .any(|verdict| matches!(verdict, Err(NotPosted::Failed(_))));
    let answer = whole(verdicts);
    if is_final {
        let kept = [key.keep(&answer)];
        kept_answers::insert(hold.conn(), &kept, ctx.clock().now()).await?;
    }
    Ok(Answered {
        answer,
        replayed: false,
    })
}

/// The answer that the batch got before. A key under which another batch has begun is refused before anything is posted.
async fn given_before(
    hold: &mut KeyHold,
    items: &[PostItem],
    key: &IdempotencyKey,
) -> Result<Option<Answer>, PostBatchError> {
    let own = key.digest();
    let of_items = items.iter().filter_map(|item| item.idempotency.as_ref());
    let mut digests = vec![own];
    digests.extend(of_items.map(|(key, _)| key.digest()));
    let mut kept = kept_answers::find(hold.conn(), &digests).await?;
    for kept in kept.values() {
        key.accept(kept)?;
    }
    Ok(kept.remove(&own).and_then(Answer::of_kept))
}

async fn post(ctx: &Context, items: Vec<PostItem>) -> Result<Vec<Verdict>, PostBatchError> {
    let engine = ctx.engine();
    let in_order = depend_on_order(ctx, &items).await?;
    let orders = items.into_iter().map(Order::from).collect();
    let queued = if in_order {
        engine.queue_in_order(ctx, Lane::Bulk, orders).await
    } else {
        engine.queue_each(ctx, Lane::Bulk, orders).await
    };
    let answers = queued.answers().await;
    let mut verdicts = Vec::with_capacity(answers.len());
    for answer in answers {
        verdicts.push(match answer {
            // Every item has a key, and what has a key has an answer.
            Ok(Ok(outcome)) => Ok(outcome.answered().ok_or_else(no_answer)?.answer),
            Ok(Err(PostRefusal::Idempotency(error))) => return Err(error.into()),
            Ok(Err(refusal)) => Err(refusal.into()),
            Err(error @ (EngineError::Store(_) | EngineError::Panicked)) => Err(error.into()),
            Err(error) => return Err(error.into()),
        });
    }
    Ok(verdicts)
}

fn no_answer() -> PostBatchError {
    StoreError(sqlx::Error::RowNotFound).into()
}

/// Whether the result depends on more than the order of each member's purchases, which the engine keeps by itself as
/// long as the member is named in one way: a receipt that comes twice belongs to the first that is not refused, and of
/// a budget the first take what the last may miss.
async fn depend_on_order(ctx: &Context, items: &[PostItem]) -> Result<bool, StoreError> {
    let mut receipts = BTreeSet::new();
    let mut fresh = |item: &PostItem| receipts.insert((item.business, item.receipt_number.clone()));
    if !items.iter().all(&mut fresh) {
        return Ok(true);
    }
    let mut names: BTreeMap<BusinessId, Vec<MemberReference>> = BTreeMap::new();
    for item in items {
        let of_business = names.entry(item.business).or_default();
        of_business.push(item.member.clone());
    }
    // To look a code up is an attempt, and those are counted.
    let is_code = |name: &MemberReference| matches!(name, MemberReference::Code(..));
    if names.values().flatten().any(is_code) {
        return Ok(true);
    }
    let is_phone = |name: &MemberReference| matches!(name, MemberReference::Phone(_));
    let only_phones = names.values().flatten().all(is_phone);
    let mut known: BTreeMap<MemberId, MemberReference> = BTreeMap::new();
    for (business, mut names) in names {
        let mut conn = ctx.of(business).connection().await?;
        if store::earning_rules::has_budget(&mut conn, business.as_uuid()).await? {
            return Ok(true);
        }
        if only_phones {
            continue;
        }
        let found = resolve_members(&mut conn, ctx, business, &names, OnUnknown::Refuse).await?;
        for (name, found) in names.drain(..).zip(found) {
            let Ok(found) = found else { continue };
            if known.entry(found.member).or_insert_with(|| name.clone()) != &name {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
