//! Posts up to a thousand purchases in one transaction; each has its own verdict, in the order given.

use domain::rights::Scope;
use store::error::StoreError;

use super::post_purchase::{Outcomes, PostPurchaseError, PurchaseRequest};
use super::posting::{self, PostItem, PostOutcome, PostRefusal, Posted, Stage};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{self, Answer, Answered, IdempotencyError, IdempotencyKey};
use crate::transaction;

/// The most purchases of one batch.
pub const MAX_BATCH: usize = 1_000;

/// What became of one purchase of a batch.
pub type Verdict = Result<Posted, PostRefusal>;

/// Why a batch was not taken. Nothing was posted.
#[derive(Debug, thiserror::Error)]
pub enum PostBatchError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A purchase of the batch is for a business to which the caller does not belong.
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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PostBatchError> for PostPurchaseError {
    fn from(error: PostBatchError) -> Self {
        match error {
            PostBatchError::Access(error) | PostBatchError::Item { source: error, .. } => {
                Self::Access(error)
            }
            PostBatchError::Idempotency(error) => Self::Refused(error.into()),
            PostBatchError::Store(error) => Self::Store(error),
        }
    }
}

/// Posts a batch. What is refused is refused alone; the rest is posted. The result is that of the same purchases posted
/// one by one in this order.
///
/// # Errors
/// [`PostBatchError`] says why nothing was posted.
pub async fn post_batch<F>(
    ctx: &Context,
    caller: &TillCaller,
    requests: Vec<PurchaseRequest>,
    key: IdempotencyKey,
    render: F,
) -> Result<Answered, PostBatchError>
where
    F: Fn(&[Verdict]) -> Answer + Send + Sync + 'static,
{
    caller.require(Scope::TransactionsWrite)?;
    let mut items = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let item = request.into_item(caller, None);
        items.push(item.map_err(|source| PostBatchError::Item { index, source })?);
    }
    let stage = Stage::of(ctx, &items).await?;
    let input = (ctx.clone(), stage, items, key, render);
    transaction::run(ctx, input, |conn, (ctx, stage, items, key, render)| {
        Box::pin(async move {
            if let Some(answer) = idempotency::begin::<PostBatchError>(conn, key).await? {
                return Ok(Answered {
                    answer,
                    replayed: true,
                });
            }
            let outcomes = posting::post_group(conn, ctx, stage, items).await?;
            let answer = render(&verdicts(outcomes, items));
            idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
            Ok(Answered {
                answer,
                replayed: false,
            })
        })
    })
    .await
}

fn verdicts(outcomes: Outcomes, items: &[PostItem]) -> Vec<Verdict> {
    debug_assert_eq!(outcomes.len(), items.len());
    outcomes
        .into_iter()
        .map(|outcome| match outcome? {
            PostOutcome::Posted(posted, _) => Ok(*posted),
            // Items of a batch have no key of their own.
            PostOutcome::Replayed(_) => Err(IdempotencyError::InFlight.into()),
        })
        .collect()
}
