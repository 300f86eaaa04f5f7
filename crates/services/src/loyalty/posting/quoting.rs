//! Loads for a quote what [`super::load`] loads for a group: without locks, in one statement where nothing is due in the
//! wallet and no hold pays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::loyalty::basket::Basket;
use domain::loyalty::purchase::Spend;
use domain::loyalty::rule::Rule;
use domain::money::Points;
use sqlx::PgConnection;
use store::error::StoreError;
use store::posting::look::{self, FIRST_LOTS};
use store::posting::named::Named;
use store::quote::{Answer, Name, Question};
use store::receipts::ReceiptKind;
use store::wallets::WalletRow;
use uuid::Uuid;

use super::ask::{ids, rules, today};
use super::counting;
use super::load::{Loaded, states};
use super::resolve::{IfUnknown, Members, Naming, step_of};
use super::{PostItem, Stage, hour_of};
use crate::context::Context;
use crate::loyalty::wallets::{self, Beside, Needs};
use crate::members::MemberReference;

/// How many rules of a place a quote speaks of.
const MOST_TOLD: usize = 500;

/// Loads for one purchase; and the points (hundredths) that the person at the till, if one stands there, credited in this
/// hour.
pub(super) async fn load(
    ctx: &Context,
    stage: &Stage,
    item: &PostItem,
    now: DateTime<Utc>,
) -> Result<(Loaded, i64), StoreError> {
    let mut conn = ctx.reader().await?;
    let loaded = load_with(&mut conn, ctx, stage, item, now).await;
    conn.done(loaded)
}

async fn load_with(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    item: &PostItem,
    now: DateTime<Utc>,
) -> Result<(Loaded, i64), StoreError> {
    let settings = &stage.frame.programme.settings;
    let baskets = vec![Some(Basket::new(&item.basket, settings))];
    let rules = match told(stage, item, now) {
        Some(rules) => vec![rules],
        None => rules(conn, stage, &[Some(item)], &baskets, now).await?,
    };
    let (name, step) = (name_of(ctx, item), step_of(ctx, &item.member));
    let (day, day_begins) = today(settings, now);
    let question = Question {
        business: item.business,
        name: &name,
        receipt_number: &item.receipt_number,
        step,
        counts_from: counting::first_day(settings, now),
        visits: settings.limits.member_accruals_day.is_some()
            || !ids(&rules, |rule| rule.definition.conditions.visit.is_some()).is_empty(),
        today: day,
        cashier: item.cashier_member,
        hours: (day_begins, hour_of(now)),
        capped: &ids(&rules, |rule| rule.definition.caps.per_member.is_some()),
        budgeted: &ids(&rules, |rule| rule.definition.caps.budget.is_some()),
        pays: matches!(item.spend, Spend::Points(points) if points.is_positive()),
        now,
    };
    let mut answer = store::quote::read(conn, &question).await?;
    let birthdays = rules
        .iter()
        .flat_map(|rules| rules.iter())
        .any(|rule| rule.definition.conditions.birthday.is_some());
    let mut members = members_of(ctx, item, &answer)?;
    if let Some(row) = answer.wallet.take() {
        let row = with_lots(conn, item, row, &mut answer, now).await?;
        members.wallets.insert(row.wallet.member, row);
    }
    let used_codes = used_code(&answer, step);
    let receipts = receipt_of(item, &answer);
    let (hour_points, answer) = (answer.hour_points, as_of_group(item, answer));
    let members_states = states(ctx, stage, &mut members, &answer, birthdays, now);
    let loaded = Loaded {
        stage: stage.clone(),
        versions: None,
        resolved: members.of_orders,
        keys_free: vec![None],
        baskets,
        rules,
        kept: BTreeMap::new(),
        kept_purchases: BTreeMap::new(),
        receipts: receipts.into_iter().collect(),
        used_codes: used_codes.into_iter().collect(),
        members: members_states,
        counted: BTreeMap::new(),
        strangers: members.strangers,
        budgets: answer.budgets,
        named: Named::default(),
        beside: Beside::default(),
        accruals: answer.accruals,
        credited: answer.credits,
    };
    Ok((loaded, hour_points))
}

/// The code that was shown, if it was used before.
fn used_code(answer: &Answer, step: Option<i64>) -> Option<(Uuid, i64)> {
    let used = answer.member.as_ref().zip(step);
    let used = used.filter(|_| answer.code_used);
    used.map(|(member, step)| (member.id.as_uuid(), step))
}

