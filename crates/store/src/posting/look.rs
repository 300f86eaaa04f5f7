//! The look of a group, in one statement: all that its decisions depend on, as of one moment. A group whose wallets are
//! locked ([`super::lock`]) may trust it until its transaction ends. One that is not remembers the versions of its
//! wallets, and is written on the condition that they are the same ([`super::write`]): whatever changes what belongs to
//! a member changes the member's wallet in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::lot::Lot;
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use super::names::{Named, Names, Place, Way};
use crate::error::StoreError;
use crate::kept_answers::{self, KeptAnswer};
use crate::receipts::ReceiptKind;
use crate::wallets::WalletRow;
use crate::{lots, wallets};

/// How many lots of a member who pays with points are read at first, in the order of spending.
pub const FIRST_LOTS: usize = 64;

/// What an order needs to know of its member beside the wallet.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// How it names the member.
    pub name: Place,
    /// Where it takes place.
    pub business: Uuid,
    /// The person at the till whose credits of today are needed.
    pub cashier: Option<Uuid>,
    /// The step of the rotating code that it uses.
    pub step: Option<i64>,
    /// Whether visits, or what was earned there today, are needed.
    pub visits: bool,
    /// Whether points are to pay: then the first [`FIRST_LOTS`] active lots are needed, in the order of spending.
    pub pays: bool,
}

