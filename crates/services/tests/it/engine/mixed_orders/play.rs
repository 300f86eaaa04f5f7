//! A town with purchases and holds, and orders of every kind to be posted there.

use domain::ids::{BusinessId, HoldId, PurchaseId};
use domain::loyalty::lot::Funder;
use domain::loyalty::purchase::Spend;
use domain::loyalty::refund::RefundRequest;
use domain::loyalty::rule::{Caps, Conditions, MemberCap, Period, Reward, RuleDefinition};
use domain::money::{Money, Points};
use proptest::prelude::*;
use services::idempotency::{Answer, IdempotencyKey};
use services::loyalty::earning_rules::{NewRule, add};
use services::loyalty::posting::{
    EndHoldItem, HeldPoints, HoldEnd, HoldItem, Order, PostOutcome, PostRefusal, PurchaseRow,
    RefundItem, Refunded, Stage, post_group,
};
use services::transaction;
use uuid::Uuid;

use super::super::one_by_one::state;
use super::super::town::{Town, admin, business, phone, points, request};

/// Members who have joined; the phones after them are strangers.
const JOINED: u32 = 3;

/// Purchases and holds that are there before the group.
pub const SALES: usize = 8;
const HOLDS: usize = 6;

pub type Outcome = Result<PostOutcome, PostRefusal>;

/// One order of the play. Sales and holds are those of [`Play::open`].
#[derive(Clone, Debug)]
pub enum Step {
    Buy {
        person: u32,
        kopecks: i64,
        spend: Paying,
        receipt: u32,
    },
    Refund {
        sale: usize,
        request: RefundRequest,
        is_void: bool,
        receipt: Option<u32>,
    },
    MakeHold {
        person: u32,
        points: i64,
        reference: u32,
    },
    EndHold {
        hold: usize,
        end: HoldEnd,
    },
}

#[derive(Clone, Debug)]
pub enum Paying {
    Nothing,
    Points(i64),
    Hold(usize, Option<i64>),
}

/// A step with the key under which it is sent, if any, and whether its body is the usual one.
pub type Sent = (Step, Option<(u8, bool)>);

pub fn step() -> impl Strategy<Value = Sent> {
    let paying = prop_oneof![
        3 => Just(Paying::Nothing),
        2 => (1_i64..3_000).prop_map(Paying::Points),
        1 => (0..HOLDS, proptest::option::of(1_i64..1_500))
            .prop_map(|(hold, points)| Paying::Hold(hold, points)),
    ];
    let buy = (0_u32..5, 1_i64..300_000, paying, 0_u32..60).prop_map(
        |(person, kopecks, spend, receipt)| Step::Buy {
            person,
            kopecks,
            spend,
            receipt,
        },
    );
    let request = prop_oneof![
        Just(RefundRequest::Everything),
        (1_i64..150_000).prop_map(|kopecks| RefundRequest::Amount(Money::from_hundredths(kopecks))),
        (1_i16..3).prop_map(|line| RefundRequest::Lines(vec![(line, None)])),
    ];
    let receipt = proptest::option::of(0_u32..20);
    let refund = (0..SALES + 1, request, any::<bool>(), receipt).prop_map(
        |(sale, request, is_void, receipt)| Step::Refund {
            sale,
            request,
            is_void,
            receipt,
        },
    );
    let hold = (0_u32..5, 0_i64..2_500, 0_u32..20).prop_map(|(person, points, reference)| {
        Step::MakeHold {
            person,
            points,
            reference,
        }
    });
    let end = prop_oneof![
        Just(HoldEnd::Void),
        Just(HoldEnd::Capture(None)),
        (1_i64..1_500).prop_map(|part| HoldEnd::Capture(Some(Points::from_hundredths(part)))),
    ];
    let end = (0..HOLDS + 1, end).prop_map(|(hold, end)| Step::EndHold { hold, end });
    let step = prop_oneof![4 => buy, 3 => refund, 2 => hold, 2 => end];
    let key = proptest::option::weighted(0.5, (0_u8..20, proptest::bool::weighted(0.9)));
    (step, key)
}

/// A town in which something has happened already.
pub struct Play {
    pub town: Town,
    cafe: BusinessId,
    sales: Vec<PurchaseId>,
    holds: Vec<HoldId>,
}

impl Play {
    pub async fn open() -> Self {
        let town = Town::open().await;
        add_rules(&town, business(&town.cafe)).await;
        Self::begin(town).await
    }