/// The receipt with the purchase that has its number, if one has.
fn receipt_of(item: &PostItem, answer: &Answer) -> Option<((Uuid, ReceiptKind, String), Uuid)> {
    let number = item.receipt_number.clone();
    let receipt = (item.business.as_uuid(), ReceiptKind::Purchase, number);
    answer.receipt.map(|purchase| (receipt, purchase))
}

/// All rules of the place, so that the quote says why each gives nothing; where they are too many to tell, it speaks of
/// those that concern the basket.
fn told(stage: &Stage, item: &PostItem, now: DateTime<Utc>) -> Option<Arc<[Rule]>> {
    let place = stage.places.get(&item.business)?;
    if place.rules_known() > MOST_TOLD {
        return None;
    }
    place.rules_at(item.occurred_at.unwrap_or(now))
}

/// The member as the statement takes the name.
fn name_of(ctx: &Context, item: &PostItem) -> Name {
    match &item.member {
        MemberReference::Member(_) | MemberReference::Found(..) => {
            let id = item.member.identifier(item.business);
            Name::Id(id.map_or_else(Uuid::nil, MemberId::as_uuid))
        }
        MemberReference::Phone(phone) => Name::Phone(ctx.vault().member_phone_hash(phone)),
        MemberReference::Number(number) => Name::Number(number.as_str().to_owned()),
        MemberReference::Alias(alias) => Name::Alias(alias.clone()),
        MemberReference::Code(code, _) => Name::Locator(code.locator().to_owned()),
    }
}

fn members_of(ctx: &Context, item: &PostItem, answer: &Answer) -> Result<Members, StoreError> {
    let mut members = Members::default();
    let naming = Naming::Till(item.business, &item.member, IfUnknown::Make);
    let found = members.settle(ctx, naming, answer.member.as_ref())?;
    members.of_orders.push(found);
    members.meet_strangers(ctx, &[naming]);
    Ok(members)
}

/// The wallet with the lots and holds that the decision needs.
async fn with_lots(
    conn: &mut PgConnection,
    item: &PostItem,
    mut row: WalletRow,
    answer: &mut Answer,
    now: DateTime<Utc>,
) -> Result<WalletRow, StoreError> {
    let member = row.wallet.member;
    let due = row.wallet.next_change_at.is_some_and(|at| at <= now);
    if let Spend::Hold(hold, _) = item.spend {
        let needs = Needs {
            lots_of: BTreeSet::from([member]),
            holds: BTreeSet::from([hold]),
            ..Needs::default()
        };
        return filled(conn, member, row, &needs, now).await;
    }
    if due {
        return filled(conn, member, row, &Needs::default(), now).await;
    }
    let Spend::Points(points) = item.spend else {
        return Ok(row);
    };
    let sum = Points::sum(answer.lots.iter().map(|lot| lot.remaining));
    let covered = sum.is_ok_and(|sum| sum >= points);
    let mut lots = std::mem::take(&mut answer.lots);
    if lots.len() >= FIRST_LOTS && !covered {
        lots = store::lots::open_of_members(conn, &[member.as_uuid()], &[]).await?;
    }
    row.wallet.lots = lots.into_iter().map(|lot| (lot.id, lot)).collect();
    row.wallet.lots_loaded = true;
    Ok(row)
}

async fn filled(
    conn: &mut PgConnection,
    member: MemberId,
    row: WalletRow,
    needs: &Needs,
    now: DateTime<Utc>,
) -> Result<WalletRow, StoreError> {
    let mut rows = BTreeMap::from([(member, row)]);
    wallets::fill(conn, &mut rows, needs, now).await?;
    let row = rows.remove(&member);
    row.ok_or(StoreError(sqlx::Error::RowNotFound))
}

/// What was read, in the form in which a group reads it.
fn as_of_group(item: &PostItem, answer: Answer) -> look::Answer {
    let mut group = look::Answer {
        budgets: answer.budgets.into_iter().collect(),
        ..look::Answer::default()
    };
    if let Some(member) = answer.member {
        group.sums.insert(member.id, answer.sums);
        let visits = ((member.id, item.business), answer.visits);
        group.visits.extend([visits]);
        group
            .accruals
            .insert((member.id, item.business), answer.accruals);
        if let Some(cashier) = item.cashier_member {
            let credited = (member.id, item.business, cashier);
            group.credits.insert(credited, answer.credits);
        }
        let usage = answer.usage.into_iter();
        group.usage = usage
            .map(|(rule, start, granted)| (member.id, rule, start, granted))
            .collect();
    }
    group
}