/// What a group asks for.
#[derive(Clone, Debug)]
pub struct Question {
    /// Everybody.
    pub names: Names,
    /// Keys.
    pub digests: Vec<Uuid>,
    /// Receipts: business, kind and number.
    pub receipts: Vec<(Uuid, ReceiptKind, String)>,
    /// What is needed of members beside their wallets.
    pub asked: Vec<Asked>,
    /// Rules with a cap for each member.
    pub capped: Vec<Uuid>,
    /// Rules with a budget.
    pub budgeted: Vec<Uuid>,
    /// The first day that counts toward tiers.
    pub counts_from: NaiveDate,
    /// The day of the programme's zone, and the first hour that counts as today.
    pub today: (NaiveDate, DateTime<Utc>),
    /// The present moment: whoever has something due by then is read with all open lots.
    pub now: DateTime<Utc>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Members, by the way of naming and the place in its list.
    pub named: BTreeMap<Place, Named>,
    /// Their wallets; lots are not loaded.
    pub wallets: BTreeMap<MemberId, WalletRow>,
    /// Versions of the wallets.
    pub versions: BTreeMap<MemberId, i64>,
    /// Kept answers by digest.
    pub kept: BTreeMap<Uuid, KeptAnswer>,
    /// The transactions that took them.
    pub receipts: BTreeMap<(Uuid, ReceiptKind, String), Uuid>,
    /// Codes that were used.
    pub codes: BTreeSet<(Uuid, i64)>,
    /// Net spend and points earned, in hundredths, of members whose sum is not up to date: in the days that have dropped
    /// out of it since, or, where there is none that could be brought up to date, in all days that count.
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

/// Who was meant: way, place from 1, member, status, birthday.
type NamedRecord = (i16, i32, Uuid, String, Option<Vec<u8>>);

struct Row {
    named: Vec<NamedRecord>,
    wallets: Vec<wallets::Record>,
    kept: Vec<kept_answers::Record>,
    receipts: Vec<(Uuid, String, String, Uuid)>,
    codes: Vec<(Uuid, i64)>,
    sums: Vec<(Uuid, i64, i64)>,
    visits: Vec<(Uuid, Uuid, i32, i32)>,
    credits: Vec<(Uuid, Uuid, Uuid, i32)>,
    usage: Vec<(Uuid, Uuid, NaiveDate, i64)>,
    budgets: Vec<(Uuid, i64)>,
    lots: Vec<lots::Record>,
}

/// What is asked of members, a column each.
#[derive(Default)]
struct Columns {
    ways: Vec<i16>,
    places: Vec<i32>,
    businesses: Vec<Uuid>,
    cashiers: Vec<Option<Uuid>>,
    steps: Vec<Option<i64>>,
    visits: Vec<bool>,
    pays: Vec<bool>,
}

impl Columns {
    fn of(asked: &[Asked]) -> Self {
        let mut columns = Self::default();
        for asked in asked {
            let (way, place) = asked.name;
            columns.ways.push(way.number());
            let place = i32::try_from(place + 1).unwrap_or(i32::MAX);
            columns.places.push(place);
            columns.businesses.push(asked.business);
            columns.cashiers.push(asked.cashier);
            columns.steps.push(asked.step);
            columns.visits.push(asked.visits);
            columns.pays.push(asked.pays);
        }
        columns
    }
}

/// Reads it. Nothing is locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn look(conn: &mut PgConnection, question: &Question) -> Result<Answer, StoreError> {
    let names = &question.names;
    let (alias_businesses, aliases) = names.alias_columns();
    let receipts = question.receipts.iter();
    let shops: Vec<Uuid> = receipts.clone().map(|(shop, ..)| *shop).collect();
    let kinds: Vec<&str> = receipts.clone().map(|(_, kind, _)| kind.as_str()).collect();
    let numbers: Vec<&str> = receipts.map(|(.., number)| number.as_str()).collect();
    let asked = Columns::of(&question.asked);
    let row = sqlx::query_file_as!(
        Row,
        "src/posting/look.sql",
        &names.ids,
        &names.phones,
        &names.numbers,
        &names.locators,
        &alias_businesses,
        &aliases as &[&str],
        &question.digests,
        &shops,
        &kinds as &[&str],
        &numbers as &[&str],
        &asked.ways,
        &asked.places,
        &asked.businesses,
        &asked.cashiers as &[Option<Uuid>],
        &asked.steps as &[Option<i64>],
        &asked.visits,
        &asked.pays,
        &question.capped,
        &question.budgeted,
        question.counts_from,
        question.today.0,
        question.today.1,
        question.now,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

fn points(hundredths: i64) -> Points {
    Points::from_hundredths(hundredths)
}

fn count(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

impl From<Row> for Answer {
    fn from(row: Row) -> Self {
        let mut answer = Self {
            named: row
                .named
                .into_iter()
                .filter_map(|(way, n, id, status, birthday_sealed)| {
                    let place = usize::try_from(n - 1).ok()?;
                    let id = id.into();
                    let named = Named {
                        id,
                        status,
                        birthday_sealed,
                    };
                    Some(((Way::of_number(way)?, place), named))
                })
                .collect(),
            kept: row
                .kept
                .into_iter()
                .map(kept_answers::from_record)
                .collect(),
            receipts: row
                .receipts
                .into_iter()
                .filter_map(|(business, kind, number, transaction)| {
                    Some(((business, ReceiptKind::parse(&kind)?, number), transaction))
                })
                .collect(),
            codes: row.codes.into_iter().collect(),
            sums: row
                .sums
                .into_iter()
                .map(|(member, spend, earned)| (member.into(), (spend, earned)))
                .collect(),
            credits: row
                .credits
                .into_iter()
                .map(|(member, business, cashier, credits)| {
                    let key = (member.into(), business.into(), cashier.into());
                    (key, count(credits))
                })
                .collect(),
            usage: row
                .usage
                .into_iter()
                .map(|(member, rule, start, granted)| {
                    (member.into(), rule.into(), start, points(granted))
                })
                .collect(),
            budgets: row
                .budgets
                .into_iter()
                .map(|(rule, granted)| (rule.into(), points(granted)))
                .collect(),
            lots: row.lots.into_iter().map(lots::from_record).collect(),
            ..Self::default()
        };
        for (member, business, visits, accruals) in row.visits {
            let key = (MemberId::from(member), BusinessId::from(business));
            answer.visits.insert(key, count(visits));
            answer.accruals.insert(key, count(accruals));
        }
        for record in row.wallets {
            let (wallet, version) = wallets::from_record(record);
            answer.versions.insert(wallet.wallet.member, version);
            answer.wallets.insert(wallet.wallet.member, wallet);
        }
        answer
    }
}
