//! Does on time what time does to wallets: holds lapse, lots activate and expire. Nothing else depends on it, because
//! whoever touches a wallet does the same first; it keeps balances and the liability current for members who stay away.

use std::collections::BTreeSet;

use domain::ids::MemberId;
use store::error::StoreError;
use uuid::Uuid;

use super::wallets::{self, Needs};
use crate::context::Context;
use crate::transaction;

/// How many members one transaction does.
const GROUP: i64 = 500;

/// Brings every wallet with something due up to now, a group a transaction; says how many wallets it did.
/// A wallet that can't be continued (a mistake of ours, which the audit shows) is named in the log and passed by.
///
/// # Errors
/// [`StoreError`] from the database; groups that were done stay done.
pub async fn advance_wallets(ctx: &Context) -> Result<u64, StoreError> {
    let mut done = 0;
    let mut broken: Vec<Uuid> = Vec::new();
    loop {
        let group = advance_group(ctx, broken.clone()).await?;
        if group.done == 0 && group.broken.is_empty() {
            return Ok(done);
        }
        done += group.done;
        broken.extend(group.broken);
    }
}

/// What became of a group.
#[derive(Debug, Default)]
struct Group {
    done: u64,
    broken: Vec<Uuid>,
}

async fn advance_group(ctx: &Context, except: Vec<Uuid>) -> Result<Group, StoreError> {
    transaction::run(ctx, (ctx.clone(), except), |conn, (ctx, except)| {
        Box::pin(async move {
            let now = ctx.clock().now();
            let due = store::wallets::due(conn, now, except, GROUP).await?;
            let members: BTreeSet<MemberId> = due.into_iter().map(MemberId::from).collect();
            let needs = Needs {
                lots_of: members.clone(),
                ..Needs::default()
            };
            let mut rows = wallets::load(conn, &members, &needs, now).await?;
            let mut group = Group::default();
            rows.retain(|member, row| {
                // What is due is found by the lots themselves, whatever the wallet says.
                row.wallet.next_change_at = Some(now);
                let advanced = row.wallet.advance(now, &mut || ctx.ids().uuid());
                if let Err(error) = &advanced {
                    tracing::error!(%member, %error, "a wallet can't be brought to this moment");
                    group.broken.push(member.as_uuid());
                }
                advanced.is_ok()
            });
            let rows: Vec<_> = rows.values().collect();
            wallets::store(conn, &rows, now).await?;
            group.done = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            Ok(group)
        })
    })
    .await
}
