//! Decides holds and their ends.

use chrono::Duration;
use domain::ids::{HoldId, MemberId};
use domain::loyalty::purchase::{MemberState, PurchaseRefusal, Standing, Terms};
use domain::loyalty::refund;
use domain::loyalty::wallet::{Hold, HoldStatus, WalletError};
use domain::money::Points;

use super::Book;
use super::limits::refuse_own;
use crate::context::Context;
use crate::loyalty::holds::MAX_MINUTES;
use crate::loyalty::posting::{Balance, EndHoldItem, HeldPoints, HoldEnd, HoldItem, PostRefusal};
use crate::members::{Proof, ResolvedMember, Unresolved};

impl Book {
    pub(super) fn make_hold(
        &mut self,
        ctx: &Context,
        index: usize,
        item: &HoldItem,
    ) -> Result<HeldPoints, PostRefusal> {
        let place = self.loaded.stage.places.get(&item.business);
        let place = place
            .filter(|place| place.terms.active)
            .ok_or(PostRefusal::BusinessNotActive)?;
        let found = self.loaded.resolved[index]?;
        refuse_own(item.cashier_member, found.member)?;
        let mut state = self.known(found.member)?;
        let reference = (item.business, item.reference.clone());
        if let Some(hold) = self.loaded.beside.references.get(&reference) {
            return Err(PostRefusal::ReferenceUsed { hold: *hold });
        }
        self.may_hold(&place.terms.terms, found, state.standing, item.points)?;
        let code = self.code_to_use(found)?;
        let hold = self.hold(ctx, item);
        let id = hold.id;
        let ids = &mut || ctx.ids().uuid();
        state.wallet.advance(self.now, ids)?;
        state.wallet.hold(hold, self.now, ids)?;
        let held = held_points(&state, id)?;
        self.use_code(code);
        self.loaded.beside.references.insert(reference, id);
        self.enter_state(state);
        Ok(held)
    }

    /// A member's state; none of a stranger for whom nothing was posted.
    fn known(&self, member: MemberId) -> Result<MemberState, PostRefusal> {
        let is_made =
            !self.loaded.strangers.contains_key(&member) || self.touched.contains(&member);
        let state = self.loaded.members.get(&member).filter(|_| is_made);
        Ok(state.cloned().ok_or(Unresolved::Unknown)?)
    }

    fn hold(&self, ctx: &Context, item: &HoldItem) -> Hold {
        let usual = self.loaded.stage.frame.programme.settings.hold_minutes;
        let minutes = item.minutes.unwrap_or(usual).min(MAX_MINUTES);
        Hold {
            id: ctx.ids().next(),
            business: item.business,
            reference: item.reference.clone(),
            status: HoldStatus::Active,
            amount: item.points,
            captured: Points::ZERO,
            purchase: None,
            expires_at: self.now + Duration::minutes(i64::from(minutes)),
            created_at: self.now,
            draws: Vec::new(),
        }
    }

    /// Whether the member may set so many points aside, given how surely he stands there.
    fn may_hold(
        &self,
        terms: &Terms,
        found: ResolvedMember,
        standing: Standing,
        points: Points,
    ) -> Result<(), PostRefusal> {
        match standing {
            Standing::Active => {}
            Standing::Waiting => return Err(PurchaseRefusal::MemberNotJoined.into()),
            Standing::Closed => return Err(PurchaseRefusal::MemberClosed.into()),
        }
        let settings = &self.loaded.stage.frame.programme.settings;
        let worth = settings.point_value.worth_of(points);
        let worth = worth.map_err(WalletError::from)?;
        let refused = match found.proof {
            Proof::Code { .. } => false,
            Proof::Weak => worth > terms.without_code(settings),
            Proof::Found => true,
        };
        if refused {
            return Err(PurchaseRefusal::ProofRequired.into());
        }
        Ok(())
    }

    pub(super) fn end_hold(
        &mut self,
        ctx: &Context,
        item: &EndHoldItem,
    ) -> Result<HeldPoints, PostRefusal> {
        let owner = self.loaded.named.holds.get(&item.hold).copied();
        let (member, business) = owner
            .filter(|(_, business)| item.businesses.contains(business))
            .ok_or(PostRefusal::UnknownHold)?;
        refuse_own(item.cashier_member, member)?;
        let state = self.loaded.members.get(&member);
        let mut state = state.cloned().ok_or(PostRefusal::UnknownHold)?;
        let ids = &mut || ctx.ids().uuid();
        let wallet = &mut state.wallet;
        wallet.advance(self.now, ids)?;
        let hold = wallet.holds.get(&item.hold);
        let hold = hold.ok_or(PostRefusal::UnknownHold)?;
        match item.end {
            HoldEnd::Capture(points) => {
                // Points are taken only while both take part, as a purchase is posted.
                let place = self.loaded.stage.places.get(&business);
                if !place.is_some_and(|place| place.terms.active) {
                    return Err(PostRefusal::BusinessNotActive);
                }
                if state.standing != Standing::Active {
                    return Err(PurchaseRefusal::MemberClosed.into());
                }
                let points = points.unwrap_or(hold.amount);
                wallet.capture(item.hold, points, None, self.now, ids)?;
            }
            HoldEnd::Void if hold.status == HoldStatus::Captured => {
                let settings = &self.loaded.stage.frame.programme.settings;
                let grace = refund::grace_until(settings, self.now);
                wallet.void_captured(item.hold, grace, self.now, ids)?;
            }
            HoldEnd::Void => wallet.void_hold(item.hold, self.now, ids)?,
        }
        let held = held_points(&state, item.hold)?;
        self.enter_state(state);
        Ok(held)
    }
}

fn held_points(state: &MemberState, id: HoldId) -> Result<HeldPoints, PostRefusal> {
    let hold = state.wallet.holds.get(&id);
    Ok(HeldPoints {
        hold: hold.ok_or(PostRefusal::UnknownHold)?.clone(),
        member: state.wallet.member,
        balance: Balance::of(&state.wallet),
    })
}
