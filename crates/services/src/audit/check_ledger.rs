//! What the last audit found, or a fresh one, for an admin. Audits that are kept run one at a time.

use chrono::{DateTime, Utc};
use domain::rights::OperatorRole;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::audit::RunRow;
use store::error::StoreError;
use uuid::Uuid;

use super::recompute::{AuditError, audit_alone};
use super::report::{Difference, Totals};
use crate::audit_log::{Anchors, LogReport, check_log};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// How many differences are kept by name.
const NAMED: u16 = 100;

/// An audit that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAudit {
    /// Its identifier.
    pub id: Uuid,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// What there was in all.
    pub totals: Totals,
    /// How many differences it found in all.
    pub differences: i64,
    /// The first hundred of them.
    pub named: Vec<Difference>,
    /// What was found in the audit log; audits of old have none.
    pub log: Option<LogReport>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckLedgerError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// An audit is running.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The last audit; a new one if `fresh`, or if there was none.
///
/// # Errors
/// See [`CheckLedgerError`].
pub async fn check_ledger(
    ctx: &Context,
    caller: &OperatorCaller,
    fresh: bool,
) -> Result<KeptAudit, CheckLedgerError> {
    caller.require(OperatorRole::Admin)?;
    if !fresh {
        let last = store::audit::last_run(&mut *ctx.connection().await?).await?;
        if let Some(last) = last {
            return Ok(kept(last)?);
        }
    }
    Ok(audit_and_keep(ctx).await?)
}

/// Audits and keeps what was found.
///
/// # Errors
/// [`AuditError`]; nothing is kept then.
pub async fn audit_and_keep(ctx: &Context) -> Result<KeptAudit, AuditError> {
    let report = audit_alone(ctx, NAMED).await?;
    let log = check_log(ctx, &Anchors::of(ctx), NAMED).await?;
    let row = RunRow {
        id: ctx.ids().uuid(),
        started_at: report.started_at,
        finished_at: report.finished_at,
        differences: report.differences,
        totals: written(&report.totals)?,
        named: written(&report.named)?,
        log: Some(written(&log)?),
    };
    transaction::run(ctx, row.clone(), |conn, row| {
        Box::pin(store::audit::insert_run(conn, row))
    })
    .await?;
    let gauge = i32::try_from(report.differences).unwrap_or(i32::MAX);
    metrics::gauge!("audit_differences").set(f64::from(gauge));
    if report.is_clean() {
        tracing::info!(entries = report.totals.entries, "the ledger is sound");
    } else {
        let (differences, checks) = (report.differences, &report.by_check);
        tracing::error!(
            differences,
            ?checks,
            "the ledger is not sound; `owncircle audit` names the differences"
        );
    }
    tell_of_log(&log);
    Ok(KeptAudit {
        id: row.id,
        started_at: row.started_at,
        finished_at: row.finished_at,
        totals: report.totals,
        differences: report.differences,
        named: report.named,
        log: Some(log),
    })
}

fn tell_of_log(log: &LogReport) {
    let gauge = i32::try_from(log.differences).unwrap_or(i32::MAX);
    metrics::gauge!("audit_log_differences").set(f64::from(gauge));
    if log.is_clean() {
        tracing::info!(sealed = log.sealed, "the audit log is sound");
    } else {
        tracing::error!(
            differences = log.differences,
            "the audit log is not sound; `owncircle audit --log` names the differences"
        );
    }
}

fn written(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError(sqlx::Error::Encode(Box::new(error))))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))
}

fn kept(row: RunRow) -> Result<KeptAudit, StoreError> {
    Ok(KeptAudit {
        id: row.id,
        started_at: row.started_at,
        finished_at: row.finished_at,
        totals: read(row.totals)?,
        differences: row.differences,
        named: read(row.named)?,
        log: row.log.map(read).transpose()?,
    })
}
