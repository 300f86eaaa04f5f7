//! A batch has the verdicts and leaves the state of the same purchases posted one by one in its order, whatever they
//! have to do with each other: equal receipts, one member under several names, spending what was just earned, budgets.

use std::cell::Cell;
use std::collections::BTreeMap;

use domain::loyalty::lot::Funder;
use domain::loyalty::purchase::Spend;
use domain::loyalty::rule::{Caps, Conditions, MemberCap, Period, Reward, RuleDefinition};
use domain::member_code::MemberNumber;
use domain::money::Points;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use services::idempotency::Answer;
use services::loyalty::earning_rules::{NewRule, add};
use services::loyalty::engine::EngineConfig;
use services::loyalty::post_batch::{NotPosted, Verdict, post_batch};
use services::loyalty::post_purchase::{PostPurchaseError, PurchaseRequest, post_purchase};
use services::loyalty::posting::{PostRefusal, PurchaseRow};
use services::members::MemberReference;
use uuid::Uuid;

use super::one_by_one::{pretty_assert, state};
use super::town::{Town, admin, business, key, phone, points, request, shards};

/// The people who have joined; the others wait.
const JOINED: u32 = 4;

#[derive(Clone, Copy, Debug)]
enum Way {
    Phone,
    Number,
    Alias,
    Id,
}

const WAYS: [Way; 4] = [Way::Phone, Way::Number, Way::Alias, Way::Id];

#[derive(Clone, Debug)]
struct Step {
    person: u32,
    way: Way,
    kopecks: i64,
    spend: Option<i64>,
    receipt: u32,
}

/// How people are named.
#[derive(Clone, Copy, Debug)]
enum Names {
    /// All by phone.
    Phones,
    /// Each in one way.
    Own,
    /// One member in several ways.
    Mixed,
}

/// What makes the purchases of a batch depend on each other, besides their members.
#[derive(Clone, Copy, Debug)]
struct Kind {
    names: Names,
    fresh_receipts: bool,
    budget: bool,
}

const KINDS: [Kind; 6] = {
    const fn kind(names: Names, fresh_receipts: bool, budget: bool) -> Kind {
        Kind {
            names,
            fresh_receipts,
            budget,
        }
    }
    [
        kind(Names::Phones, true, false),
        kind(Names::Own, true, false),
        kind(Names::Mixed, true, false),
        kind(Names::Phones, false, false),
        kind(Names::Own, true, true),
        kind(Names::Mixed, false, true),
    ]
};

#[derive(Clone, Debug)]
struct Play {
    steps: Vec<Step>,
    kind: Kind,
}

fn step() -> impl Strategy<Value = Step> {
    let way = proptest::sample::select(&WAYS[..]);
    let spend = proptest::option::weighted(0.4, 1_i64..6_000);
    (0_u32..6, way, 1_i64..300_000, spend, 0_u32..40).prop_map(
        |(person, way, kopecks, spend, receipt)| Step {
            person,
            way,
            kopecks,
            spend,
            receipt,
        },
    )
}

/// Whatever else happens: one spends what he has not, and one receipt comes twice where receipts may.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step_of = |spend| Step {
        person: 1,
        way: Way::Phone,
        kopecks: 300_000,
        spend,
        receipt: 0,
    };
    proptest::collection::vec(step(), 40..90).prop_map(move |mut steps| {
        steps.insert(0, step_of(Some(5_999)));
        steps.extend([step_of(None), step_of(None)]);
        steps
    })
}

/// A town and the names of its people.
struct Place {
    town: Town,
    numbers: BTreeMap<u32, (Uuid, String)>,
}

impl Place {
    async fn open(budget: bool) -> Self {
        let town = Town::open().await;
        let caps = Caps {
            per_member: Some(MemberCap {
                points: points(60),
                period: Period::Month,
            }),
            budget: budget.then(|| points(100)),
            ..Caps::default()
        };
        let cafe = business(&town.cafe);
        let rule = NewRule {
            business: Some(cafe),
            funder: Funder::Business(cafe),
            effective_from: None,
            effective_until: None,
            definition: RuleDefinition {
                name_ru: "Акция".to_owned(),
                name_en: "Promotion".to_owned(),
                active: true,
                reward: Reward::Fixed { points: points(7) },
                conditions: Conditions::default(),
                caps,
                activation_delay_hours: None,
                validity: None,
            },
        };
        add(&town.app.context, &admin(), rule).await.unwrap();
        let mut numbers = BTreeMap::new();
        for person in 0..JOINED {
            let phone = format!("+7916{person:07}");
            let caller = crate::kit::caller(&town.app, &crate::kit::phone(&phone)).await;
            let member = caller.into_member().unwrap().member.as_uuid();
            let mut conn = town.owner().await;
            sqlx::query("insert into member_aliases values ($1, $2, $3, now())")
                .bind(cafe.as_uuid())
                .bind(format!("client-{person}"))
                .bind(member)
                .execute(&mut conn)
                .await
                .unwrap();
            let number = sqlx::query_scalar("select number from members where id = $1")
                .bind(member)
                .fetch_one(&mut conn)
                .await
                .unwrap();
            numbers.insert(person, (member, number));
        }
        Self { town, numbers }
    }

