//! What a group has to know, found out before anything is read of members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::BusinessId;
use domain::limits::Limits;
use domain::loyalty::basket::Basket;
use domain::loyalty::purchase::Spend;
use domain::loyalty::rule::Rule;
use domain::loyalty::validity::{day_of, start_of_day};
use domain::programme::ProgrammeSettings;
use sqlx::PgConnection;
use store::error::StoreError;
use store::posting::look::{Asked, Question};
use store::posting::named::Named;
use store::posting::names::{Names, Place};
use store::receipts::ReceiptKind;
use uuid::Uuid;

use super::counting;
use super::load::Baskets;
use super::resolve::{self, Naming};
use super::{Order, PostItem, Stage, hour_of};
use crate::context::Context;

/// What the orders of a group say, and what is to be read for them. Lists go order by order.
#[derive(Debug)]
pub(super) struct Asking<'o> {
    pub(super) namings: Vec<Naming<'o>>,
    /// The places of the names in the question.
    pub(super) places: Vec<Option<Place>>,
    pub(super) digests: Vec<Option<Uuid>>,
    pub(super) baskets: Baskets,
    /// The rules that may concern each.
    pub(super) rules: Vec<Arc<[Rule]>>,
    pub(super) question: Question,
}

/// Finds it out. Only history is read: what holds now is in the stage.
pub(super) async fn ask<'o>(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &'o [Order],
    named: &Named,
    now: DateTime<Utc>,
) -> Result<Asking<'o>, StoreError> {
    let settings = &stage.frame.programme.settings;
    let purchases: Vec<Option<&PostItem>> = orders.iter().map(Order::purchase).collect();
    let baskets: Baskets = purchases
        .iter()
        .map(|item| Some(Basket::new(&(*item)?.basket, settings)))
        .collect();
    let rules = rules(conn, stage, &purchases, &baskets, now).await?;
    let namings: Vec<Naming<'o>> = orders
        .iter()
        .map(|order| Naming::of(order, named))
        .collect();
    let mut names = Names::default();
    let places: Vec<Option<Place>> = namings
        .iter()
        .map(|naming| resolve::ask(&mut names, ctx, *naming))
        .collect();
    let digests: Vec<Option<Uuid>> = orders
        .iter()
        .map(|order| Some(order.key()?.digest()))
        .collect();
    let of_members = orders.iter().zip(&places).zip(&rules);
    let asked = of_members
        .filter_map(|((order, place), rules)| {
            of_member(ctx, order, (*place)?, rules, &settings.limits)
        })
        .collect();
    let question = Question {
        names,
        digests: digests.iter().flatten().copied().collect(),
        receipts: orders
            .iter()
            .filter_map(|order| receipt_of(order, named))
            .collect(),
        asked,
        capped: ids(&rules, |rule| rule.definition.caps.per_member.is_some()),
        budgeted: ids(&rules, |rule| rule.definition.caps.budget.is_some()),
        counts_from: counting::first_day(settings, now),
        today: today(settings, now),
        now,
    };
    Ok(Asking {
        namings,
        places,
        digests,
        baskets,
        rules,
        question,
    })
}

/// What an order needs to know of its member beside the wallet, if anything.
fn of_member(
    ctx: &Context,
    order: &Order,
    name: Place,
    rules: &[Rule],
    limits: &Limits,
) -> Option<Asked> {
    let (business, member, cashier, pays) = match order {
        Order::Purchase(item) => {
            let pays = matches!(item.spend, Spend::Points(_));
            (item.business, &item.member, item.cashier_member, pays)
        }
        Order::MakeHold(item) => (item.business, &item.member, None, true),
        Order::Refund(_) | Order::EndHold(_) => return None,
    };
    let till = order.purchase().is_some_and(|item| item.import.is_none());
    let visits = rules
        .iter()
        .any(|rule| rule.definition.conditions.visit.is_some())
        || (till && limits.member_accruals_day.is_some());
    let asked = Asked {
        name,
        business: business.as_uuid(),
        cashier: cashier.filter(|_| till).map(|cashier| cashier.as_uuid()),
        step: resolve::step_of(ctx, member),
        visits,
        pays,
    };
    let needed = asked.cashier.is_some() || asked.step.is_some() || visits || pays;
    needed.then_some(asked)
}

