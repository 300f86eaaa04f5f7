//! Points given or taken by hand, by an operator who says why.

use chrono::{DateTime, Utc};

use super::ledger::{Cause, JournalKind};
use super::lot::{Funder, Lot, LotOrigin};
use super::wallet::{NewId, Shortfall, Wallet, WalletError};
use crate::ids::{AdjustmentId, LotId};
use crate::money::Points;
use crate::programme::ProgrammeSettings;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Its identifier.
    pub id: AdjustmentId,
    /// Points to be given, or below zero: to be taken.
    pub points: Points,
    /// Who pays for points given, and gets what is owed for points that were not there to be taken.
    pub funder: Funder,
    /// Whether a member who has fewer points than are taken owes the rest.
    pub into_debt: bool,
}

/// Does it, and says how many points were given or (below zero) taken. Points given are active at once, live as long as
/// the programme's do, and pay debt first. Points taken go back to whoever issued them.
///
/// # Errors
/// [`WalletError::NotPositive`] for nothing, [`WalletError::NotEnoughPoints`] if nothing is there to be taken.
pub fn carry_out(
    settings: &ProgrammeSettings,
    wallet: &mut Wallet,
    adjustment: Adjustment,
    now: DateTime<Utc>,
    ids: NewId<'_>,
) -> Result<Points, WalletError> {
    wallet.advance(now, ids)?;
    let cause = Cause {
        business: adjustment.funder.business(),
        source: Some(adjustment.id.as_uuid()),
        occurred_at: now,
    };
    if !adjustment.points.is_negative() {
        let lot = Lot {
            id: LotId::from(ids()),
            member: wallet.member,
            origin: LotOrigin::Adjustment,
            origin_id: Some(adjustment.id.as_uuid()),
            funder: adjustment.funder,
            earned_at: now,
            activates_at: now,
            expires_at: settings.validity.expires_at(now, settings.time_zone),
            amount: adjustment.points,
            remaining: Points::ZERO,
            expired: Points::ZERO,
            pending: false,
        };
        wallet.accrue(JournalKind::Adjustment, vec![lot], cause, now, ids)?;
        return Ok(adjustment.points);
    }
    let shortfall = if adjustment.into_debt {
        Shortfall::IntoDebt(adjustment.funder)
    } else {
        Shortfall::DownToZero
    };
    let points = adjustment.points.negated()?;
    let taken = wallet.take_by_hand(points, shortfall, cause, now, ids)?;
    Ok(taken.negated()?)
}
