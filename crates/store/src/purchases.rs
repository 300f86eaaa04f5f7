//! Tables `purchases` and `purchase_lines`: what was bought, append-only.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::loyalty::explanation::Explanation;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a purchase of somebody who was made by another transaction under another identifier.
pub const MEMBER_UNKNOWN: &str = "purchases_member_id_fkey";

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
}

/// A row of `purchase_lines`.
#[derive(Clone, Debug)]
pub struct PurchaseLineRow {
    /// The purchase.
    pub purchase_id: Uuid,
    /// Number on the receipt.
    pub line: i16,
    /// Category.
    pub category: String,
    /// What it cost.
    pub amount: i64,
    /// What points paid of it.
    pub paid_by_points: i64,
    /// The points that paid it.
    pub points_spent: i64,
    /// The points it earned.
    pub points_earned: i64,
}

/// Adds purchases.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(conn: &mut PgConnection, rows: &[PurchaseRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let amounts = |of: fn(&PurchaseRow) -> i64| -> Vec<i64> { rows.iter().map(of).collect() };
    let texts = |of: fn(&PurchaseRow) -> &str| -> Vec<String> {
        rows.iter().map(|row| of(row).to_owned()).collect()
    };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let businesses: Vec<Uuid> = rows.iter().map(|row| row.business_id).collect();
    let locations: Vec<Option<Uuid>> = rows.iter().map(|row| row.location_id).collect();
    let cashiers: Vec<Option<String>> = rows.iter().map(|row| row.cashier.clone()).collect();
    let members: Vec<Uuid> = rows.iter().map(|row| row.member_id).collect();
    let holds: Vec<Option<Uuid>> = rows.iter().map(|row| row.hold_id).collect();
    let explanations: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| serde_json::to_value(&row.explanation.0).map_err(sqlx::Error::decode))
        .collect::<Result<_, _>>()?;
    let occurred: Vec<DateTime<Utc>> = rows.iter().map(|row| row.occurred_at).collect();
    let recorded: Vec<DateTime<Utc>> = rows.iter().map(|row| row.recorded_at).collect();
    sqlx::query!(
        r#"insert into purchases (id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total,
                                  paid_by_points, paid_by_money, points_spent, points_earned, tier, tier_after,
                                  available_after, debt_after, explanation, occurred_at, recorded_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
                                $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[],
                                $14::text[], $15::bigint[], $16::bigint[], $17::jsonb[], $18::timestamptz[],
                                $19::timestamptz[])"#,
        &ids,
        &businesses,
        &locations as &[Option<Uuid>],
        &cashiers as &[Option<String>],
        &texts(|row| &row.receipt_number),
        &members,
        &holds as &[Option<Uuid>],
        &amounts(|row| row.total),
        &amounts(|row| row.paid_by_points),
        &amounts(|row| row.paid_by_money),
        &amounts(|row| row.points_spent),
        &amounts(|row| row.points_earned),
        &texts(|row| &row.tier),
        &texts(|row| &row.tier_after),
        &amounts(|row| row.available_after),
        &amounts(|row| row.debt_after),
        &explanations,
        &occurred,
        &recorded,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds lines of purchases.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert_lines(
    conn: &mut PgConnection,
    rows: &[PurchaseLineRow],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let amounts = |of: fn(&PurchaseLineRow) -> i64| -> Vec<i64> { rows.iter().map(of).collect() };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.purchase_id).collect();
    let lines: Vec<i16> = rows.iter().map(|row| row.line).collect();
    let categories: Vec<String> = rows.iter().map(|row| row.category.clone()).collect();
    sqlx::query!(
        r#"insert into purchase_lines (purchase_id, line, category, amount, paid_by_points, points_spent,
                                       points_earned)
           select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                                $7::bigint[])"#,
        &ids,
        &lines,
        &categories,
        &amounts(|row| row.amount),
        &amounts(|row| row.paid_by_points),
        &amounts(|row| row.points_spent),
        &amounts(|row| row.points_earned),
    )
    .execute(conn)
    .await?;
    Ok(())
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
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at
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
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at
           from purchases where id = $2 and member_id = $1"#,
        member.as_uuid(),
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// The lines of a purchase in order.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lines(
    conn: &mut PgConnection,
    purchase: Uuid,
) -> Result<Vec<PurchaseLineRow>, StoreError> {
    Ok(sqlx::query_as!(
        PurchaseLineRow,
        r#"select purchase_id, line, category, amount, paid_by_points, points_spent, points_earned
           from purchase_lines where purchase_id = $1 order by line"#,
        purchase
    )
    .fetch_all(conn)
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
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at
           from purchases
           where business_id = $1
             and ($2::uuid is null or location_id = $2)
             and ($3::timestamptz is null or occurred_at >= $3)
             and ($4::timestamptz is null or occurred_at < $4)
             and ($5::uuid is null or id < $5)
           order by id desc limit $6"#,
        business.as_uuid(),
        filter.location,
        filter.from,
        filter.until,
        filter.before,
        limit
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
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at
           from purchases
           where member_id = $2 and business_id = $1
             and ($3::uuid is null or location_id = $3)
             and ($4::timestamptz is null or occurred_at >= $4)
             and ($5::timestamptz is null or occurred_at < $5)
             and ($6::uuid is null or id < $6)
           order by id desc limit $7"#,
        business.as_uuid(),
        member,
        filter.location,
        filter.from,
        filter.until,
        filter.before,
        limit
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
                  explanation as "explanation: Json<Explanation>", occurred_at, recorded_at
           from purchases
           where member_id = $1
             and ($2::timestamptz is null or occurred_at >= $2)
             and ($3::timestamptz is null or occurred_at < $3)
             and ($4::uuid is null or id < $4)
           order by id desc limit $5"#,
        member.as_uuid(),
        filter.from,
        filter.until,
        filter.before,
        limit
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
