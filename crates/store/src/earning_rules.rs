//! Tables `earning_rules`, `earning_rule_versions`, `rule_budgets` and `member_rule_usage`: promotions, dated, and what
//! their limits have let through.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, RuleId};
use domain::loyalty::lot::Funder;
use domain::loyalty::rule::{Rule, RuleDefinition};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;

struct Row {
    id: Uuid,
    version: i32,
    business_id: Option<Uuid>,
    funder_id: Option<Uuid>,
    effective_from: DateTime<Utc>,
    effective_until: Option<DateTime<Utc>>,
    definition: Json<RuleDefinition>,
}

impl From<Row> for Rule {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            version: row.version,
            business: row.business_id.map(Into::into),
            funder: Funder::from_business(row.funder_id.map(Into::into)),
            effective_from: row.effective_from,
            effective_until: row.effective_until,
            definition: row.definition.0,
        }
    }
}

/// The rules that may concern purchases at these businesses made between two moments, all versions that were in
/// force at some time between, oldest rule first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn in_force_across_businesses(
    conn: &mut PgConnection,
    businesses: &[Uuid],
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Rule>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.rule_id as "id!", v.version as "version!", v.business_id, r.funder_id,
                  v.effective_from as "effective_from!", v.effective_until,
                  v.definition as "definition!: Json<RuleDefinition>"
           from (select * from earning_rule_versions
                 where business_id = any($1) and effective_from <= $3
                   and (effective_until is null or effective_until > $2)
                 union all
                 select * from earning_rule_versions
                 where business_id is null and effective_from <= $3
                   and (effective_until is null or effective_until > $2)) v
           join earning_rules r on r.id = v.rule_id
           order by v.rule_id, v.version"#,
        businesses,
        from,
        until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Rule::from).collect())
}

/// The versions of rules that are, will be or after `since` were in force and are not switched off: those of these
/// businesses, and with `everywhere` those that hold everywhere; oldest rule first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn since_across_businesses(
    conn: &mut PgConnection,
    businesses: &[Uuid],
    everywhere: bool,
    since: DateTime<Utc>,
) -> Result<Vec<Rule>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.rule_id as "id!", v.version as "version!", v.business_id, r.funder_id,
                  v.effective_from as "effective_from!", v.effective_until,
                  v.definition as "definition!: Json<RuleDefinition>"
           from (select * from earning_rule_versions
                 where business_id = any($1) and (effective_until is null or effective_until > $3)
                 union all
                 select * from earning_rule_versions
                 where business_id is null and $2 and (effective_until is null or effective_until > $3)) v
           join earning_rules r on r.id = v.rule_id
           where v.definition @> '{"active": true}'
           order by v.rule_id, v.version"#,
        businesses,
        everywhere,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Rule::from).collect())
}

/// How many versions of rules there are: of each of these businesses, and with `everywhere` of those that hold everywhere
/// (under none). Versions are only ever added, and with each the one before it ends: while their number is the same, so
/// are they.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn count_versions_across_businesses(
    conn: &mut PgConnection,
    businesses: &[Uuid],
    everywhere: bool,
) -> Result<BTreeMap<Option<BusinessId>, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_id, count(*) as "count!" from earning_rule_versions
           where business_id = any($1) group by business_id
           union all
           select null, count(*) from earning_rule_versions where business_id is null and $2"#,
        businesses,
        everywhere
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.business_id.map(BusinessId::from), row.count))
        .collect())
}

/// A page of rules in their latest version, oldest first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_across_businesses(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Rule>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, v.version, v.business_id, r.funder_id, v.effective_from, v.effective_until,
                  v.definition as "definition: Json<RuleDefinition>"
           from (select * from earning_rules where $1::uuid is null or id > $1 order by id limit $2) r
           join lateral (select * from earning_rule_versions where rule_id = r.id
                         order by version desc limit 1) v on true
           order by r.id"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Rule::from).collect())
}

/// The latest version of a rule; locks the rule against a change by another until the transaction ends.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lock_latest(conn: &mut PgConnection, id: RuleId) -> Result<Option<Rule>, StoreError> {
    // The rule itself is never updated, and may not be; its budget has one row from the start.
    let known = sqlx::query_scalar!(
        "select rule_id from rule_budgets where rule_id = $1 for no key update",
        id.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_none() {
        return Ok(None);
    }
    latest(conn, id).await
}

/// The latest version of a rule.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn latest(conn: &mut PgConnection, id: RuleId) -> Result<Option<Rule>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"select r.id, v.version, v.business_id, r.funder_id, v.effective_from, v.effective_until,
                  v.definition as "definition: Json<RuleDefinition>"
           from earning_rules r
           join earning_rule_versions v on v.rule_id = r.id
           where r.id = $1 order by v.version desc limit 1"#,
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Rule::from))
}

/// Adds a rule with its first version and an empty budget.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    rule: &Rule,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into earning_rules (id, business_id, funder_id, created_at) values ($1, $2, $3, $4)",
        rule.id.as_uuid(),
        rule.business.map(Uuid::from),
        rule.funder.business().map(Uuid::from),
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into rule_budgets (rule_id, granted) values ($1, 0)",
        rule.id.as_uuid()
    )
    .execute(&mut *conn)
    .await?;
    insert_version(conn, rule, now).await
}

/// Adds a version of a rule and ends the one before it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert_version(
    conn: &mut PgConnection,
    rule: &Rule,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update earning_rule_versions set effective_until = greatest($2, effective_from)
           where rule_id = $1 and (effective_until is null or effective_until > $2)"#,
        rule.id.as_uuid(),
        rule.effective_from,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"insert into earning_rule_versions (rule_id, version, business_id, effective_from, effective_until,
                                              definition, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)"#,
        rule.id.as_uuid(),
        rule.version,
        rule.business.map(Uuid::from),
        rule.effective_from,
        rule.effective_until,
        Json(&rule.definition) as _,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a rule of this business, or one that holds everywhere, has or had a budget.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn has_budget(conn: &mut PgConnection, business: Uuid) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from earning_rule_versions
                          where business_id = $1 and definition -> 'caps' -> 'budget' <> 'null')
               or exists (select from earning_rule_versions
                          where business_id is null and definition -> 'caps' -> 'budget' <> 'null') as "known!""#,
        business
    )
    .fetch_one(conn)
    .await?)
}

/// Adds grants to budgets as long as none goes beyond its most; a budget that has no room for its grants stays as it is.
/// Says how many had room. `grants`: rule, points granted (negative where more was given back), the rule's budget;
/// hundredths.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn grant_from_budgets(
    conn: &mut PgConnection,
    grants: &[(Uuid, i64, i64)],
) -> Result<usize, StoreError> {
    let rules: Vec<Uuid> = grants.iter().map(|(rule, ..)| *rule).collect();
    let points: Vec<i64> = grants.iter().map(|(_, points, _)| *points).collect();
    let most: Vec<i64> = grants.iter().map(|(.., most)| *most).collect();
    let done = sqlx::query!(
        r#"with locked as materialized (
               select rule_id from rule_budgets where rule_id = any($1) order by rule_id for no key update
           )
           update rule_budgets b set granted = greatest(0, b.granted + u.points)
           from locked l
           join unnest($1::uuid[], $2::bigint[], $3::bigint[]) as u (rule_id, points, most) on u.rule_id = l.rule_id
           where b.rule_id = l.rule_id and b.rule_id = any($1) and (u.points <= 0 or b.granted <= u.most - u.points)"#,
        &rules,
        &points,
        &most
    )
    .execute(conn)
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}
