//! From grants to lots: one for each origin, funder, activation and expiry.

use super::{MemberState, Programme, PurchaseInput, PurchaseRefusal, Terms};
use crate::ids::{BusinessId, LotId};
use crate::loyalty::earning::{self, Earned, Occasion};
use crate::loyalty::explanation::{AccrualExplained, BASE_EN, BASE_RU, LotExplained};
use crate::loyalty::lot::{Funder, Lot, LotOrigin};
use crate::loyalty::rule::Rule;
use crate::loyalty::tier::Tier;
use crate::loyalty::validity::activates_at;
use crate::loyalty::wallet::NewId;
use crate::money::Points;

/// Gathers grants into lots: one for each origin, funder, activation and expiry.
pub(super) fn make_lots(
    programme: Programme<'_>,
    terms: &Terms,
    (tier, rules, earned): (&Tier, &[Rule], &Earned),
    occasion: &Occasion<'_>,
    input: &PurchaseInput,
    member: &MemberState,
    ids: NewId<'_>,
) -> Result<(Vec<Lot>, Vec<AccrualExplained>), PurchaseRefusal> {
    let mut lots: Vec<Lot> = Vec::new();
    let mut accruals = Vec::with_capacity(earned.grants.len());
    for grant in &earned.grants {
        let rule = grant.rule.map(|index| &rules[index]);
        let mut lot = plan_lot(programme, terms, tier, rule, input);
        let mut lot_id = None;
        if grant.granted.is_positive() {
            let same = lots.iter_mut().find(|known| {
                known.origin == lot.origin
                    && known.funder == lot.funder
                    && known.activates_at == lot.activates_at
                    && known.expires_at == lot.expires_at
            });
            if let Some(known) = same {
                known.amount = known.amount.plus(grant.granted)?;
                lot_id = Some(known.id);
            } else {
                lot.id = LotId::from(ids());
                lot.member = member.wallet.member;
                lot.amount = grant.granted;
                lot_id = Some(lot.id);
                lots.push(lot);
            }
        }
        let caps = rule.map(|rule| &rule.definition.caps);
        let name = |rule: Option<&Rule>, base: &str, of: fn(&Rule) -> &str| {
            rule.map_or_else(|| base.to_owned(), |rule| of(rule).to_owned())
        };
        accruals.push(AccrualExplained {
            line: grant.line,
            rule: rule.map(|rule| rule.id),
            name_ru: name(rule, BASE_RU, |rule| &rule.definition.name_ru),
            name_en: name(rule, BASE_EN, |rule| &rule.definition.name_en),
            asked: grant.asked,
            granted: grant.granted,
            clamped_by: grant.clamped_by.clone(),
            lot: lot_id,
            period_start: caps
                .and_then(|caps| caps.per_member)
                .map(|cap| earning::period_start(cap.period, occasion)),
            budgeted: caps.is_some_and(|caps| caps.budget.is_some()),
        });
    }
    Ok((lots, accruals))
}

/// The lot that a grant of this rule belongs to, still without name and points.
fn plan_lot(
    programme: Programme<'_>,
    terms: &Terms,
    tier: &Tier,
    rule: Option<&Rule>,
    input: &PurchaseInput,
) -> Lot {
    let settings = programme.settings;
    let (origin, funder) = rule.map_or(
        (LotOrigin::Purchase, Funder::Business(terms.business)),
        |rule| (LotOrigin::Promotion, rule.funder),
    );
    let delay = rule
        .and_then(|rule| rule.definition.activation_delay_hours)
        .unwrap_or(settings.activation_delay_hours);
    let validity = rule
        .and_then(|rule| rule.definition.validity)
        .or(tier.validity)
        .unwrap_or(settings.validity);
    let starts = activates_at(input.occurred_at, delay);
    let nobody = uuid::Uuid::nil();
    Lot {
        id: LotId::from(nobody),
        member: nobody.into(),
        origin,
        origin_id: Some(input.id.as_uuid()),
        funder,
        earned_at: input.occurred_at,
        activates_at: starts,
        expires_at: validity.expires_at(starts, settings.time_zone),
        amount: Points::ZERO,
        remaining: Points::ZERO,
        expired: Points::ZERO,
        pending: false,
    }
}

/// A lot as the explanation of a purchase at `seller` shows it.
pub(super) fn explain_lot(lot: &Lot, seller: BusinessId) -> LotExplained {
    LotExplained {
        lot: lot.id,
        origin: lot.origin,
        funder: (lot.funder != Funder::Business(seller)).then_some(lot.funder),
        points: lot.amount,
        activates_at: lot.activates_at,
        expires_at: lot.expires_at,
    }
}
