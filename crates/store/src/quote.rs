//! All that a quote depends on, read in one statement without a lock.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::lot::Lot;
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::lots;
use crate::posting::resolve::Named;
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
    /// Whether visits are needed.
    pub visits: bool,
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
    /// What caps have let through: rule, first day of the period, points.
    pub usage: Vec<(RuleId, NaiveDate, Points)>,
    /// What budgets have granted.
    pub budgets: Vec<(RuleId, Points)>,
    /// The first [`crate::posting::read::FIRST_LOTS`] lots that can be spent, in that order; none if something was due
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
    let row = sqlx::query_as!(
        Row,
        r#"with found as materialized (
               select m.id, m.status, m.birthday_sealed from members m
               where m.id = case $1::smallint
                   when 1 then $2::uuid
                   when 2 then (select p.id from members p where p.phone_hash = $3
                           union all
                           select p.id from members p where p.phone_hash_2 = $3 limit 1)
                   when 3 then (select n.id from members n where n.number = $4)
                   when 4 then (select c.member_id from member_cards c join sessions s on s.id = c.session_id
                                where c.locator = $4 and s.ended_at is null)
                   else (select a.member_id from member_aliases a where a.business_id = $5 and a.external_id = $4)
               end
           )
           select f.id as "id?", f.status as "status?", f.birthday_sealed,
                  w.available as "available?", w.pending as "pending?", w.held as "held?", w.debt as "debt?",
                  w.next_change_at, w.spending_from, w.tier as "tier?", w.tier_since as "tier_since?",
                  w.counted_from, w.counted_spend, w.counted_points,
                  (select r.transaction_id from receipts r
                   where r.business_id = $5 and r.kind = 'purchase' and r.receipt_number = $6) as receipt,
                  exists (select from used_member_codes u where u.member_id = f.id and u.step = $7) as "code_used!",
                  case when w.counted_from <= $8 then w.counted_spend - d.net_spend else d.net_spend end as "net_spend!",
                  case when w.counted_from <= $8 then w.counted_points - d.points_earned else d.points_earned end
                      as "points_earned!",
                  case when $9 then (select b.visits from member_businesses b
                                      where b.member_id = f.id and b.business_id = $5) end as visits,
                  (select array_agg((c.rule_id, c.period_start, c.granted)) from member_rule_usage c
                   where c.member_id = f.id and c.rule_id = any($10)) as "usage: Vec<(Uuid, NaiveDate, i64)>",
                  (select array_agg((g.rule_id, g.granted)) from rule_budgets g where g.rule_id = any($11))
                      as "budgets: Vec<(Uuid, i64)>",
                  case when $12 and (w.next_change_at is null or w.next_change_at > $13) then
                      (select array_agg(((l.id, l.member_id, l.origin, l.origin_id, l.funder_id),
                                         (l.earned_at, l.activates_at, l.expires_at),
                                         (l.amount, l.remaining, l.expired, l.pending)))
                       from (select * from lots where member_id = f.id and open and not pending
                             order by expires_at, id limit 64) l) end as "lots: Vec<lots::Record>"
           from (select 1) as always
           left join found f on true
           left join wallets w on w.member_id = f.id
           cross join lateral (
               select coalesce(sum(m.net_spend), 0)::bigint as net_spend,
                      coalesce(sum(m.points_earned), 0)::bigint as points_earned
               from member_days m
               where m.member_id = f.id
                 and m.day >= case when w.counted_from <= $8 then w.counted_from else $8 end
                 and m.day < case when w.counted_from <= $8 then $8 else 'infinity' end) d"#,
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
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
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
            visits: row
                .visits
                .and_then(|visits| u32::try_from(visits).ok())
                .unwrap_or(0),
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
