//! What a purchase needs to know of a business beside the member: terms, outlets, earning rules. Kept in the process, at
//! most [`crate::cache::MAX_AGE`] old; a change made by this process is seen at once. What rules have let through
//! (budgets, caps) is never kept here.
//!
//! An answer of middling age is renewed in the background, so that a busy till never waits for it.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{BusinessId, LocationId};
use domain::loyalty::rule::Rule;
use sqlx::PgConnection;
use store::earning_rules;
use store::error::StoreError;
use store::places::PlaceRow;
use store::posting::BusinessTerms;
use uuid::Uuid;

use crate::cache::{Cache, Ticket};
use crate::context::Context;
use crate::programme;
use rules::{RuleList, Selection};

/// From this age on an answer that is asked for is renewed in the background.
const RENEW_AFTER: TimeDelta = TimeDelta::seconds(3);

/// Versions of rules are kept this much longer than a till may send a purchase late.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// Those of the businesses asked for that exist.
pub type Places = BTreeMap<BusinessId, Arc<Place>>;

/// What a purchase needs to know of a business.
#[derive(Debug)]
pub struct Place {
    /// What it has agreed to, and whether it takes part.
    pub terms: BusinessTerms,
    /// Its outlets.
    pub locations: BTreeSet<LocationId>,
    rules: Selection,
}

impl Place {
    /// The rules in force at a moment, those of the business and those that hold everywhere, oldest rule first.
    /// None: the moment is older than what is kept; ask [`store::earning_rules::in_force_across_businesses`].
    #[must_use]
    pub fn rules_at(&self, moment: DateTime<Utc>) -> Option<Arc<[Rule]>> {
        self.rules.at(moment)
    }

    /// How many versions of rules are kept for this place.
    #[must_use]
    pub fn rules_known(&self) -> usize {
        self.rules.len()
    }

    /// As [`Place::rules_at`], without the rules whose categories are all missing in `categories`: those can give
    /// nothing to such a basket. Cheap also where there are thousands of them.
    #[must_use]
    pub fn rules_for<'c>(
        &self,
        moment: DateTime<Utc>,
        categories: impl IntoIterator<Item = &'c str>,
    ) -> Option<Arc<[Rule]>> {
        self.rules.of_categories(moment, categories)
    }
}

/// What is kept of places.
#[derive(Debug, Default)]
pub(crate) struct PlaceCache {
    /// None: there is no such business.
    businesses: Cache<BusinessId, Option<Arc<Shop>>>,
    /// The rules that hold everywhere.
    everywhere: Cache<(), Arc<RuleList>>,
    renewing: AtomicBool,
}

impl PlaceCache {
    /// Forgets a business, because its terms or outlets were changed.
    pub(crate) fn forget(&self, business: BusinessId) {
        self.businesses.forget(&business);
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        self.businesses.forget_where(|_, _| true);
        self.everywhere.forget(&());
    }

    /// Forgets the rules of a business, or those that hold everywhere, because one was added or changed.
    pub(crate) fn forget_rules(&self, business: Option<BusinessId>) {
        match business {
            Some(business) => self.forget(business),
            None => self.everywhere.forget(&()),
        }
    }
}

/// A business as it was read; its place is made anew when the rules that hold everywhere change.
#[derive(Debug)]
struct Shop {
    own: Arc<RuleList>,
    place: Mutex<Arc<Place>>,
}

impl Shop {
    fn new(row: PlaceRow, own: Arc<RuleList>, everywhere: &Arc<RuleList>) -> Self {
        let place = Place {
            terms: row.terms,
            locations: row.locations,
            rules: Selection::new(Arc::clone(&own), Arc::clone(everywhere)),
        };
        Self {
            own,
            place: Mutex::new(Arc::new(place)),
        }
    }

    fn place(&self, everywhere: &Arc<RuleList>) -> Arc<Place> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !place.rules.is_with(everywhere) {
            *place = Arc::new(Place {
                terms: place.terms.clone(),
                locations: place.locations.clone(),
                rules: Selection::new(Arc::clone(&self.own), Arc::clone(everywhere)),
            });
        }
        Arc::clone(&place)
    }
}

/// What is looked up, with the right to keep it.
#[derive(Debug, Default)]
struct Wanted {
    businesses: Vec<(BusinessId, Ticket)>,
    everywhere: Option<Ticket>,
}

/// The businesses and their rules. Ask before opening a transaction: this may take a connection of its own.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn places(
    ctx: &Context,
    businesses: &BTreeSet<BusinessId>,
) -> Result<Places, StoreError> {
    let now = ctx.clock().now();
    let cache = &ctx.caches().places;
    let (mut wanted, mut aged) = (Wanted::default(), Vec::new());
    let mut shops: BTreeMap<BusinessId, Option<Arc<Shop>>> = BTreeMap::new();
    for business in businesses {
        match cache.businesses.look(business, now) {
            Ok(kept) => {
                if now - kept.at >= RENEW_AFTER {
                    aged.push(*business);
                }
                shops.insert(*business, kept.value);
            }
            Err(ticket) => wanted.businesses.push((*business, ticket)),
        }
    }
    let mut everywhere_aged = false;
    let known = match cache.everywhere.look(&(), now) {
        Ok(kept) => {
            everywhere_aged = now - kept.at >= RENEW_AFTER;
            Some(kept.value)
        }
        Err(ticket) => {
            wanted.everywhere = Some(ticket);
            None
        }
    };
    let everywhere = match known {
        Some(everywhere) if wanted.businesses.is_empty() => everywhere,
        known => load(ctx, wanted, known, &mut shops, now).await?,
    };
    if everywhere_aged || !aged.is_empty() {
        renew(ctx, aged, everywhere_aged, Arc::clone(&everywhere));
    }
    Ok(shops
        .into_iter()
        .filter_map(|(business, shop)| Some((business, shop?.place(&everywhere))))
        .collect())
}