    fn request(&self, play: &Play, place: usize) -> PurchaseRequest {
        let step = &play.steps[place];
        let receipt = if play.kind.fresh_receipts {
            format!("R-{place}")
        } else {
            format!("R-{}", step.receipt)
        };
        let mut request = request(&receipt, step.person, step.kopecks);
        if let Some(spend) = step.spend {
            request.spend = Spend::Points(Points::from_hundredths(spend));
        }
        let way = match play.kind.names {
            Names::Phones => Way::Phone,
            Names::Own => WAYS[usize::try_from(step.person).unwrap() % WAYS.len()],
            Names::Mixed => step.way,
        };
        request.member = match (way, self.numbers.get(&step.person)) {
            (Way::Phone, _) | (_, None) => phone(step.person),
            (Way::Number, Some((_, number))) => {
                MemberReference::Number(MemberNumber::parse(number).unwrap())
            }
            (Way::Alias, _) => MemberReference::Alias(format!("client-{}", step.person)),
            (Way::Id, Some((member, _))) => MemberReference::Member((*member).into()),
        };
        request
    }
}

/// What both ways of posting must agree on.
fn figures(purchase: &PurchaseRow) -> Answer {
    let body = format!(
        "{} {} {} {} {} {} {}",
        purchase.receipt_number,
        purchase.points_spent,
        purchase.points_earned,
        purchase.tier,
        purchase.tier_after,
        purchase.available_after,
        purchase.debt_after
    );
    Answer {
        status: 201,
        location: None,
        body: body.into_bytes(),
    }
}

fn verdict(verdict: Verdict) -> String {
    match verdict {
        Ok(answer) => String::from_utf8(answer.body).unwrap(),
        Err(NotPosted::Refused(PostRefusal::ReceiptSeen { .. })) => "seen".to_owned(),
        Err(NotPosted::Refused(refusal)) => format!("{refusal:?}"),
        Err(NotPosted::Failed(error)) => panic!("{error}"),
    }
}

async fn in_a_batch(place: &Place, play: &Play) -> Vec<String> {
    let config = EngineConfig {
        group: 8,
        bulk: 4,
        ..shards(3)
    };
    let ctx = place.town.node(config).await;
    let requests = (0..play.steps.len()).map(|n| (n, place.request(play, n)));
    let whole = |verdicts: Vec<Verdict>| Answer {
        status: 207,
        location: None,
        body: verdicts
            .into_iter()
            .map(verdict)
            .collect::<Vec<_>>()
            .join("\n")
            .into_bytes(),
    };
    let till = &place.town.cafe;
    let answered = post_batch(&ctx, till, requests.collect(), key("batch"), figures, whole).await;
    ctx.close().await;
    let text = String::from_utf8(answered.unwrap().answer.body).unwrap();
    text.lines().map(str::to_owned).collect()
}

async fn one_by_one(place: &Place, play: &Play) -> Vec<String> {
    let ctx = &place.town.app.context;
    let mut verdicts = Vec::new();
    for n in 0..play.steps.len() {
        let request = place.request(play, n);
        let key = key(&n.to_string());
        let posted = post_purchase(ctx, &place.town.cafe, request, key, figures).await;
        verdicts.push(match posted {
            Ok(answered) => verdict(Ok(answered.answer)),
            Err(PostPurchaseError::Refused(refusal)) => verdict(Err(refusal.into())),
            Err(error) => panic!("{error}"),
        });
    }
    verdicts
}

/// Gives the verdicts.
async fn assert_same(play: &Play) -> Vec<String> {
    let together = Place::open(play.kind.budget).await;
    let batch = in_a_batch(&together, play).await;
    let apart = Place::open(play.kind.budget).await;
    let single = one_by_one(&apart, play).await;
    assert_eq!(batch, single);
    let mut states = [state(&together.town).await, state(&apart.town).await];
    for state in &mut states {
        // A batch keeps one more: its own.
        state.retain(|row| !row.ends_with(",answers)"));
    }
    pretty_assert(&states[0], &states[1]);
    let report = services::audit::audit(&together.town.app.context, 10).await;
    assert!(report.unwrap().is_clean());
    batch
}

#[test]
fn a_batch_equals_its_purchases_one_by_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    for kind in KINDS {
        let config = Config {
            cases: 1,
            max_shrink_iters: 20,
            failure_persistence: None,
            ..Config::default()
        };
        let seen = Cell::new([false; 3]);
        TestRunner::new(config)
            .run(&steps(), |steps| {
                let verdicts = runtime.block_on(assert_same(&Play { steps, kind }));
                let any = |holds: fn(&String) -> bool| verdicts.iter().any(holds);
                let posted = any(|verdict| verdict.starts_with("R-"));
                let short = any(|verdict| verdict.contains("NotEnoughPoints"));
                seen.set([posted, short, any(|verdict| verdict == "seen")]);
                Ok(())
            })
            .unwrap();
        // The play had something to show.
        assert_eq!(seen.get(), [true, true, !kind.fresh_receipts], "{kind:?}");
    }
}
