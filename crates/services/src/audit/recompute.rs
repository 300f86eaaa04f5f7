//! Recomputes the ledger and all that is kept beside it, at one moment, and names what differs.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use store::audit::{self as checks, CHECKS, Check, DifferenceRow};
use store::error::StoreError;

use super::report::{AuditReport, CheckCount, Difference, Totals};
use crate::context::Context;
use crate::transaction;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Another audit that is to be kept is running.
    #[error("an audit is running")]
    Running,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Audits; of the differences the first `limit` are named, some of each check. It reads one snapshot, changes nothing
/// and disturbs nobody.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn audit(ctx: &Context, limit: u16) -> Result<AuditReport, StoreError> {
    let ctx = &ctx.across();
    transaction::run(ctx, (ctx.clone(), limit), |conn, (ctx, limit)| {
        Box::pin(async move {
            checks::begin(conn).await?;
            recompute(conn, ctx, *limit).await
        })
    })
    .await
}

/// Audits unless another process does just this.
pub(super) async fn audit_alone(ctx: &Context, limit: u16) -> Result<AuditReport, AuditError> {
    let ctx = &ctx.across();
    transaction::run(ctx, (ctx.clone(), limit), |conn, (ctx, limit)| {
        Box::pin(async move {
            checks::begin(conn).await?;
            if !checks::try_lock(conn).await? {
                return Err(AuditError::Running);
            }
            Ok(recompute(conn, ctx, *limit).await?)
        })
    })
    .await
}

async fn recompute(
    conn: &mut PgConnection,
    ctx: &Context,
    limit: u16,
) -> Result<AuditReport, StoreError> {
    let started_at = ctx.clock().now();
    let accounts = checks::account_totals(conn).await?;
    let totals = Totals::of(checks::totals(conn).await?, &accounts);
    let mut found = Vec::with_capacity(CHECKS.len());
    for check in CHECKS {
        let rows = checks::run(conn, *check, i64::from(limit.max(1))).await?;
        tracing::debug!(check = check.name, differences = rows.len(), "audited");
        found.push((*check, rows));
    }
    let by_check: Vec<CheckCount> = found
        .iter()
        .filter_map(|(check, rows)| {
            Some(CheckCount {
                check: check.name,
                differences: rows.first()?.total,
            })
        })
        .collect();
    Ok(AuditReport {
        started_at,
        finished_at: ctx.clock().now(),
        totals,
        checks: CHECKS.len(),
        differences: by_check.iter().map(|count| count.differences).sum(),
        by_check,
        named: first_of_each(found, limit),
    })
}

/// The first rows of every check before the second of any, so that a flood of one kind hides no other.
fn first_of_each(found: Vec<(Check, Vec<DifferenceRow>)>, limit: u16) -> Vec<Difference> {
    let mut by_rank: BTreeMap<(usize, usize), Difference> = BTreeMap::new();
    for (place, (check, rows)) in found.into_iter().enumerate() {
        for (rank, row) in rows.into_iter().enumerate() {
            by_rank.insert((rank, place), named(check, row));
        }
    }
    let chosen = by_rank.into_iter().take(usize::from(limit));
    let in_order: BTreeMap<(usize, usize), Difference> = chosen
        .map(|((rank, place), difference)| ((place, rank), difference))
        .collect();
    in_order.into_values().collect()
}

fn named(check: Check, row: DifferenceRow) -> Difference {
    Difference {
        check: check.name.to_owned(),
        subject: check.subject.to_owned(),
        subject_id: row.subject_id,
        member_id: row.member_id.map(Into::into),
        business_id: row.business_id.map(Into::into),
        field: row.field,
        expected: row.expected,
        found: row.found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(field: &str) -> DifferenceRow {
        DifferenceRow {
            subject_id: None,
            member_id: None,
            business_id: None,
            field: field.to_owned(),
            expected: None,
            found: None,
            total: 3,
        }
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let found = vec![
            (CHECKS[0], vec![row("a1"), row("a2"), row("a3")]),
            (CHECKS[1], Vec::new()),
            (CHECKS[2], vec![row("c1")]),
        ];
        let fields = |limit| -> Vec<String> {
            first_of_each(found.clone(), limit)
                .into_iter()
                .map(|difference| difference.field)
                .collect()
        };
        assert_eq!(fields(2), ["a1", "c1"]);
        assert_eq!(fields(3), ["a1", "a2", "c1"]);
        assert_eq!(fields(9), ["a1", "a2", "a3", "c1"]);
        assert!(fields(0).is_empty());
    }
}
