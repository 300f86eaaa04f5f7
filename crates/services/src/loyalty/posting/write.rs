//! Writes a decided group with one statement.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use store::earning_rules;
use store::error::StoreError;
use store::wallets::WalletRow;

use super::book::Book;
use crate::context::Context;
use crate::loyalty::wallets;
use crate::members;

pub(super) async fn write(
    conn: &mut PgConnection,
    ctx: &Context,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if book.purchases.is_empty() {
        return Ok(());
    }
    let newcomers: Vec<_> = book.newcomers().collect();
    if !newcomers.is_empty() {
        members::make_waiting(conn, ctx, &newcomers, now).await?;
    }
    if !book.grants.is_empty() {
        let grants: Vec<_> = book
            .grants
            .iter()
            .map(|(rule, (points, most))| (rule.as_uuid(), *points, *most))
            .collect();
        if earning_rules::grant_from_budgets(conn, &grants).await? < grants.len() {
            return Err(StoreError::overtaken());
        }
    }
    let states = book
        .touched
        .iter()
        .filter_map(|member| book.members().get(member));
    let rows: Vec<WalletRow> = states
        .map(|state| WalletRow {
            wallet: state.wallet.clone(),
            tier: state.tier.clone(),
            tier_since: state.tier_since,
        })
        .collect();
    let rows: Vec<&WalletRow> = rows.iter().collect();
    let mut writes = wallets::changes(&rows);
    writes.answers = &book.answers;
    writes.receipts = &book.receipts;
    writes.codes = &book.codes;
    writes.purchases = &book.purchases;
    writes.lines = &book.lines;
    writes.journals = book.journals.iter().collect();
    writes.days = Some(&book.days);
    writes.visits = Some(&book.visits);
    writes.usage = Some(&book.usage);
    writes.events = &book.events;
    wallets::write(conn, &rows, &writes, now).await
}

/// What a group grants from budgets: points and the budget itself, by rule.
pub(super) type Grants = BTreeMap<domain::ids::RuleId, (i64, i64)>;
