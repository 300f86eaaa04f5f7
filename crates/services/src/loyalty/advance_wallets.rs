//! Does on time what time does to wallets: holds lapse, lots activate and expire. Nothing else depends on it, because
//! whoever touches a wallet does the same first; it keeps balances and the liability current for members who stay away.

use std::collections::BTreeSet;

use domain::ids::MemberId;
use domain::loyalty::wallet::WalletError;
use store::error::StoreError;

use super::wallets::{self, Needs};
use crate::context::Context;
use crate::transaction;

/// How many members one transaction does.
const GROUP: i64 = 500;

/// Why wallets were not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// A wallet can't be continued: a mistake of ours.
    #[error("a wallet can't be brought to this moment: {0}")]
    Wallet(#[from] WalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings every wallet with something due up to now, a group a transaction; says how many wallets it did.
///
/// # Errors
/// [`AdvanceError`]; groups that were done stay done.
pub async fn advance_wallets(ctx: &Context) -> Result<u64, AdvanceError> {
    let mut done = 0;
    loop {
        let group = advance_group(ctx).await?;
        done += group;
        if group == 0 {
            return Ok(done);
        }
    }
}

async fn advance_group(ctx: &Context) -> Result<u64, AdvanceError> {
    transaction::run(ctx, ctx.clone(), |conn, ctx| {
        Box::pin(async move {
            let now = ctx.clock().now();
            let due = store::wallets::due(conn, now, GROUP).await?;
            let members: BTreeSet<MemberId> = due.into_iter().map(MemberId::from).collect();
            let needs = Needs {
                lots_of: members.clone(),
                ..Needs::default()
            };
            let mut rows = wallets::load(conn, &members, &needs, now).await?;
            for row in rows.values_mut() {
                // What is due is found by the lots themselves, whatever the wallet says.
                row.wallet.next_change_at = Some(now);
                row.wallet.advance(now, &mut || ctx.ids().uuid())?;
            }
            let rows: Vec<_> = rows.values().collect();
            wallets::store(conn, &rows, now).await?;
            Ok(u64::try_from(rows.len()).unwrap_or(0))
        })
    })
    .await
}
