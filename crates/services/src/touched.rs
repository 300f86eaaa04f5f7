//! Which wallets a transaction has locked, so that no balance kept in this process outlives it: whoever locks a wallet
//! notes it, and what is kept is forgotten when the transaction has ended, before its caller hears of it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::MemberId;

use crate::context::Context;

type Members = Arc<Mutex<BTreeSet<MemberId>>>;

tokio::task_local! {
    static LOCKED: Members;
}

/// Notes the members whose wallets were locked in the transaction of this task.
pub(crate) fn note(members: impl IntoIterator<Item = MemberId>) {
    let noted = LOCKED.try_with(|locked| {
        let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
        locked.extend(members);
    });
    debug_assert!(noted.is_ok(), "wallets are locked in a transaction");
}

/// Runs a transaction from begin to its end and forgets the balances that it may have changed, however it ends.
pub(crate) async fn forgetting<F: Future>(ctx: &Context, transaction: F) -> F::Output {
    let members = Members::default();
    let _forget = Forget {
        ctx,
        members: Arc::clone(&members),
    };
    LOCKED.scope(members, transaction).await
}

struct Forget<'c> {
    ctx: &'c Context,
    members: Members,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        self.ctx.caches().forget_balances(members.iter());
    }
}
