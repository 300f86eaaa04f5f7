//! Writes a decided group with one statement a table.

use chrono::{DateTime, Utc};
use domain::loyalty::ledger::Journal;
use sqlx::PgConnection;
use store::error::StoreError;
use store::receipts::ReceiptKind;
use store::wallets::WalletRow;
use store::{
    earning_rules, idempotency_keys, journals, member_progress, outbox_events, purchases, receipts,
    used_member_codes,
};

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
    // What others may have taken at the same moment comes first: a lost race costs little then.
    idempotency_keys::insert(conn, &book.answers, now).await?;
    receipts::insert(conn, ReceiptKind::Purchase, &book.receipts).await?;
    used_member_codes::insert(conn, &book.codes, now).await?;
    let newcomers: Vec<_> = book.newcomers().collect();
    members::make_waiting(conn, ctx, &newcomers, now).await?;
    purchases::insert(conn, &book.purchases).await?;
    purchases::insert_lines(conn, &book.lines).await?;
    let rows: Vec<WalletRow> = book
        .touched
        .iter()
        .filter_map(|member| book.members().get(member))
        .map(|state| WalletRow {
            wallet: state.wallet.clone(),
            tier: state.tier.clone(),
            tier_since: state.tier_since,
        })
        .collect();
    let rows: Vec<&WalletRow> = rows.iter().collect();
    wallets::store(conn, &rows, now).await?;
    let journals: Vec<&Journal> = book.journals.iter().collect();
    journals::insert(conn, &journals, now).await?;
    member_progress::add_days(conn, &book.days).await?;
    member_progress::add_visits(conn, &book.visits).await?;
    earning_rules::add_to_usage(conn, &book.usage).await?;
    earning_rules::add_to_budgets(conn, &book.budgets).await?;
    outbox_events::insert(conn, &book.events, now).await
}