/// What was read: the rules that hold everywhere, and businesses with their own.
type Read = (
    Arc<RuleList>,
    BTreeMap<BusinessId, (PlaceRow, Arc<RuleList>)>,
);

/// Reads what is wanted into the cache and into `shops`; gives the rules that hold everywhere. `known`: these, if they
/// are not wanted.
async fn load(
    ctx: &Context,
    wanted: Wanted,
    known: Option<Arc<RuleList>>,
    shops: &mut BTreeMap<BusinessId, Option<Arc<Shop>>>,
    now: DateTime<Utc>,
) -> Result<Arc<RuleList>, StoreError> {
    let settings = programme::current(ctx).await?;
    let late = TimeDelta::hours(i64::from(settings.settings.late_receipt_hours));
    let since = now - late - MARGIN;
    let mut conn = ctx.reader().await?;
    let read = read(&mut conn, ctx, &wanted, known, since).await;
    let (everywhere, mut read) = conn.done(read)?;

    let cache = &ctx.caches().places;
    if let Some(ticket) = wanted.everywhere {
        let kept = Arc::clone(&everywhere);
        cache.everywhere.put(&(), kept, now, ticket);
    }
    for (business, ticket) in wanted.businesses {
        let shop = read.remove(&business);
        let shop = shop.map(|(row, own)| Arc::new(Shop::new(row, own, &everywhere)));
        cache.businesses.put(&business, shop.clone(), now, ticket);
        shops.insert(business, shop);
    }
    Ok(everywhere)
}

/// The rules that hold everywhere, and the wanted businesses that exist, with their own. Rules of which there are no new
/// versions are not read again: there may be thousands.
async fn read(
    conn: &mut PgConnection,
    ctx: &Context,
    wanted: &Wanted,
    known: Option<Arc<RuleList>>,
    since: DateTime<Utc>,
) -> Result<Read, StoreError> {
    let cache = &ctx.caches().places;
    let ids: Vec<Uuid> = wanted.businesses.iter().map(|(b, _)| b.as_uuid()).collect();
    let all = known.is_none();
    // Before the rules themselves: what is added meanwhile is noticed the next time.
    let counts = earning_rules::count_versions_across_businesses(conn, &ids, all).await?;
    let count = |of: Option<BusinessId>| counts.get(&of).copied().unwrap_or(0);
    let holds = |list: &Arc<RuleList>, of| list.holds(since, count(of));
    let mut everywhere = known.or_else(|| cache.everywhere.peek(&()).filter(|l| holds(l, None)));
    let (mut own, mut changed) = (BTreeMap::new(), Vec::new());
    for (business, _) in &wanted.businesses {
        let before = cache.businesses.peek(business).flatten();
        let list = before.map(|shop| Arc::clone(&shop.own));
        match list.filter(|list| holds(list, Some(*business))) {
            Some(list) => {
                own.insert(*business, list);
            }
            None if count(Some(*business)) > 0 => changed.push(business.as_uuid()),
            None => {}
        }
    }
    let mut by_business: BTreeMap<Option<BusinessId>, Vec<Rule>> = BTreeMap::new();
    if everywhere.is_none() || !changed.is_empty() {
        let all = everywhere.is_none();
        let rules = earning_rules::since_across_businesses(conn, &changed, all, since);
        for rule in rules.await? {
            by_business.entry(rule.business).or_default().push(rule);
        }
    }
    let mut list = |of| {
        let rules = by_business.remove(&of).unwrap_or_default();
        Arc::new(RuleList::new(rules, since, count(of)))
    };
    let everywhere = everywhere.take().unwrap_or_else(|| list(None));
    let rows = if ids.is_empty() {
        BTreeMap::new()
    } else {
        store::places::find(conn, &ids).await?
    };
    let shops = rows.into_iter().map(|(business, row)| {
        let own = own.remove(&business);
        let own = own.unwrap_or_else(|| list(Some(business)));
        (business, (row, own))
    });
    Ok((everywhere, shops.collect()))
}

/// Reads again what has come of age, unless somebody else is just doing so.
fn renew(ctx: &Context, aged: Vec<BusinessId>, everywhere_aged: bool, known: Arc<RuleList>) {
    let cache = &ctx.caches().places;
    if cache.renewing.swap(true, Ordering::AcqRel) {
        return;
    }
    let wanted = Wanted {
        everywhere: everywhere_aged.then(|| cache.everywhere.ticket(&())),
        businesses: aged
            .into_iter()
            .map(|business| (business, cache.businesses.ticket(&business)))
            .collect(),
    };
    let known = (!everywhere_aged).then_some(known);
    let ctx = ctx.clone();
    tokio::spawn(async move {
        let done = Renewing(&ctx);
        let now = ctx.clock().now();
        if let Err(error) = load(&ctx, wanted, known, &mut BTreeMap::new(), now).await {
            tracing::debug!(%error, "terms and rules were not renewed; the next purchase that needs them tries again");
        }
        drop(done);
    });
}

/// Ends the renewal, also when it panics.
struct Renewing<'a>(&'a Context);

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        let renewing = &self.0.caches().places.renewing;
        renewing.store(false, Ordering::Release);
    }
}
