//! One group of rows: the verdicts, and the place that was reached. Rows go through the engine, split by member; the
//! place is kept in a transaction of its own when all of them have an outcome. A row that was posted before the work
//! broke off is known again by the import and the row that its purchase carries. A dry run decides in a transaction
//! that is rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use domain::ids::{BusinessId, MemberId};
use sqlx::PgConnection;
use store::error::StoreError;
use store::import_verdicts::{PostedRow, VerdictRow};
use store::imports::{Advance, ImportRow};
use uuid::Uuid;

use super::reader::Group;
use super::row::{Row, RowPurchase};
use super::verdict::{Verdict, fault_of};
use super::waves;
use crate::context::Context;
use crate::loyalty::engine::EngineError;
use crate::loyalty::posting::{self, Order, PostOutcome, PostRefusal, Stage};
use crate::members::{MemberReference, OnUnknown, resolve_members};
use crate::transaction;

/// What a group is posted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) import: Uuid,
    pub(super) business: BusinessId,
    pub(super) sender: Option<MemberId>,
    pub(super) dry_run: bool,
    /// Whether rows depend on each other beyond their members: a rule with a budget goes to whoever comes first.
    pub(super) in_order: bool,
}

impl Work {
    /// A row's purchase as it is posted.
    pub(super) fn item(&self, (row, purchase): (&Row, &RowPurchase)) -> Order {
        let item = purchase.item(self.business, self.sender, (self.import, row.number));
        item.into()
    }
}

/// Why a group was not posted. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum GroupError {
    /// The import is not where this worker left it: another worked on it, or it was ended.
    #[error("somebody else has gone on with the import")]
    Superseded,
    /// The sums of the import would not fit.
    #[error("the sums of the import are too large")]
    Overflow,
    /// The engine did not take a row, or stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Not an error: what a dry run has decided, on its way out of a transaction that is to be rolled back.
    #[error("decided, to be rolled back")]
    Decided(Box<Decided>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be kept of a decided group.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    verdicts: Vec<VerdictRow>,
    advance: Advance,
    /// What a dry run would have posted: receipts with their fingerprints.
    dry_receipts: Vec<(String, Vec<u8>)>,
}

/// Posts a group, or only decides it in a dry run. What is found is to be kept by [`keep_at`].
pub(super) async fn post(
    ctx: &Context,
    stage: &Stage,
    work: Work,
    group: Arc<Group>,
) -> Result<Decided, GroupError> {
    if work.dry_run {
        return try_out(ctx, stage, work, group).await;
    }
    let mut tally = Tally::new(&group);
    let good: Vec<(&Row, &RowPurchase)> = sorted_out(&group, &mut tally);
    let outcomes = waves::post(ctx, work, &good).await?;
    let mut conn = ctx.connection().await?;
    take(&mut conn, ctx, work, good, outcomes, &mut tally).await?;
    Ok(tally.done())
}

/// Keeps what a group has come to, if the import still stands where the group begins.
pub(super) async fn keep_at(
    ctx: &Context,
    work: Work,
    group: Arc<Group>,
    decided: Decided,
) -> Result<ImportRow, GroupError> {
    let input = (ctx.clone(), work, group, decided);
    transaction::run(ctx, input, |conn, (ctx, work, group, decided)| {
        Box::pin(async move {
            stand_at(conn, *work, group).await?;
            keep(conn, ctx, *work, decided).await
        })
    })
    .await
}

async fn try_out(
    ctx: &Context,
    stage: &Stage,
    work: Work,
    group: Arc<Group>,
) -> Result<Decided, GroupError> {
    let input = (ctx.clone(), stage.clone(), work, group);
    let tried: Result<(), GroupError> =
        transaction::run(ctx, input, |conn, (ctx, stage, work, group)| {
            Box::pin(async move {
                let decided = decide(conn, ctx, stage, *work, group).await?;
                Err(GroupError::Decided(Box::new(decided)))
            })
        })
        .await;
    match tried {
        Err(GroupError::Decided(decided)) => Ok(*decided),
        Err(error) => Err(error),
        Ok(()) => Err(StoreError(sqlx::Error::RowNotFound).into()),
    }
}

