//! The second look of a group, in one statement: all that its decisions depend on and that is read after the wallets
//! were locked. For the form of its look-ups see [`super::resolve`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::lot::Lot;
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::kept_answers::{self, KeptAnswer};
use crate::lots;
use crate::receipts::ReceiptKind;

/// How many lots of a member who pays with points are read at first, in the order of spending.
pub const FIRST_LOTS: usize = 64;

/// What a group asks for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Keys.
    pub digests: Vec<Uuid>,
    /// Receipts: business, kind and number.
    pub receipts: Vec<(Uuid, ReceiptKind, String)>,
    /// Rotating codes: member and step.
    pub codes: Vec<(Uuid, i64)>,
    /// Everybody.
    pub members: Vec<Uuid>,
    /// Members whose days are to be summed: from which day on, up to the day before which.
    pub days: Vec<(Uuid, NaiveDate, NaiveDate)>,
    /// Members at businesses whose visits are needed.
    pub visits: Vec<(Uuid, Uuid)>,
    /// The day of the programme's zone, and the first hour that counts as today.
    pub today: (NaiveDate, DateTime<Utc>),
    /// Members, businesses and people at tills: what these credited today is needed.
    pub credits: Vec<(Uuid, Uuid, Uuid)>,
    /// Rules with a cap for each member.
    pub capped: Vec<Uuid>,
    /// Rules with a budget.
    pub budgeted: Vec<Uuid>,
    /// Members of whom all open lots are needed.
    pub all_lots_of: Vec<Uuid>,
    /// Members of whom the first [`FIRST_LOTS`] active lots are needed, in the order of spending.
    pub first_lots_of: Vec<Uuid>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Kept answers by digest.
    pub kept: BTreeMap<Uuid, KeptAnswer>,
    /// The transactions that took them.
    pub receipts: BTreeMap<(Uuid, ReceiptKind, String), Uuid>,
    /// Codes that were used.
    pub codes: BTreeSet<(Uuid, i64)>,
    /// Net spend and points earned in the days that were asked for, in hundredths.
    pub sums: BTreeMap<MemberId, (i64, i64)>,
    /// Visits.
    pub visits: BTreeMap<(MemberId, BusinessId), u32>,
    /// How often a member earned at a business today.
    pub accruals: BTreeMap<(MemberId, BusinessId), u32>,
    /// How often a person at a till credited a member today: member, business, person.
    pub credits: BTreeMap<(MemberId, BusinessId, MemberId), u32>,
    /// What caps have let through: member, rule, first day of the period, points.
    pub usage: Vec<(MemberId, RuleId, NaiveDate, Points)>,
    /// What budgets have granted.
    pub budgets: BTreeMap<RuleId, Points>,
    /// Lots.
    pub lots: Vec<Lot>,
}

struct Row {
    kept: Option<Vec<kept_answers::Record>>,
    receipts: Option<Vec<(Uuid, String, String, Uuid)>>,
    codes: Option<Vec<(Uuid, i64)>>,
    sums: Option<Vec<(Uuid, i64, i64)>>,
    visits: Option<Vec<(Uuid, Uuid, i32, i32)>>,
    credits: Option<Vec<(Uuid, Uuid, Uuid, i32)>>,
    usage: Option<Vec<(Uuid, Uuid, NaiveDate, i64)>>,
    budgets: Option<Vec<(Uuid, i64)>>,
    lots: Option<Vec<lots::Record>>,
}

/// Reads it. Nothing is locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn read(conn: &mut PgConnection, question: &Question) -> Result<Answer, StoreError> {
    let shops: Vec<Uuid> = question.receipts.iter().map(|(shop, ..)| *shop).collect();
    let kinds: Vec<&str> = question
        .receipts
        .iter()
        .map(|(_, kind, _)| kind.as_str())
        .collect();
    let numbers: Vec<&str> = question
        .receipts
        .iter()
        .map(|(.., number)| number.as_str())
        .collect();
    let (coded, steps): (Vec<Uuid>, Vec<i64>) = question.codes.iter().copied().unzip();
    let (visitors, visited): (Vec<Uuid>, Vec<Uuid>) = question.visits.iter().copied().unzip();
    let days = &question.days;
    let days_of: Vec<Uuid> = days.iter().map(|(member, ..)| *member).collect();
    let days_from: Vec<NaiveDate> = days.iter().map(|(_, from, _)| *from).collect();
    let days_until: Vec<NaiveDate> = days.iter().map(|(.., until)| *until).collect();
    let triples = &question.credits;
    let credited: Vec<Uuid> = triples.iter().map(|(member, ..)| *member).collect();
    let credited_at: Vec<Uuid> = triples.iter().map(|(_, shop, _)| *shop).collect();
    let cashiers: Vec<Uuid> = triples.iter().map(|(.., cashier)| *cashier).collect();
    let row = sqlx::query_file_as!(
        Row,
        "src/posting/read.sql",
        &question.digests,
        &shops,
        &numbers as &[&str],
        &coded,
        &steps,
        &question.members,
        &days_from,
        &days_until,
        &visitors,
        &visited,
        &question.capped,
        &question.budgeted,
        &question.all_lots_of,
        &question.first_lots_of,
        &kinds as &[&str],
        question.today.0,
        &credited,
        &credited_at,
        &cashiers,
        question.today.1,
        &days_of,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

fn points(hundredths: i64) -> Points {
    Points::from_hundredths(hundredths)
}

fn all<T>(rows: Option<Vec<T>>) -> impl Iterator<Item = T> {
    rows.into_iter().flatten()
}

fn count(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

impl From<Row> for Answer {
    fn from(row: Row) -> Self {
        let visits: Vec<_> = all(row.visits).collect();
        Self {
            accruals: visits
                .iter()
                .map(|(member, business, _, accruals)| {
                    (((*member).into(), (*business).into()), count(*accruals))
                })
                .collect(),
            credits: all(row.credits)
                .map(|(member, business, cashier, credits)| {
                    let key = (member.into(), business.into(), cashier.into());
                    (key, count(credits))
                })
                .collect(),
            kept: all(row.kept).map(kept_answers::from_record).collect(),
            receipts: all(row.receipts)
                .filter_map(|(business, kind, number, transaction)| {
                    Some(((business, ReceiptKind::parse(&kind)?, number), transaction))
                })
                .collect(),
            codes: all(row.codes).collect(),
            sums: all(row.sums)
                .map(|(member, spend, earned)| (member.into(), (spend, earned)))
                .collect(),
            visits: visits
                .into_iter()
                .map(|(member, business, visits, _)| {
                    ((member.into(), business.into()), count(visits))
                })
                .collect(),
            usage: all(row.usage)
                .map(|(member, rule, start, granted)| {
                    (member.into(), rule.into(), start, points(granted))
                })
                .collect(),
            budgets: all(row.budgets)
                .map(|(rule, granted)| (rule.into(), points(granted)))
                .collect(),
            lots: all(row.lots).map(lots::from_record).collect(),
        }
    }
}