/// The rules of this kind, each once.
pub(super) fn ids(rules: &[Arc<[Rule]>], of_kind: fn(&Rule) -> bool) -> Vec<Uuid> {
    let all = rules.iter().flat_map(|rules| rules.iter());
    let found: BTreeSet<Uuid> = all
        .filter(|rule| of_kind(rule))
        .map(|rule| rule.id.as_uuid())
        .collect();
    found.into_iter().collect()
}

/// The rules that may concern each order: none but purchases. Those of the present are in the stage; history asks the
/// database.
pub(super) async fn rules(
    conn: &mut PgConnection,
    stage: &Stage,
    items: &[Option<&PostItem>],
    baskets: &Baskets,
    now: DateTime<Utc>,
) -> Result<Vec<Arc<[Rule]>>, StoreError> {
    let none: Arc<[Rule]> = Arc::new([]);
    let mut old: Vec<(usize, BusinessId, DateTime<Utc>)> = Vec::new();
    let mut rules = Vec::with_capacity(items.len());
    for (index, (item, basket)) in items.iter().zip(baskets).enumerate() {
        let place = item.and_then(|item| stage.places.get(&item.business));
        let (Some(item), Some(place), Some(Ok(basket))) = (item, place, basket) else {
            rules.push(Arc::clone(&none));
            continue;
        };
        let categories = basket.lines.iter().map(|line| line.category.as_str());
        let moment = item.occurred_at.unwrap_or(now);
        rules.push(place.rules_for(moment, categories).unwrap_or_else(|| {
            old.push((index, item.business, moment));
            Arc::clone(&none)
        }));
    }
    let moments = || old.iter().map(|(.., moment)| *moment);
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return Ok(rules);
    };
    let businesses: BTreeSet<BusinessId> = old.iter().map(|(_, business, _)| *business).collect();
    let ids: Vec<Uuid> = businesses
        .iter()
        .map(|business| business.as_uuid())
        .collect();
    let found = store::earning_rules::in_force_across_businesses(conn, &ids, first, last).await?;
    let of_business: BTreeMap<BusinessId, Arc<[Rule]>> = businesses
        .into_iter()
        .map(|business| {
            let own = found
                .iter()
                .filter(|rule| rule.business.is_none_or(|where_| where_ == business))
                .filter(|rule| rule.definition.active);
            (business, own.cloned().collect())
        })
        .collect();
    for (index, business, _) in old {
        if let Some(own) = of_business.get(&business) {
            rules[index] = Arc::clone(own);
        }
    }
    Ok(rules)
}

/// The receipt that an order takes.
fn receipt_of(order: &Order, named: &Named) -> Option<(Uuid, ReceiptKind, String)> {
    match order {
        Order::Purchase(item) => {
            let number = item.receipt_number.clone();
            Some((item.business.as_uuid(), ReceiptKind::Purchase, number))
        }
        Order::Refund(item) => {
            let sold = named.purchases.get(&item.purchase.as_uuid())?;
            let number = item.receipt_number.clone()?;
            Some((sold.business.as_uuid(), ReceiptKind::Refund, number))
        }
        Order::MakeHold(_) | Order::EndHold(_) => None,
    }
}

/// The day of the programme's zone, and the hour in which it begins.
pub(super) fn today(
    settings: &ProgrammeSettings,
    now: DateTime<Utc>,
) -> (NaiveDate, DateTime<Utc>) {
    let day = day_of(now, settings.time_zone);
    let begins = start_of_day(day, settings.time_zone);
    (day, hour_of(begins.unwrap_or(now)))
}