/// Locks the import, which must stand where the group begins.
async fn stand_at(conn: &mut PgConnection, work: Work, group: &Group) -> Result<(), GroupError> {
    if store::imports::lock_at(conn, work.import, group.from).await? {
        Ok(())
    } else {
        Err(GroupError::Superseded)
    }
}

async fn keep(
    conn: &mut PgConnection,
    ctx: &Context,
    work: Work,
    decided: &Decided,
) -> Result<ImportRow, GroupError> {
    store::import_verdicts::insert(conn, work.import, &decided.verdicts).await?;
    if !decided.dry_receipts.is_empty() {
        store::import_dry_receipts::insert(conn, work.import, &decided.dry_receipts).await?;
    }
    let now = ctx.clock().now();
    let row = store::imports::advance(conn, work.import, &decided.advance, now).await;
    // 22003: numeric value out of range.
    row.map_err(|error| match error.code() {
        Some("22003") => GroupError::Overflow,
        _ => error.into(),
    })
}

/// A purchase that was refused because its receipt is there.
struct Seen<'a> {
    row: &'a Row,
    purchase: &'a RowPurchase,
    transaction: Uuid,
}

/// The rows that can be read; the others have their verdict.
fn sorted_out<'g>(group: &'g Group, tally: &mut Tally) -> Vec<(&'g Row, &'g RowPurchase)> {
    let mut good = Vec::with_capacity(group.rows.len());
    for row in &group.rows {
        match &row.purchase {
            Err(fault) => tally.verdict(row, Verdict::Refused(fault.clone(), None)),
            Ok(purchase) => good.push((row, purchase)),
        }
    }
    good
}

async fn decide(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    work: Work,
    group: &Group,
) -> Result<Decided, GroupError> {
    let mut tally = Tally::new(group);
    let before = dry_receipts(conn, work, group).await?;
    let mut good = sorted_out(group, &mut tally);
    good.retain(|(row, purchase)| {
        let kept = before.get(&purchase.receipt_number);
        if let Some(kept) = kept {
            let is_same = *kept == fingerprint(ctx, purchase);
            tally.verdict(row, Verdict::seen(is_same, None));
        }
        kept.is_none()
    });
    let items: Vec<Order> = good.iter().map(|row| work.item(*row)).collect();
    store::pool::plan_once(conn).await?;
    let outcomes = posting::post_group(conn, ctx, stage, &items).await?;
    take(conn, ctx, work, good, outcomes, &mut tally).await?;
    Ok(tally.done())
}

/// Counts the outcomes of rows.
async fn take(
    conn: &mut PgConnection,
    ctx: &Context,
    work: Work,
    good: Vec<(&Row, &RowPurchase)>,
    outcomes: Vec<Result<PostOutcome, PostRefusal>>,
    tally: &mut Tally,
) -> Result<(), GroupError> {
    let mut seen = Vec::new();
    for ((row, purchase), outcome) in good.into_iter().zip(outcomes) {
        match outcome {
            Ok(PostOutcome::Posted(posted, _)) => {
                let posted = &posted.purchase;
                tally.posted(posted.id, posted.total, posted.points_earned)?;
                if work.dry_run {
                    let receipt = purchase.receipt_number.clone();
                    let fingerprint = fingerprint(ctx, purchase);
                    tally.decided.dry_receipts.push((receipt, fingerprint));
                }
            }
            // Rows are purchases and have no key under which an answer could have been kept.
            Ok(_) => {}
            Err(PostRefusal::ReceiptSeen { transaction }) => seen.push(Seen {
                row,
                purchase,
                transaction,
            }),
            Err(refusal) => tally.verdict(row, Verdict::Refused(fault_of(&refusal), None)),
        }
    }
    compare(conn, ctx, work, &seen, tally).await
}

/// The receipts of the group that an earlier group of a dry run would have posted.
async fn dry_receipts(
    conn: &mut PgConnection,
    work: Work,
    group: &Group,
) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    if !work.dry_run {
        return Ok(BTreeMap::new());
    }
    let numbers: Vec<String> = group
        .rows
        .iter()
        .filter_map(|row| row.receipt_number.clone())
        .collect();
    let found = store::import_dry_receipts::find(conn, work.import, &numbers).await?;
    Ok(found.into_iter().collect())
}

