//! Works on an import, from where it stands to its end. One worker has an import at a time; whoever comes second is
//! told so, and even if both worked, each group is posted once, because it is posted only at its own place.

use domain::ids::MemberId;
use store::error::StoreError;
use store::imports::{ImportRow, WorkLock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ahead::Ahead;
use super::group::{GroupError, Work};
use super::layout::Layout;
use super::model::{Import, decode};
use super::reader::{FileReader, Place};
use super::row::RowReader;
use crate::context::Context;
use crate::loyalty::engine::EngineError;
use crate::loyalty::ladder;
use crate::transaction;

/// How the work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The import is done or has failed, now or earlier.
    Ended(Import),
    /// The stop came; the rest can be done later.
    Stopped(Import),
    /// Somebody else works on it.
    Busy,
}

/// Why the work broke off. What was posted stays posted, and the rest can be done later.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such import, or its file never came whole.
    #[error("unknown import")]
    Unknown,
    /// The engine stopped, or a row made it fail.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Works on an import until it ends or `stop` is cancelled. `report` is told the progress after each group.
///
/// # Errors
/// [`RunError`].
pub async fn run(
    ctx: &Context,
    import: Uuid,
    stop: &CancellationToken,
    report: impl FnMut(&Import) + Send,
) -> Result<RunEnd, RunError> {
    let Some(lock) = WorkLock::take(ctx.pool(), import).await? else {
        return Ok(RunEnd::Busy);
    };
    let end = match of_its_business(ctx, import).await {
        Ok(ctx) => work(&ctx, import, stop, report).await,
        Err(error) => Err(error),
    };
    lock.release().await;
    end
}

/// The context for the business of an import, whose identifier is all that a job is told.
async fn of_its_business(ctx: &Context, import: Uuid) -> Result<Context, RunError> {
    let mut conn = ctx.across().connection().await?;
    let row = store::imports::get_across_businesses(&mut conn, import).await?;
    Ok(ctx.of(row.ok_or(RunError::Unknown)?.business_id.into()))
}

async fn work(
    ctx: &Context,
    import: Uuid,
    stop: &CancellationToken,
    mut report: impl FnMut(&Import) + Send,
) -> Result<RunEnd, RunError> {
    let Some(mut row) = start(ctx, import).await? else {
        return ended(ctx, import).await;
    };
    let mut reader = open(ctx, &row).await?;
    let work = Work {
        import,
        business: row.business_id.into(),
        sender: row.created_by.map(MemberId::from),
        dry_run: row.dry_run,
        in_order: has_budget(ctx, &row).await?,
    };
    let mut ahead = Ahead::new(ctx, work);
    loop {
        // What was begun is finished: a stop leaves nothing that the next worker must find again.
        if !stop.is_cancelled() {
            ahead.fill(&mut reader).await?;
        }
        let kept = ahead.keep_oldest().await;
        if kept.is_err() {
            ahead.let_finish().await;
        }
        let next = match kept {
            Ok(next) => next,
            Err(GroupError::Superseded) => return ended(ctx, import).await,
            Err(GroupError::Overflow) => {
                let failure = ("overflow", "the sums of the import are too large");
                return Ok(RunEnd::Ended(end(ctx, import, Some(failure)).await?));
            }
            Err(GroupError::Decided(_)) => {
                return Err(decode("a dry run came out undecided").into());
            }
            Err(GroupError::Engine(EngineError::Store(error))) => return Err(error.into()),
            Err(GroupError::Engine(error)) => return Err(error.into()),
            Err(GroupError::Store(error)) => return Err(error.into()),
        };
        let Some(next) = next else { break };
        row = next;
        report(&row.clone().try_into()?);
    }
    if !ahead.at_end() {
        return Ok(RunEnd::Stopped(row.try_into()?));
    }
    Ok(RunEnd::Ended(end(ctx, import, None).await?))
}

async fn has_budget(ctx: &Context, row: &ImportRow) -> Result<bool, StoreError> {
    let mut conn = ctx.connection().await?;
    store::earning_rules::has_budget(&mut conn, row.business_id).await
}

async fn start(ctx: &Context, import: Uuid) -> Result<Option<ImportRow>, StoreError> {
    transaction::run(ctx, (ctx.clone(), import), |conn, (ctx, import)| {
        Box::pin(store::imports::start(conn, *import, ctx.clock().now()))
    })
    .await
}

async fn open(ctx: &Context, row: &ImportRow) -> Result<FileReader, StoreError> {
    let frame = ladder::frame(ctx).await?;
    let layout: Option<Layout> = match &row.layout {
        Some(layout) => Some(serde_json::from_value(layout.clone()).map_err(decode)?),
        None => None,
    };
    let rows = RowReader {
        format: row.format.parse().map_err(decode)?,
        layout,
        zone: frame.programme.settings.time_zone,
        region: ctx.config().default_region,
        business: row.business_id.into(),
        only_location: row.only_location_id.map(Into::into),
    };
    let place = Place {
        byte: row.bytes_done,
        line: row.lines_done,
        row: row.rows_done,
    };
    Ok(FileReader::new(ctx, row.id, row.bytes_total, rows, place))
}

/// What an import that is not to be worked on has come to.
async fn ended(ctx: &Context, import: Uuid) -> Result<RunEnd, RunError> {
    let mut conn = ctx.connection().await?;
    let row = store::imports::get_across_businesses(&mut conn, import).await?;
    match row {
        Some(row) if row.finished_at.is_some() => Ok(RunEnd::Ended(row.try_into()?)),
        Some(row) if row.state == "running" => Ok(RunEnd::Busy),
        _ => Err(RunError::Unknown),
    }
}

/// Ends an import as failed, for a reason (code, sentence); one that has ended stays as it is.
///
/// # Errors
/// [`RunError`].
pub(super) async fn give_up(
    ctx: &Context,
    import: Uuid,
    failure: (&'static str, &'static str),
) -> Result<Import, RunError> {
    let ctx = of_its_business(ctx, import).await?;
    end(&ctx, import, Some(failure)).await
}

/// Ends an import, as failed if a reason (code, sentence) is given; one that has ended stays as it is.
async fn end(
    ctx: &Context,
    import: Uuid,
    failure: Option<(&'static str, &'static str)>,
) -> Result<Import, RunError> {
    let input = (ctx.clone(), import, failure);
    let row = transaction::run(ctx, input, |conn, (ctx, import, failure)| {
        Box::pin(async move {
            let now = ctx.clock().now();
            match store::imports::finish(conn, *import, *failure, now).await? {
                Some(row) => Ok::<_, StoreError>(Some(row)),
                None => store::imports::get_across_businesses(conn, *import).await,
            }
        })
    })
    .await?;
    Ok(row.ok_or(RunError::Unknown)?.try_into()?)
}
