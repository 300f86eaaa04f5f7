//! All that a quote depends on, read in one statement without a lock.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::lot::Lot;
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::lots;
use crate::posting::names::Named;
use crate::wallets::{Balances, Counted, WalletRow};

/// How a till names a member.
#[derive(Clone, Debug)]
pub enum Name {
    /// By identifier.
    Id(Uuid),
    /// By the keyed hash of the phone.
    Phone(Vec<u8>),
    /// By the number on the card.
    Number(String),
    /// By the locator of a rotating code.
    Locator(String),
    /// By the business's own customer number.
    Alias(String),
}

/// What a quote asks for.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// Where it would be bought.
    pub business: BusinessId,
    /// By whom.
    pub name: &'q Name,
    /// The number that the receipt would have.
    pub receipt_number: &'q str,
    /// The step of the rotating code, if one was shown.
    pub step: Option<i64>,
    /// The first day that counts toward the tier.
    pub counts_from: NaiveDate,
    /// Whether visits, or what was earned there today, are needed.
    pub visits: bool,
    /// The present day of the programme's zone.
    pub today: NaiveDate,
    /// The person at the till whose credits are needed, if one stands there.
    pub cashier: Option<MemberId>,
    /// The hour in which that day begins, and the present one.
    pub hours: (DateTime<Utc>, DateTime<Utc>),
    /// Rules with a cap for each member.
    pub capped: &'q [Uuid],
    /// Rules with a budget.
    pub budgeted: &'q [Uuid],
    /// Whether points are to pay: then the first lots in the order of spending are needed.
    pub pays: bool,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The member, if there is one.
    pub member: Option<Named>,
    /// The member's wallet without lots.
    pub wallet: Option<WalletRow>,
    /// The purchase that has this receipt number.
    pub receipt: Option<Uuid>,
    /// Whether the rotating code was used before.
    pub code_used: bool,
    /// Net spend and points earned since the first day that counts.
    pub sums: (i64, i64),
    /// Visits to the business, if they were asked for.
    pub visits: u32,
    /// How often the member earned there today, if that was asked for.
    pub accruals: u32,
    /// How often the person at the till credited the member there today.
    pub credits: u32,
    /// The points (hundredths) that this person credited in the present hour, at all businesses.
    pub hour_points: i64,
    /// What caps have let through: rule, first day of the period, points.
    pub usage: Vec<(RuleId, NaiveDate, Points)>,
    /// What budgets have granted.
    pub budgets: Vec<(RuleId, Points)>,
    /// The first [`crate::posting::look::FIRST_LOTS`] lots that can be spent, in that order; none if something was due
    /// in the wallet: then all lots are needed, and holds too.
    pub lots: Vec<Lot>,
}

struct Row {
    id: Option<Uuid>,
    status: Option<String>,
    birthday_sealed: Option<Vec<u8>>,
    available: Option<i64>,
    pending: Option<i64>,
    held: Option<i64>,
    debt: Option<i64>,
    next_change_at: Option<DateTime<Utc>>,
    spending_from: Option<DateTime<Utc>>,
    tier: Option<String>,
    tier_since: Option<DateTime<Utc>>,
    counted_from: Option<NaiveDate>,
    counted_spend: Option<i64>,
    counted_points: Option<i64>,
    receipt: Option<Uuid>,
    code_used: bool,
    net_spend: i64,
    points_earned: i64,
    visits: Option<i32>,
    accruals: Option<i32>,
    credits: Option<i32>,
    hour_points: Option<i64>,
    usage: Option<Vec<(Uuid, NaiveDate, i64)>>,
    budgets: Option<Vec<(Uuid, i64)>>,
    lots: Option<Vec<lots::Record>>,
}

/// Reads it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn read(conn: &mut PgConnection, question: &Question<'_>) -> Result<Answer, StoreError> {
    let (way, id, hash, text) = parts(question.name);
    let row = sqlx::query_file_as!(
        Row,
        "src/quote.sql",
        way,
        id,
        hash,
        text,
        question.business.as_uuid(),
        question.receipt_number,
        question.step,
        question.counts_from,
        question.visits,
        question.capped,
        question.budgeted,
        question.pays,
        question.now,
        question.cashier.map(MemberId::as_uuid) as Option<Uuid>,
        question.today,
        question.hours.0,
        question.hours.1,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// What was counted; nothing where nothing was asked for.
fn count(counted: Option<i32>) -> u32 {
    counted
        .and_then(|counted| u32::try_from(counted).ok())
        .unwrap_or(0)
}

/// A name as the statement takes it: the way, and the part that is meant by it.
fn parts(name: &Name) -> (i16, Option<Uuid>, Option<&[u8]>, Option<&str>) {
    match name {
        Name::Id(id) => (1, Some(*id), None, None),
        Name::Phone(hash) => (2, None, Some(hash), None),
        Name::Number(number) => (3, None, None, Some(number)),
        Name::Locator(locator) => (4, None, None, Some(locator)),
        Name::Alias(alias) => (5, None, None, Some(alias)),
    }
}

impl Row {
    fn wallet(&mut self, member: MemberId) -> Option<WalletRow> {
        let balances = Balances {
            available: self.available?,
            pending: self.pending?,
            held: self.held?,
            debt: self.debt?,
            next_change_at: self.next_change_at,
            spending_from: self.spending_from,
        };
        Some(WalletRow {
            wallet: balances.wallet(member),
            tier: self.tier.take()?,
            tier_since: self.tier_since?,
            counted: Counted::of_columns(
                self.counted_from,
                self.counted_spend,
                self.counted_points,
            ),
        })
    }
}

impl From<Row> for Answer {
    fn from(mut row: Row) -> Self {
        let points = Points::from_hundredths;
        let id = row.id.map(MemberId::from);
        let wallet = id.and_then(|member| row.wallet(member));
        Self {
            member: id.zip(row.status).map(|(id, status)| Named {
                id,
                status,
                birthday_sealed: row.birthday_sealed,
            }),
            wallet,
            receipt: row.receipt,
            code_used: row.code_used,
            sums: (row.net_spend, row.points_earned),
            visits: count(row.visits),
            accruals: count(row.accruals),
            credits: count(row.credits),
            hour_points: row.hour_points.unwrap_or(0),
            usage: row
                .usage
                .into_iter()
                .flatten()
                .map(|(rule, start, granted)| (rule.into(), start, points(granted)))
                .collect(),
            budgets: row
                .budgets
                .into_iter()
                .flatten()
                .map(|(rule, granted)| (rule.into(), points(granted)))
                .collect(),
            lots: row
                .lots
                .into_iter()
                .flatten()
                .map(lots::from_record)
                .collect(),
        }
    }
}
