//! Writes a decided group: one statement for what purchases change, one before it for refunds and holds, if there are any.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::RuleId;
use sqlx::PgConnection;
use store::earning_rules;
use store::error::StoreError;
use store::posting::further::Further;
use store::wallets::WalletRow;
use uuid::Uuid;

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
    if book.touched.is_empty() {
        return Ok(());
    }
    let newcomers: Vec<_> = book.newcomers().collect();
    if book.versions().is_some() && !(newcomers.is_empty() && book.grants.is_empty()) {
        // That is more than one statement: begin again, in a transaction.
        return Err(StoreError::overtaken());
    }
    if !newcomers.is_empty() {
        members::make_waiting(conn, ctx, &newcomers, now).await?;
    }
    let budgets = budgets(conn, book).await?;
    let states = book
        .touched
        .iter()
        .filter_map(|member| book.members().get(member));
    let rows: Vec<WalletRow> = states
        .map(|state| WalletRow {
            wallet: state.wallet.clone(),
            tier: state.tier.clone(),
            tier_since: state.tier_since,
            counted: book.counted(state.wallet.member),
        })
        .collect();
    let rows: Vec<&WalletRow> = rows.iter().collect();
    let mut writes = wallets::changes(&rows);
    writes.versions = book.versions().map(|versions| {
        let version = |row: &&WalletRow| versions.get(&row.wallet.member).copied();
        // No row has a version of which nothing is known.
        rows.iter().map(|row| version(row).unwrap_or(-1)).collect()
    });
    writes.answers = &book.answers;
    writes.receipts = &book.receipts;
    writes.codes = &book.codes;
    writes.purchases = &book.purchases;
    writes.journals = book.journals.iter().collect();
    writes.days = Some(&book.days);
    writes.visits = Some(&book.visits);
    writes.credits = Some(&book.credits);
    writes.today = book.today();
    let (used, freed): (Usage, Usage) = book.usage.iter().partition(|(_, points)| **points > 0);
    writes.usage = Some(&used);
    writes.events = &book.events;
    let further = Further {
        refunds: &book.refunds,
        usage: freed.into_iter().map(|(key, sum)| (key, -sum)).collect(),
        budgets,
        ..Further::default()
    };
    wallets::write(conn, &rows, &writes, further, now).await
}

/// Takes what the group grants from budgets. Without grants there is only what it gives back: it is returned, to be
/// written with the rest.
async fn budgets(
    conn: &mut PgConnection,
    book: &Book,
) -> Result<BTreeMap<RuleId, i64>, StoreError> {
    if book.grants.values().all(|(points, _)| *points <= 0) {
        let freed = book.grants.iter();
        return Ok(freed.map(|(rule, (points, _))| (*rule, -points)).collect());
    }
    let grants: Vec<_> = book
        .grants
        .iter()
        .map(|(rule, (points, most))| (rule.as_uuid(), *points, *most))
        .collect();
    if earning_rules::grant_from_budgets(conn, &grants).await? < grants.len() {
        return Err(StoreError::overtaken());
    }
    Ok(BTreeMap::new())
}

/// What counts against caps of members, or no longer does: member, rule, first day of the period; hundredths.
pub(super) type Usage = BTreeMap<(Uuid, RuleId, NaiveDate), i64>;

/// What a group grants from budgets, less what it gives back: points and the budget itself, by rule.
pub(super) type Grants = BTreeMap<RuleId, (i64, i64)>;
