//! What is done around one purchase of a till: limits by the hour before it, cases after it.
//!
//! The hour's limits are asked before the purchase is queued, so purchases that are under way at the same moment may go
//! past them by what they earn. A person's hour is summed from rows of all servers, a key's and an outlet's from what
//! this process has counted.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::MemberId;
use domain::limits::{Limits, Suspicion};
use domain::money::Points;
use store::error::StoreError;
use store::fraud_cases::NewCase;
use uuid::Uuid;

use super::cases::note;
use crate::caller::TillCaller;
use crate::context::Context;
use crate::loyalty::posting::{PostItem, PostOutcome, PostRefusal, hour_of};
use crate::programme;

/// Why a purchase does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A limit is reached.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who posts, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    business: Uuid,
    location: Option<Uuid>,
    poster: Uuid,
    cashier: Option<MemberId>,
}

impl Watch {
    pub(crate) fn of(caller: &TillCaller, item: &PostItem) -> Self {
        Self {
            business: item.business.as_uuid(),
            location: item.location.map(Into::into),
            poster: caller.principal_id(),
            cashier: item.cashier_member,
        }
    }

    /// Refuses what would be posted in an hour in which enough was credited; a case says so.
    pub(crate) async fn before(&self, ctx: &Context) -> Result<(), WatchError> {
        let programme = programme::current(ctx).await?;
        let hour = hour_of(ctx.clock().now());
        let Some(suspicion) = self.full(ctx, &programme.settings.limits, hour).await? else {
            return Ok(());
        };
        note(ctx, self.case(suspicion, None)).await?;
        Err(too_much(suspicion, hour).into())
    }

    /// Refuses what [`Self::before`] would refuse, told by what the person at the till credited in this hour. It is a
    /// question, so no case says so.
    pub(crate) fn foresee(
        &self,
        ctx: &Context,
        limits: &Limits,
        by_person: i64,
    ) -> Result<(), PostRefusal> {
        let hour = hour_of(ctx.clock().now());
        let full = self.counted_full(ctx, limits, hour);
        match full.or_else(|| self.person_full(limits, by_person)) {
            Some(suspicion) => Err(too_much(suspicion, hour)),
            None => Ok(()),
        }
    }

    /// The limit of the hour that is reached, if one is.
    async fn full(
        &self,
        ctx: &Context,
        limits: &Limits,
        hour: DateTime<Utc>,
    ) -> Result<Option<Suspicion>, StoreError> {
        if let Some(suspicion) = self.counted_full(ctx, limits, hour) {
            return Ok(Some(suspicion));
        }
        let (Some(cashier), Some(_)) = (self.cashier, limits.cashier_points_hour) else {
            return Ok(None);
        };
        let mut conn = ctx.reader().await?;
        let credited =
            store::staff_credits::points_of_hour_across_businesses(&mut conn, cashier, hour).await;
        Ok(self.person_full(limits, conn.done(credited)?))
    }

    /// The limit that is reached among those that this process counts by itself: of the outlet, of the key.
    fn counted_full(
        &self,
        ctx: &Context,
        limits: &Limits,
        hour: DateTime<Utc>,
    ) -> Option<Suspicion> {
        let full = |whose: Uuid, limit: Option<Points>| {
            limit.is_some_and(|limit| {
                ctx.caches().till_hours.credited(whose, hour) >= limit.hundredths()
            })
        };
        if let Some(location) = self.location
            && full(location, limits.location_points_hour)
        {
            return Some(Suspicion::LocationPointsHour);
        }
        let of_key = self.cashier.is_none() && full(self.poster, limits.key_points_hour);
        of_key.then_some(Suspicion::KeyPointsHour)
    }

    /// The limit of a person, where one stands at the till who has credited so much in this hour.
    fn person_full(&self, limits: &Limits, credited: i64) -> Option<Suspicion> {
        let limit = self.cashier.and(limits.cashier_points_hour)?;
        (credited >= limit.hundredths()).then_some(Suspicion::CashierPointsHour)
    }

    /// Counts what was credited, and opens a case for what operators should see.
    pub(crate) async fn after(
        &self,
        ctx: &Context,
        outcome: &Result<PostOutcome, PostRefusal>,
    ) -> Result<(), StoreError> {
        match outcome {
            Ok(PostOutcome::Posted(posted, _)) => {
                let programme = programme::current(ctx).await?;
                let limits = &programme.settings.limits;
                self.count(ctx, limits, posted.purchase.points_earned);
                if posted.credits_today.is_some() && posted.credits_today == limits.repeated_credits
                {
                    let member = Some(posted.purchase.member_id);
                    note(ctx, self.case(Suspicion::RepeatedCredits, member)).await?;
                }
                Ok(())
            }
            Err(PostRefusal::TooMuch {
                suspicion, member, ..
            }) => note(ctx, self.case(*suspicion, member.map(Into::into))).await,
            _ => Ok(()),
        }
    }

    fn count(&self, ctx: &Context, limits: &Limits, points: i64) {
        let (hours, hour) = (&ctx.caches().till_hours, hour_of(ctx.clock().now()));
        if let (Some(location), true) = (self.location, limits.location_points_hour.is_some()) {
            hours.add(location, hour, points);
        }
        if self.cashier.is_none() && limits.key_points_hour.is_some() {
            hours.add(self.poster, hour, points);
        }
    }

    fn case(&self, kind: Suspicion, member: Option<Uuid>) -> NewCase {
        NewCase {
            kind,
            business: self.business,
            location: self
                .location
                .filter(|_| kind == Suspicion::LocationPointsHour),
            poster: self.poster,
            member,
        }
    }
}

fn too_much(suspicion: Suspicion, hour: DateTime<Utc>) -> PostRefusal {
    PostRefusal::TooMuch {
        suspicion,
        member: None,
        until: hour + TimeDelta::hours(1),
    }
}
