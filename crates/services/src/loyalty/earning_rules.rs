//! Earning rules: shown to everybody, added and changed from a date on by an admin.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{BusinessId, RuleId};
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{Rule, RuleDefinition, RuleFault};
use domain::rights::OperatorRole;
use serde_json::{Value, json};
use store::earning_rules;
use store::error::StoreError;
use uuid::Uuid;

use super::ladder::{self, Frame};
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// A rule as an admin writes it.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Where it holds; none: everywhere.
    pub business: Option<BusinessId>,
    /// Who pays for what it gives.
    pub funder: Funder,
    /// From when; none: from now on.
    pub effective_from: Option<DateTime<Utc>>,
    /// Until when, exclusive.
    pub effective_until: Option<DateTime<Utc>>,
    /// What it gives.
    pub definition: RuleDefinition,
}

/// A change of a rule.
#[derive(Clone, Debug)]
pub struct RuleChange {
    /// The rule.
    pub rule: RuleId,
    /// The version that the change is made to.
    pub version: i32,
    /// From when; none: from now on.
    pub effective_from: Option<DateTime<Utc>>,
    /// Until when, exclusive.
    pub effective_until: Option<DateTime<Utc>>,
    /// What it gives from then on.
    pub definition: RuleDefinition,
}

/// Why a rule was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such rule.
    #[error("unknown rule")]
    UnknownRule,
    /// There is no such business.
    #[error("unknown business")]
    UnknownBusiness,
    /// Somebody has changed the rule meanwhile.
    #[error("the rule has changed meanwhile")]
    Stale {
        /// The present version.
        current: i32,
    },
    /// The definition is wrong in places.
    #[error("the definition is not possible")]
    Invalid(Vec<RuleFault>),
    /// A rule begins now or later, and ends after it begins.
    #[error("a rule begins now or later, after its last version began, and ends after it begins")]
    Dates,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rules by which points are earned at a moment: everywhere, and at one business if named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn in_force(
    ctx: &Context,
    business: Option<BusinessId>,
) -> Result<Vec<Rule>, StoreError> {
    let now = ctx.clock().now();
    let businesses: Vec<Uuid> = business.into_iter().map(Uuid::from).collect();
    // The rules that hold everywhere are readable by all.
    let ctx = business.map_or_else(|| ctx.clone(), |business| ctx.of(business));
    let mut conn = ctx.connection().await?;
    let rules = earning_rules::in_force_across_businesses(&mut conn, &businesses, now, now).await?;
    Ok(rules
        .into_iter()
        .filter(|rule| rule.definition.active)
        .collect())
}

/// A page of all rules in their latest version.
///
/// # Errors
/// [`RuleError`].
pub async fn list(
    ctx: &Context,
    caller: &OperatorCaller,
    after: Option<Uuid>,
    limit: u16,
) -> Result<Vec<Rule>, RuleError> {
    caller.require(OperatorRole::Admin)?;
    let mut conn = ctx.across().connection().await?;
    Ok(earning_rules::page_across_businesses(&mut conn, after, i64::from(limit)).await?)
}

/// One rule in its latest version.
///
/// # Errors
/// [`RuleError`].
pub async fn get(ctx: &Context, caller: &OperatorCaller, rule: RuleId) -> Result<Rule, RuleError> {
    caller.require(OperatorRole::Admin)?;
    let mut conn = ctx.across().connection().await?;
    let found = earning_rules::latest(&mut conn, rule).await?;
    found.ok_or(RuleError::UnknownRule)
}

/// Adds a rule.
///
/// # Errors
/// [`RuleError`] says why not.
pub async fn add(ctx: &Context, caller: &OperatorCaller, new: NewRule) -> Result<Rule, RuleError> {
    caller.require(OperatorRole::Admin)?;
    let now = ctx.clock().now();
    let rule = Rule {
        id: ctx.ids().next(),
        version: 1,
        business: new.business,
        funder: new.funder,
        effective_from: new.effective_from.unwrap_or(now),
        effective_until: new.effective_until,
        definition: new.definition,
    };
    check(&ladder::frame(ctx).await?, &rule)?;
    // A rule without a business holds at all of them.
    let ctx = &rule
        .business
        .map_or_else(|| ctx.across(), |business| ctx.of(business));
    let input = (ctx.clone(), rule.clone(), now);
    let result = transaction::run(ctx, input, |conn, (ctx, rule, now)| {
        Box::pin(async move {
            earning_rules::insert(conn, rule, *now).await?;
            let entry = Entry::of(Action::RuleAdd, ObjectKind::Rule).id(rule.id);
            let entry = entry.business(rule.business).after(logged(rule));
            audit_log::record(conn, ctx, entry).await
        })
    })
    .await;
    ctx.caches().places.forget_rules(rule.business);
    match result {
        Ok(()) => Ok(rule),
        Err(error)
            if error
                .constraint()
                .is_some_and(|name| name.ends_with("_fkey")) =>
        {
            Err(RuleError::UnknownBusiness)
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes a rule from a date on: purchases made before it keep the rule as it was.
///
/// # Errors
/// [`RuleError`] says why not.
pub async fn change(
    ctx: &Context,
    caller: &OperatorCaller,
    change: RuleChange,
) -> Result<Rule, RuleError> {
    caller.require(OperatorRole::Admin)?;
    // Whose rule it is shows when it is read.
    let (ctx, now) = (&ctx.across(), ctx.clock().now());
    let input = (ctx.clone(), ladder::frame(ctx).await?, change, now);
    let result = transaction::run(ctx, input, |conn, (ctx, frame, change, now)| {
        Box::pin(async move {
            let latest = earning_rules::lock_latest(conn, change.rule).await?;
            let latest = latest.ok_or(RuleError::UnknownRule)?;
            if latest.version != change.version {
                return Err(RuleError::Stale {
                    current: latest.version,
                });
            }
            let rule = Rule {
                id: latest.id,
                version: latest.version + 1,
                business: latest.business,
                funder: latest.funder,
                effective_from: change.effective_from.unwrap_or(*now),
                effective_until: change.effective_until,
                definition: change.definition.clone(),
            };
            if rule.effective_from < *now || rule.effective_from < latest.effective_from {
                return Err(RuleError::Dates);
            }
            check(frame, &rule)?;
            earning_rules::insert_version(conn, &rule, *now).await?;
            let entry = Entry::of(Action::RuleChange, ObjectKind::Rule).id(rule.id);
            let entry = entry.business(rule.business);
            audit_log::record(conn, ctx, entry.changed(logged(&latest), logged(&rule))).await?;
            Ok(rule)
        })
    })
    .await;
    if let Ok(rule) = &result {
        ctx.caches().places.forget_rules(rule.business);
    }
    result
}

/// A version of a rule as the audit log shows it.
fn logged(rule: &Rule) -> Value {
    json!({
        "version": rule.version,
        "funder": rule.funder,
        "effective_from": rule.effective_from,
        "effective_until": rule.effective_until,
        "definition": rule.definition,
    })
}

fn check(frame: &Frame, rule: &Rule) -> Result<(), RuleError> {
    if rule
        .effective_until
        .is_some_and(|end| end <= rule.effective_from)
    {
        return Err(RuleError::Dates);
    }
    let categories = &frame.programme.settings.categories;
    let faults = rule.definition.faults(
        |category| categories.contains_key(category),
        |tier| frame.ladder.get(tier).is_some(),
    );
    if faults.is_empty() {
        Ok(())
    } else {
        Err(RuleError::Invalid(faults))
    }
}
