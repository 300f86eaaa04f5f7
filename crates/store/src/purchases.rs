//! Table `purchases`: what was bought, append-only. The lines stand in the explanation.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::loyalty::explanation::Explanation;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::{Builder, Uuid};

use crate::error::StoreError;

/// A row of `purchases`. Money and points in hundredths.
#[derive(Clone, Debug)]
pub struct PurchaseRow {
    /// Its identifier.
    pub id: Uuid,
    /// Where it was made.
    pub business_id: Uuid,
    /// The outlet.
    pub location_id: Option<Uuid>,
    /// The cashier as the till names him.
    pub cashier: Option<String>,
    /// Unique for ever within the business.
    pub receipt_number: String,
    /// Who bought.
    pub member_id: Uuid,
    /// The hold that paid.
    pub hold_id: Option<Uuid>,
    /// The bill.
    pub total: i64,
    /// What points paid of it.
    pub paid_by_points: i64,
    /// What was paid in money.
    pub paid_by_money: i64,
    /// The points that paid.
    pub points_spent: i64,
    /// The points earned.
    pub points_earned: i64,
    /// Tier when buying.
    pub tier: String,
    /// Tier after it.
    pub tier_after: String,
    /// Points available after it.
    pub available_after: i64,
    /// Debt after it.
    pub debt_after: i64,
    /// Why.
    pub explanation: Json<Explanation>,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// When it was posted.
    pub recorded_at: DateTime<Utc>,
    /// The import that brought it.
    pub import_id: Option<Uuid>,
    /// Its row there, from 1.
    pub import_row: Option<i64>,
}

/// Purchases to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) locations: Vec<Option<Uuid>>,
    pub(crate) cashiers: Vec<Option<&'a str>>,
    pub(crate) receipt_numbers: Vec<&'a str>,
    pub(crate) members: Vec<Uuid>,
    pub(crate) holds: Vec<Option<Uuid>>,
    pub(crate) totals: Vec<i64>,
    pub(crate) paid_by_points: Vec<i64>,
    pub(crate) paid_by_money: Vec<i64>,
    pub(crate) points_spent: Vec<i64>,
    pub(crate) points_earned: Vec<i64>,
    pub(crate) tiers: Vec<&'a str>,
    pub(crate) tiers_after: Vec<&'a str>,
    pub(crate) available_after: Vec<i64>,
    pub(crate) debt_after: Vec<i64>,
    pub(crate) explanations: Vec<Json<&'a Explanation>>,
    pub(crate) occurred_at: Vec<DateTime<Utc>>,
    pub(crate) recorded_at: Vec<DateTime<Utc>>,
    pub(crate) imports: Vec<Option<Uuid>>,
    pub(crate) import_rows: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(rows: &'a [PurchaseRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.ids.push(row.id);
            columns.businesses.push(row.business_id);
            columns.locations.push(row.location_id);
            columns.cashiers.push(row.cashier.as_deref());
            columns.receipt_numbers.push(&row.receipt_number);
            columns.members.push(row.member_id);
            columns.holds.push(row.hold_id);
            columns.totals.push(row.total);
            columns.paid_by_points.push(row.paid_by_points);
            columns.paid_by_money.push(row.paid_by_money);
            columns.points_spent.push(row.points_spent);
            columns.points_earned.push(row.points_earned);
            columns.tiers.push(&row.tier);
            columns.tiers_after.push(&row.tier_after);
            columns.available_after.push(row.available_after);
            columns.debt_after.push(row.debt_after);
            columns.explanations.push(Json(&row.explanation.0));
            columns.occurred_at.push(row.occurred_at);
            columns.recorded_at.push(row.recorded_at);
            columns.imports.push(row.import_id);
            columns.import_rows.push(row.import_row);
        }
        columns
    }
}

/// These purchases, at whatever business.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get_many_across_businesses(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, PurchaseRow>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases where id = any($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// One purchase of a business.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(
    conn: &mut PgConnection,
    business: BusinessId,
    id: Uuid,
) -> Result<Option<PurchaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases where id = $2 and business_id = $1"#,
        business.as_uuid(),
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// One purchase of a member, at whatever business.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get_of_member_across_businesses(
    conn: &mut PgConnection,
    member: MemberId,
    id: Uuid,
) -> Result<Option<PurchaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases where id = $2 and member_id = $1"#,
        member.as_uuid(),
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// Which purchases to list; what is absent does not restrict.
#[derive(Clone, Debug, Default)]
pub struct PurchaseFilter {
    /// Of this member.
    pub member: Option<Uuid>,
    /// At this outlet.
    pub location: Option<Uuid>,
    /// With this receipt number.
    pub receipt_number: Option<String>,
    /// Made at or after this moment.
    pub from: Option<DateTime<Utc>>,
    /// Made before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Recorded before the purchase of this identifier.
    pub before: Option<Uuid>,
}

