//! The points part of a purchase: taken from the wallet or from a hold, and spread over the lines.

use chrono::{DateTime, Utc};

use super::{
    MemberState, Programme, Proof, PurchaseInput, PurchaseRefusal, Spend, Standing, Terms, cause_of,
};
use crate::ids::HoldId;
use crate::loyalty::basket::Basket;
use crate::loyalty::explanation::{Exclusion, LineExplained};
use crate::loyalty::redemption::{self, Payment};
use crate::loyalty::wallet::{Draw, HoldStatus, NewId, WalletError};
use crate::money::{Money, Overflow, Points};

/// The points part, taken.
pub(super) struct Paid {
    pub(super) payment: Payment,
    pub(super) hold: Option<HoldId>,
    pub(super) spent: Vec<Draw>,
    /// The most points that could have paid.
    pub(super) max_points: Points,
}

/// Takes the points part from the wallet or from the hold.
pub(super) fn pay(
    programme: Programme<'_>,
    terms: &Terms,
    member: &mut MemberState,
    input: &PurchaseInput,
    ids: NewId<'_>,
) -> Result<Paid, PurchaseRefusal> {
    let settings = programme.settings;
    let value = settings.point_value;
    let share_cap = terms.share_cap.unwrap_or(settings.share_cap);
    let most = redemption::most_points(&input.basket, share_cap, value)?;
    let max_points = most.min(within_reach(member, input, programme.now)?);
    let within_cap = |asked: Points| {
        if asked > most {
            Err(PurchaseRefusal::OverShareCap { asked, most })
        } else {
            Ok(())
        }
    };
    let (points, hold, spent) = match input.spend {
        Spend::Nothing => (Points::ZERO, None, Vec::new()),
        Spend::Points(points) if points.is_zero() => (Points::ZERO, None, Vec::new()),
        Spend::Points(points) => {
            may_spend(programme, terms, member, input, points)?;
            within_cap(points)?;
            let cause = cause_of(terms, input);
            let now = programme.now;
            let draws = member
                .wallet
                .spend(points, terms.business, cause, now, ids)?;
            (points, None, draws)
        }
        Spend::Hold(id, asked) => {
            let hold = (id, asked);
            let taken = take_hold(programme, terms, member, input, hold, &within_cap, ids)?;
            (taken.0, Some(id), taken.1)
        }
    };
    Ok(Paid {
        payment: redemption::pay(&input.basket, points, value)?,
        hold,
        spent,
        max_points,
    })
}

/// The points that this purchase could draw on, whatever the bill.
fn within_reach(
    member: &MemberState,
    input: &PurchaseInput,
    now: DateTime<Utc>,
) -> Result<Points, Overflow> {
    if member.standing == Standing::Waiting || member.wallet.require_spending(now).is_err() {
        return Ok(Points::ZERO);
    }
    let held = match input.spend {
        Spend::Hold(id, _) => member
            .wallet
            .holds
            .get(&id)
            .map_or(Points::ZERO, |hold| match hold.status {
                HoldStatus::Active => hold.amount,
                HoldStatus::Captured if hold.purchase.is_none() => hold.captured,
                HoldStatus::Captured | HoldStatus::Voided | HoldStatus::Lapsed => Points::ZERO,
            }),
        Spend::Nothing | Spend::Points(_) => Points::ZERO,
    };
    member.wallet.spendable().plus(held)
}

fn may_spend(
    programme: Programme<'_>,
    terms: &Terms,
    member: &MemberState,
    input: &PurchaseInput,
    points: Points,
) -> Result<(), PurchaseRefusal> {
    if member.standing == Standing::Waiting {
        return Err(PurchaseRefusal::MemberNotJoined);
    }
    if points.is_negative() {
        return Err(WalletError::NotPositive.into());
    }
    member.wallet.require_spending(programme.now)?;
    let worth = programme.settings.point_value.worth_of(points)?;
    if input.proof == Proof::Weak && worth > terms.without_code(programme.settings) {
        return Err(PurchaseRefusal::ProofRequired);
    }
    let available = member.wallet.spendable();
    if points > available {
        let asked = points;
        return Err(WalletError::NotEnoughPoints { asked, available }.into());
    }
    Ok(())
}

/// Captures a hold for this purchase, or joins one that the till has captured already.
fn take_hold(
    programme: Programme<'_>,
    terms: &Terms,
    member: &mut MemberState,
    input: &PurchaseInput,
    (id, asked): (HoldId, Option<Points>),
    within_cap: &impl Fn(Points) -> Result<(), PurchaseRefusal>,
    ids: NewId<'_>,
) -> Result<(Points, Vec<Draw>), PurchaseRefusal> {
    let hold = member
        .wallet
        .holds
        .get(&id)
        .filter(|hold| hold.business == terms.business)
        .ok_or(PurchaseRefusal::UnknownHold)?;
    if hold.status == HoldStatus::Captured && hold.purchase.is_none() {
        let points = hold.captured;
        if asked.is_some_and(|asked| asked != points) {
            return Err(WalletError::HoldNotActive.into());
        }
        within_cap(points)?;
        let draws = member.wallet.join_captured(id, input.id)?;
        return Ok((points, draws));
    }
    let points = asked.unwrap_or(hold.amount);
    within_cap(points)?;
    let draws = member
        .wallet
        .capture(id, points, Some(input.id), programme.now, ids)?;
    Ok((points, draws))
}

/// How each line is paid and what of it can earn.
pub(super) fn explain_lines(
    basket: &Basket,
    payment: &Payment,
) -> Result<Vec<LineExplained>, Overflow> {
    basket
        .lines
        .iter()
        .zip(&payment.lines)
        .map(|(line, (paid, points))| {
            let mut excluded = Vec::new();
            if !line.earns {
                excluded.push(Exclusion::CategoryEarnsNothing);
            }
            if paid.is_positive() {
                excluded.push(Exclusion::PaidByPoints);
            }
            let eligible = if line.earns {
                line.amount.minus(*paid)?
            } else {
                Money::ZERO
            };
            Ok(LineExplained {
                line: line.number,
                category: line.category.clone(),
                amount: line.amount,
                paid_by_points: *paid,
                points_spent: *points,
                eligible,
                excluded,
            })
        })
        .collect()
}