/// Tells duplicates from conflicts: the same member and the same bill make the same purchase.
async fn compare(
    conn: &mut PgConnection,
    ctx: &Context,
    work: Work,
    seen: &[Seen<'_>],
    tally: &mut Tally,
) -> Result<(), GroupError> {
    if seen.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = seen.iter().map(|seen| seen.transaction).collect();
    let posted = store::import_verdicts::posted(conn, work.business, &ids).await?;
    let posted: BTreeMap<Uuid, PostedRow> = posted.into_iter().map(|row| (row.id, row)).collect();
    let members: Vec<MemberReference> = seen
        .iter()
        .map(|seen| seen.purchase.member.clone())
        .collect();
    let members = resolve_members(conn, ctx, work.business, &members, OnUnknown::Refuse).await?;
    for (seen, member) in seen.iter().zip(members) {
        let posted = posted.get(&seen.transaction);
        if let Some(own) = posted.filter(|posted| posted.is_of(work.import, seen.row.number)) {
            tally.posted(own.id, own.total, own.points_earned)?;
            continue;
        }
        let mine = member.ok().map(|found| found.member.as_uuid());
        let mine = mine.zip(seen.purchase.total());
        let is_same = mine.is_some() && mine == posted.map(|row| (row.member_id, row.total));
        // What a dry run has posted in this transaction is gone with it.
        let of_this_run = work.dry_run && tally.transactions.contains(&seen.transaction);
        let transaction = (!of_this_run).then_some(seen.transaction);
        tally.verdict(seen.row, Verdict::seen(is_same, transaction));
    }
    Ok(())
}

/// Tells purchases of a dry run apart as [`compare`] does those that were posted.
fn fingerprint(ctx: &Context, purchase: &RowPurchase) -> Vec<u8> {
    let (kind, name) = match &purchase.member {
        MemberReference::Phone(phone) => (0, ctx.vault().phone_hash(phone)),
        MemberReference::Number(number) => (1, number.as_str().as_bytes().to_vec()),
        MemberReference::Alias(alias) => (2, alias.as_bytes().to_vec()),
        MemberReference::Member(id) | MemberReference::Found(_, id) => {
            (3, id.as_uuid().as_bytes().to_vec())
        }
        MemberReference::Code(code, _) => (4, code.locator().as_bytes().to_vec()),
    };
    let mut hash = digest::Context::new(&SHA256);
    hash.update(&purchase.total().unwrap_or(-1).to_be_bytes());
    hash.update(&[kind]);
    hash.update(&name);
    hash.finish().as_ref().to_vec()
}

/// Counts while a group is decided.
struct Tally {
    decided: Decided,
    transactions: BTreeSet<Uuid>,
}

impl Tally {
    fn new(group: &Group) -> Self {
        Self {
            decided: Decided {
                verdicts: Vec::new(),
                advance: Advance {
                    bytes_done: group.to.byte,
                    lines_done: group.to.line,
                    ..Advance::default()
                },
                dry_receipts: Vec::new(),
            },
            transactions: BTreeSet::new(),
        }
    }

    fn posted(&mut self, purchase: Uuid, total: i64, points: i64) -> Result<(), GroupError> {
        let advance = &mut self.decided.advance;
        let sum = |sum: i64, more: i64| sum.checked_add(more).ok_or(GroupError::Overflow);
        advance.posted += 1;
        advance.money = sum(advance.money, total)?;
        advance.points = sum(advance.points, points)?;
        self.transactions.insert(purchase);
        Ok(())
    }

    fn verdict(&mut self, row: &Row, verdict: Verdict) {
        match verdict {
            Verdict::Duplicate(_) => self.decided.advance.duplicate += 1,
            Verdict::Refused(..) => self.decided.advance.refused += 1,
        }
        self.decided.verdicts.push(verdict.kept(row));
    }

    fn done(self) -> Decided {
        self.decided
    }
}