    /// The same without rules that have limits.
    pub async fn open_plain() -> Self {
        Self::begin(Town::open().await).await
    }

    async fn begin(town: Town) -> Self {
        let cafe = business(&town.cafe);
        for person in 0..JOINED {
            let phone = crate::kit::phone(&format!("+7916{person:07}"));
            let caller = crate::kit::caller(&town.app, &phone).await;
            caller.into_member().unwrap();
        }
        let mut play = Self {
            town,
            cafe,
            sales: Vec::new(),
            holds: Vec::new(),
        };
        for (sale, person) in (0..SALES).zip((0..JOINED).cycle()) {
            let kopecks = 40_000 + 10_000 * i64::try_from(sale).unwrap();
            let spend = if sale < 5 {
                Paying::Nothing
            } else {
                Paying::Points(700)
            };
            let receipt = 1_000 + u32::try_from(sale).unwrap();
            let step = Step::Buy {
                person,
                kopecks,
                spend,
                receipt,
            };
            let outcome = play.alone(&(step, None)).await;
            let Ok(PostOutcome::Posted(posted, _)) = outcome else {
                panic!("not posted: {outcome:?}");
            };
            play.sales.push(posted.purchase.id.into());
        }
        for (hold, person) in (0..HOLDS).zip((0..JOINED).cycle()) {
            let step = Step::MakeHold {
                person,
                points: 300,
                reference: 1_000 + u32::try_from(hold).unwrap(),
            };
            let id = held(&play.alone(&(step, None)).await).hold.id;
            play.holds.push(id);
        }
        play
    }

    pub fn order(&self, (step, key): &Sent) -> Order {
        match step {
            Step::Buy {
                person,
                kopecks,
                spend,
                receipt,
            } => {
                let mut request = request(&format!("R-{receipt}"), *person, *kopecks);
                request.spend = match spend {
                    Paying::Nothing => Spend::Nothing,
                    Paying::Points(points) => Spend::Points(Points::from_hundredths(*points)),
                    Paying::Hold(hold, part) => {
                        Spend::Hold(self.holds[*hold], part.map(Points::from_hundredths))
                    }
                };
                let key = key.map(|key| (keyed("buy", key), told_sale as _));
                request.into_item(&self.town.cafe, key).unwrap().into()
            }
            Step::Refund {
                sale,
                request,
                is_void,
                receipt,
            } => Order::from(RefundItem {
                businesses: vec![self.cafe],
                cashier_member: None,
                purchase: self.sales.get(*sale).copied().unwrap_or(Uuid::nil().into()),
                receipt_number: receipt.map(|receipt| format!("B-{receipt}")),
                request: request.clone(),
                is_void: *is_void,
                reason: "не подошло".to_owned(),
                idempotency: key.map(|key| (keyed("refund", key), told_refund as _)),
            }),
            Step::MakeHold {
                person,
                points,
                reference,
            } => Order::from(HoldItem {
                business: self.cafe,
                cashier_member: None,
                reference: format!("H-{reference}"),
                member: phone(*person),
                points: Points::from_hundredths(*points),
                minutes: None,
                idempotency: key.map(|key| (keyed("hold", key), told_hold as _)),
            }),
            Step::EndHold { hold, end } => Order::from(EndHoldItem {
                businesses: vec![self.cafe],
                cashier_member: None,
                hold: self.holds.get(*hold).copied().unwrap_or(Uuid::nil().into()),
                end: *end,
                idempotency: key.map(|key| (keyed("end", key), told_hold as _)),
            }),
        }
    }

    /// Posts these orders in one transaction.
    pub async fn group(&self, sent: &[Sent]) -> Vec<Outcome> {
        let orders = sent.iter().map(|sent| self.order(sent)).collect();
        self.post(orders).await
    }

    async fn post(&self, orders: Vec<Order>) -> Vec<Outcome> {
        // As the engine's own connections do.
        let ctx = &self.town.app.context.across();
        let stage = Stage::of(ctx, &orders).await.unwrap();
        let input = (ctx.clone(), stage, orders);
        transaction::run(ctx, input, |conn, (ctx, stage, orders)| {
            Box::pin(post_group(conn, ctx, stage, orders))
        })
        .await
        .unwrap()
    }

