//! The groups of an import that are on their way through the engine: read ahead, kept one by one in their order.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use store::error::StoreError;
use store::imports::ImportRow;
use tokio::task::JoinHandle;

use super::group::{self, Decided, GroupError, Work};
use super::reader::{FileReader, Group};
use crate::context::Context;
use crate::loyalty::posting::Stage;

/// How many rows are posted before the place is kept.
const GROUP: usize = 500;

/// How many groups are under way, so that the engine has work while a place is kept and rows are read.
const UNDER_WAY: usize = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Ahead {
    ctx: Context,
    work: Work,
    under_way: VecDeque<UnderWay>,
    /// Read, but to wait until those under way are done: it has a receipt of one of them.
    waiting: Option<Arc<Group>>,
    at_end: bool,
}

#[derive(Debug)]
struct UnderWay {
    group: Arc<Group>,
    task: JoinHandle<Result<Decided, GroupError>>,
}

impl Ahead {
    pub(super) fn new(ctx: &Context, work: Work) -> Self {
        Self {
            ctx: ctx.clone(),
            work,
            under_way: VecDeque::new(),
            waiting: None,
            at_end: false,
        }
    }

    /// Whether everything was read.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Begins as many groups as may be under way.
    pub(super) async fn fill(&mut self, reader: &mut FileReader) -> Result<(), StoreError> {
        let alone = self.work.dry_run || self.work.in_order;
        let most = if alone { 1 } else { UNDER_WAY };
        while !self.at_end && self.under_way.len() < most {
            let group = match self.waiting.take() {
                Some(group) => group,
                None => match reader.group(GROUP).await? {
                    Some(group) => Arc::new(group),
                    None => {
                        self.at_end = true;
                        return Ok(());
                    }
                },
            };
            if self.shares_receipts(&group) {
                self.waiting = Some(group);
                return Ok(());
            }
            self.begin(group).await?;
        }
        Ok(())
    }

    async fn begin(&mut self, group: Arc<Group>) -> Result<(), StoreError> {
        let stage = Stage::set(&self.ctx, &BTreeSet::from([self.work.business])).await?;
        let (ctx, work, posted) = (self.ctx.clone(), self.work, Arc::clone(&group));
        let task = tokio::spawn(async move { group::post(&ctx, &stage, work, posted).await });
        self.under_way.push_back(UnderWay { group, task });
        Ok(())
    }

    fn shares_receipts(&self, group: &Group) -> bool {
        let receipts = |group: &Group| -> BTreeSet<String> {
            let numbers = group
                .rows
                .iter()
                .filter_map(|row| row.receipt_number.clone());
            numbers.collect()
        };
        if self.under_way.is_empty() {
            return false;
        }
        let mine = receipts(group);
        self.under_way
            .iter()
            .any(|other| !receipts(&other.group).is_disjoint(&mine))
    }

    /// Waits for the oldest group and keeps what it has come to; none: nothing is under way.
    pub(super) async fn keep_oldest(&mut self) -> Result<Option<ImportRow>, GroupError> {
        let Some(oldest) = self.under_way.pop_front() else {
            return Ok(None);
        };
        let decided = match oldest.task.await {
            Ok(decided) => decided?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(StoreError(sqlx::Error::WorkerCrashed).into()),
        };
        let row = group::keep_at(&self.ctx, self.work, oldest.group, decided).await?;
        Ok(Some(row))
    }

    /// Waits until nothing is under way, after a failure: what was posted is found again by whoever goes on.
    pub(super) async fn let_finish(&mut self) {
        for other in self.under_way.drain(..) {
            let _found_again = other.task.await;
        }
    }
}
