//! Points that a member gives to another. They keep their age: what the other gets was earned when it was earned, expires
//! when it would have expired, and is paid for by whoever paid for it before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ledger::{Cause, JournalKind};
use super::lot::{Lot, LotOrigin};
use super::wallet::{NewId, Wallet, WalletError};
use crate::ids::{LotId, TransferId};
use crate::money::Points;

/// Points that went from one lot to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The giver's lot.
    pub from_lot: LotId,
    /// The lot made of it.
    pub to_lot: LotId,
    /// How many points.
    pub points: Points,
}

/// Gives `points` from one wallet to the other; each pays its debt first. Both wallets have their lots loaded, and on
/// refusal they may be half changed: work on copies.
///
/// # Errors
/// [`WalletError::NotEnoughPoints`], [`WalletError::NotPositive`], [`WalletError::Overflow`].
pub fn carry_out(
    id: TransferId,
    from: &mut Wallet,
    to: &mut Wallet,
    points: Points,
    now: DateTime<Utc>,
    ids: NewId<'_>,
) -> Result<Vec<Part>, WalletError> {
    from.advance(now, ids)?;
    to.advance(now, ids)?;
    let cause = Cause {
        business: None,
        source: Some(id.as_uuid()),
        occurred_at: now,
    };
    let draws = from.give_away(points, cause, now, ids)?;
    let (mut parts, mut lots) = (Vec::new(), Vec::new());
    for draw in draws {
        let drawn = from.lots.get(&draw.lot);
        let to_lot = LotId::from(ids());
        lots.push(Lot {
            id: to_lot,
            member: to.member,
            origin: LotOrigin::Transfer,
            origin_id: Some(id.as_uuid()),
            amount: draw.points,
            remaining: Points::ZERO,
            expired: Points::ZERO,
            ..drawn.ok_or(WalletError::LotsNotLoaded)?.clone()
        });
        parts.push(Part {
            from_lot: draw.lot,
            to_lot,
            points: draw.points,
        });
    }
    to.accrue(JournalKind::TransferIn, lots, cause, now, ids)?;
    Ok(parts)
}