    pub async fn alone(&self, sent: &Sent) -> Outcome {
        let outcomes = self.group(std::slice::from_ref(sent)).await;
        outcomes.into_iter().next().unwrap()
    }

    /// All that orders change, by names that two towns share.
    pub async fn state(&self) -> Vec<String> {
        let mut rows = state(&self.town).await;
        let mut conn = self.town.owner().await;
        for query in [
            "select h.reference, h.status, h.amount, h.captured, p.receipt_number, h.expires_at
             from holds h left join purchases p on p.id = h.purchase_id",
            "select p.receipt_number, r.receipt_number, r.is_void, r.amount, r.money_returned, r.points_returned,
                    r.points_taken_back, r.debt_added, r.available_after, r.debt_after, l.line, l.amount, l.paid_by_points
             from refunds r join purchases p on p.id = r.purchase_id join refund_lines l on l.refund_id = r.id",
            "select kind, status, convert_from(response, 'UTF8') from kept_answers k left join receipts r
             on r.transaction_id = k.purchase_id",
        ] {
            let query = format!("select t::text from ({query}) t order by 1");
            let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .fetch_all(&mut conn)
                .await
                .unwrap();
            rows.extend(found);
        }
        rows
    }
}

/// A rule whose cap and budget are reached soon, and one without limits.
async fn add_rules(town: &Town, cafe: BusinessId) {
    let rule = |whole, conditions, caps| RuleDefinition {
        name_ru: "Акция".to_owned(),
        name_en: "Promotion".to_owned(),
        active: true,
        reward: Reward::Fixed {
            points: points(whole),
        },
        conditions,
        caps,
        activation_delay_hours: None,
        validity: None,
    };
    let capped = Caps {
        per_member: Some(MemberCap {
            points: points(35),
            period: Period::Month,
        }),
        budget: Some(points(80)),
        ..Caps::default()
    };
    for definition in [
        rule(7, Conditions::default(), capped),
        rule(3, Conditions::default(), Caps::default()),
    ] {
        let new = NewRule {
            business: Some(cafe),
            funder: Funder::Business(cafe),
            effective_from: None,
            effective_until: None,
            definition,
        };
        add(&town.app.context, &admin(), new).await.unwrap();
    }
}

fn keyed(operation: &'static str, (key, is_usual): (u8, bool)) -> IdempotencyKey {
    IdempotencyKey {
        principal: Uuid::from_u128(9),
        operation,
        key: key.to_string(),
        body_sha256: [u8::from(is_usual); 32],
    }
}

fn told(text: String) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: text.into_bytes(),
    }
}

fn told_sale(row: &PurchaseRow) -> Answer {
    told(format!(
        "{} {} {} {} {} {}",
        row.receipt_number,
        row.total,
        row.points_spent,
        row.points_earned,
        row.available_after,
        row.debt_after
    ))
}

fn told_refund(refunded: &Refunded) -> Answer {
    let (row, complete) = (&refunded.refund, refunded.complete);
    let number = &row.receipt_number;
    let (back, taken) = (row.points_returned, row.points_taken_back);
    let balance = &refunded.balance;
    told(format!(
        "{number:?} {} {} {back} {taken} {complete} {balance:?}",
        row.amount, row.money_returned
    ))
}

fn told_hold(held: &HeldPoints) -> Answer {
    let (hold, balance) = (&held.hold, &held.balance);
    told(format!(
        "{} {} {:?} {:?} {balance:?}",
        hold.reference,
        hold.status.as_str(),
        hold.amount,
        hold.captured
    ))
}

/// An outcome without what differs between two towns.
pub fn shown(outcome: &Outcome) -> String {
    let answer = match outcome {
        Ok(PostOutcome::Posted(posted, _)) => told_sale(&posted.purchase),
        Ok(PostOutcome::Refunded(refunded, _)) => told_refund(refunded),
        Ok(PostOutcome::Held(held, _)) => told_hold(held),
        Ok(PostOutcome::Replayed(answer)) => {
            return format!("again: {}", String::from_utf8_lossy(&answer.body));
        }
        Err(refusal) => return format!("refused: {refusal}"),
    };
    String::from_utf8(answer.body).unwrap()
}

#[track_caller]
pub fn held(outcome: &Outcome) -> &HeldPoints {
    match outcome {
        Ok(PostOutcome::Held(held, _)) => held,
        other => panic!("no hold: {other:?}"),
    }
}