impl PurchaseFilter {
    /// Whether a purchase that was found by its receipt fits the rest of the filter.
    fn fits(&self, row: &PurchaseRow) -> bool {
        self.member.is_none_or(|member| member == row.member_id)
            && self.location.is_none_or(|at| row.location_id == Some(at))
            && self.from.is_none_or(|from| row.occurred_at >= from)
            && self.until.is_none_or(|until| row.occurred_at < until)
            && self.before.is_none_or(|before| row.id < before)
    }

    /// Identifiers are smaller than this one. Said without "or null", so that months that are later are not read,
    /// whatever the plan.
    fn below(&self) -> Uuid {
        self.before.unwrap_or(Uuid::max())
    }

    /// Identifiers are greater than this one: a purchase is recorded when it was made, or later, or so much earlier as
    /// clocks of tills may run ahead, which is less than a day. Months before are not read.
    fn above(&self) -> Uuid {
        let recorded = self
            .from
            .and_then(|from| from.checked_sub_signed(TimeDelta::days(1)));
        let millis = recorded.and_then(|at| u64::try_from(at.timestamp_millis()).ok());
        millis.map_or(Uuid::nil(), |millis| {
            Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
        })
    }
}

/// A page of a business's purchases, newest first. One receipt is found by its number, one member's by the member, all
/// others by going back in time.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_business(
    conn: &mut PgConnection,
    business: BusinessId,
    filter: &PurchaseFilter,
    limit: i64,
) -> Result<Vec<PurchaseRow>, StoreError> {
    if let Some(number) = &filter.receipt_number {
        return by_receipt(conn, business, number, filter).await;
    }
    if let Some(member) = filter.member {
        return page_of_member_at(conn, business, member, filter, limit).await;
    }
    Ok(sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases
           where business_id = $1
             and ($2::uuid is null or location_id = $2)
             and ($3::timestamptz is null or occurred_at >= $3)
             and ($4::timestamptz is null or occurred_at < $4)
             and id < $5 and id > $7
           order by id desc limit $6"#,
        business.as_uuid(),
        filter.location,
        filter.from,
        filter.until,
        filter.below(),
        limit,
        filter.above()
    )
    .fetch_all(conn)
    .await?)
}

async fn by_receipt(
    conn: &mut PgConnection,
    business: BusinessId,
    number: &str,
    filter: &PurchaseFilter,
) -> Result<Vec<PurchaseRow>, StoreError> {
    let transaction = sqlx::query_scalar!(
        r#"select transaction_id from receipts
           where business_id = $1 and kind = 'purchase' and receipt_number = $2"#,
        business.as_uuid(),
        number
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = transaction else {
        return Ok(Vec::new());
    };
    let row = get(conn, business, id).await?;
    Ok(row.into_iter().filter(|row| filter.fits(row)).collect())
}

async fn page_of_member_at(
    conn: &mut PgConnection,
    business: BusinessId,
    member: Uuid,
    filter: &PurchaseFilter,
    limit: i64,
) -> Result<Vec<PurchaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases
           where member_id = $2 and business_id = $1
             and ($3::uuid is null or location_id = $3)
             and ($4::timestamptz is null or occurred_at >= $4)
             and ($5::timestamptz is null or occurred_at < $5)
             and id < $6 and id > $8
           order by id desc limit $7"#,
        business.as_uuid(),
        member,
        filter.location,
        filter.from,
        filter.until,
        filter.below(),
        limit,
        filter.above()
    )
    .fetch_all(conn)
    .await?)
}

/// A page of a member's purchases at all businesses, newest first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_member_across_businesses(
    conn: &mut PgConnection,
    member: MemberId,
    filter: &PurchaseFilter,
    limit: i64,
) -> Result<Vec<PurchaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        PurchaseRow,
        r#"select id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total, paid_by_points,
                  paid_by_money, points_spent, points_earned, tier, tier_after, available_after, debt_after,
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at, import_id, import_row
           from purchases
           where member_id = $1
             and ($2::timestamptz is null or occurred_at >= $2)
             and ($3::timestamptz is null or occurred_at < $3)
             and id < $4 and id > $6
           order by id desc limit $5"#,
        member.as_uuid(),
        filter.from,
        filter.until,
        filter.below(),
        limit,
        filter.above()
    )
    .fetch_all(conn)
    .await?)
}

/// Whether there is any purchase.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn any(conn: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(
        sqlx::query_scalar!(r#"select exists (select from purchases) as "any!""#)
            .fetch_one(conn)
            .await?,
    )
}
