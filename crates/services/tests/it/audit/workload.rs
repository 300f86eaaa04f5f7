//! A little of everything that happens to points: purchases with rules, caps and budgets, spending, holds that are
//! captured, joined, voided and lapse, refunds in parts, voids, debt and its payment, activation, expiry and grace.

use std::time::Duration;

use domain::ids::{BusinessId, HoldId, MemberId, PurchaseId};
use domain::loyalty::basket::{BasketInput, LineInput};
use domain::loyalty::lot::Funder;
use domain::loyalty::purchase::Spend;
use domain::loyalty::refund::RefundRequest;
use domain::loyalty::rule::{Caps, Conditions, MemberCap, Period, Reward, RuleDefinition};
use domain::loyalty::validity::Validity;
use domain::money::{BasisPoints, Money, Points};
use domain::rights::{OperatorRole, Scope};
use domain::text::{Slug, Text};
use services::businesses::{CreateBusiness, create_as_system};
use services::caller::{KeyCaller, OperatorCaller, TillCaller};
use services::context::Context;
use services::idempotency::{Answer, Answered, IdempotencyKey};
use services::loyalty::advance_wallets::advance_wallets;
use services::loyalty::earning_rules::{NewRule, add};
use services::loyalty::holds::{HeldPoints, HoldOrder, capture_hold, make_hold, void_hold};
use services::loyalty::post_purchase::{PurchaseRequest, post_items, post_purchase};
use services::loyalty::posting::PurchaseRow;
use services::loyalty::refund_purchase::{RefundOrder, Refunded, refund_purchase};
use services::members::MemberReference;
use services::programme::{self, ChangeProgramme};
use test_kit::TestApp;
use uuid::Uuid;

use crate::kit;

pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// A programme with a till at a café and one at a bookshop.
pub struct Scene {
    pub app: TestApp,
    pub cafe: TillCaller,
    pub shop: TillCaller,
    pub anna: MemberId,
    pub boris: MemberId,
    counter: u32,
}

pub fn admin() -> OperatorCaller {
    OperatorCaller {
        member: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(2).into(),
        roles: vec![OperatorRole::Admin],
    }
}

fn points(whole: i64) -> Points {
    Points::from_hundredths(whole * 100)
}

fn money(whole: i64) -> Money {
    Money::from_hundredths(whole * 100)
}

/// An answer whose body is the identifier of what was done.
fn told(id: impl ToString) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: id.to_string().into_bytes(),
    }
}

fn id_in<T: From<Uuid>>(answered: &Answered) -> T {
    let text = std::str::from_utf8(&answered.answer.body).unwrap();
    T::from(text.parse::<Uuid>().unwrap())
}

impl Scene {
    /// Points activate after a day and live for thirty.
    pub async fn begin() -> Self {
        let app = TestApp::start().await;
        let now = programme::current(&app.context).await.unwrap();
        let mut settings = now.settings.clone();
        settings.activation_delay_hours = 24;
        settings.validity = Validity::Days { count: 30 };
        let version = now.version;
        let change = ChangeProgramme { version, settings };
        let changed = programme::change(&app.context, &admin(), change).await;
        changed.expect("the settings are changed");
        let cafe = till(&app.context, "luna").await;
        let shop = till(&app.context, "bukva").await;
        let anna = join(&app, "+7 916 000-00-01").await;
        let boris = join(&app, "+7 916 000-00-02").await;
        add_rules(&app.context, cafe.business(None).unwrap()).await;
        Self {
            app,
            cafe,
            shop,
            anna,
            boris,
            counter: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    pub fn key(&mut self, operation: &'static str) -> IdempotencyKey {
        IdempotencyKey {
            principal: Uuid::from_u128(9),
            operation,
            key: self.number().to_string(),
            body_sha256: [0; 32],
        }
    }

    fn request(
        &mut self,
        member: MemberId,
        lines: &[(&str, i64)],
        spend: Spend,
    ) -> PurchaseRequest {
        let lines = lines.iter().map(|(category, amount)| LineInput {
            category: Some((*category).to_owned()),
            amount: Money::from_hundredths(*amount),
        });
        PurchaseRequest {
            business: None,
            location: None,
            cashier: Some("7".to_owned()),
            receipt_number: format!("R-{}", self.number()),
            member: MemberReference::Member(member),
            basket: BasketInput::Lines {
                lines: lines.collect(),
                total: None,
            },
            spend,
            occurred_at: None,
        }
    }

    pub async fn buy(
        &mut self,
        till: &TillCaller,
        member: MemberId,
        lines: &[(&str, i64)],
        spend: Spend,
    ) -> PurchaseId {
        let request = self.request(member, lines, spend);
        let key = self.key("post");
        let render = |purchase: &PurchaseRow| told(purchase.id);
        let posted = post_purchase(&self.app.context, till, request, key, render).await;
        id_in(&posted.expect("the purchase is posted"))
    }

    pub async fn refund(
        &mut self,
        till: &TillCaller,
        purchase: PurchaseId,
        request: RefundRequest,
    ) {
        self.give_back(till, purchase, request, false).await;
    }

    async fn give_back(
        &mut self,
        till: &TillCaller,
        purchase: PurchaseId,
        request: RefundRequest,
        is_void: bool,
    ) {
        let receipt = self.number();
        let order = RefundOrder {
            purchase,
            receipt_number: receipt.is_multiple_of(2).then(|| format!("B-{receipt}")),
            request,
            is_void,
            reason: "не подошло".to_owned(),
        };
        let key = self.key("refund");
        let render = |refunded: &Refunded| told(refunded.refund.id);
        refund_purchase(&self.app.context, till, order, key, render)
            .await
            .expect("the purchase is refunded");
    }

    pub async fn hold(&mut self, till: &TillCaller, member: MemberId, whole: i64) -> HoldId {
        let order = HoldOrder {
            business: None,
            reference: format!("H-{}", self.number()),
            member: MemberReference::Member(member),
            points: points(whole),
            minutes: Some(30),
        };
        let key = self.key("hold");
        let render = |held: &HeldPoints| told(held.hold.id);
        let held = make_hold(&self.app.context, till, order, key, render).await;
        id_in(&held.expect("the points are held"))
    }

    async fn capture(&mut self, till: &TillCaller, hold: HoldId, whole: i64) {
        let key = self.key("capture");
        let render = |held: &HeldPoints| told(held.hold.id);
        capture_hold(
            &self.app.context,
            till,
            hold,
            Some(points(whole)),
            key,
            render,
        )
        .await
        .expect("the hold is captured");
    }

    async fn let_go(&mut self, till: &TillCaller, hold: HoldId) {
        let key = self.key("void");
        let render = |held: &HeldPoints| told(held.hold.id);
        void_hold(&self.app.context, till, hold, key, render)
            .await
            .expect("the hold is voided");
    }

    /// Three days of business.
    pub async fn first_days(&mut self) {
        let (cafe, shop, anna, boris) =
            (self.cafe.clone(), self.shop.clone(), self.anna, self.boris);
        let big = [("general", 300_000), ("food", 123_457), ("tobacco", 20_000)];
        let first = self.buy(&cafe, anna, &big, Spend::Nothing).await;
        self.refund(
            &cafe,
            first,
            RefundRequest::Lines(vec![(2, Some(money(100)))]),
        )
        .await;
        let undone = self
            .buy(&shop, boris, &[("food", 10_000)], Spend::Nothing)
            .await;
        self.give_back(&shop, undone, RefundRequest::Everything, true)
            .await;
        let free = self
            .buy(&shop, boris, &[("general", 0)], Spend::Nothing)
            .await;
        self.refund(&shop, free, RefundRequest::Everything).await;
        self.buy(&shop, boris, &[("food", 500_000)], Spend::Nothing)
            .await;
        self.app.advance(DAY + HOUR);

        let lines = [("general", 20_001), ("alcohol", 9_999)];
        let paid = self
            .buy(&shop, anna, &lines, Spend::Points(points(70)))
            .await;
        self.refund(
            &shop,
            paid,
            RefundRequest::Amount(Money::from_hundredths(3_333)),
        )
        .await;
        let captured = self.hold(&cafe, anna, 20).await;
        self.capture(&cafe, captured, 15).await;
        let lines = [("general", 50_000)];
        self.buy(&cafe, anna, &lines, Spend::Hold(captured, None))
            .await;
        let direct = self.hold(&cafe, anna, 20).await;
        let by_hold = self
            .buy(&cafe, anna, &lines, Spend::Hold(direct, Some(points(12))))
            .await;
        self.refund(&cafe, by_hold, RefundRequest::Amount(money(77)))
            .await;
        let voided = self.hold(&shop, boris, 10).await;
        self.let_go(&shop, voided).await;
        let _lapses = self.hold(&shop, boris, 5).await;
        let stays_captured = self.hold(&shop, boris, 3).await;
        self.capture(&shop, stays_captured, 3).await;
        self.batch().await;
        // Most of what the first purchase earned has been spent: the rest becomes debt.
        let spent = self.buy(
            &cafe,
            anna,
            &[("general", 100_000)],
            Spend::Points(points(100)),
        );
        let _ = spent.await;
        self.refund(&cafe, first, RefundRequest::Everything).await;
        self.app.advance(2 * HOUR);
    }

    /// A batch in which one member buys three times and a stranger once.
    async fn batch(&mut self) {
        let (cafe, boris) = (self.cafe.clone(), self.boris);
        let mut requests = Vec::new();
        for amount in [10_000, 20_000, 30_000] {
            requests.push(self.request(boris, &[("food", amount)], Spend::Nothing));
        }
        let mut stranger = self.request(boris, &[("general", 40_000)], Spend::Nothing);
        stranger.member = MemberReference::Phone(kit::phone("+7 916 000-00-09"));
        requests.push(stranger);
        let mut items = Vec::new();
        for request in requests {
            items.push(request.into_item(&cafe, None).unwrap());
        }
        let outcomes = post_items(&self.app.context, items).await;
        assert!(outcomes.unwrap().iter().all(Result::is_ok));
    }

    /// Debt is paid, points expire, a refund gives some a last grace.
    pub async fn later_months(&mut self) {
        let (cafe, shop, anna, boris) =
            (self.cafe.clone(), self.shop.clone(), self.anna, self.boris);
        self.buy(&cafe, anna, &[("general", 700_000)], Spend::Nothing)
            .await;
        self.app.advance(2 * DAY);
        let before = self
            .buy(
                &shop,
                boris,
                &[("general", 100_000)],
                Spend::Points(points(40)),
            )
            .await;
        let earned = self
            .buy(&shop, boris, &[("food", 60_000)], Spend::Nothing)
            .await;
        self.app.advance(45 * DAY);
        let advanced = advance_wallets(&self.app.context).await;
        assert!(advanced.unwrap() > 0);
        self.refund(&shop, earned, RefundRequest::Amount(money(250)))
            .await;
        self.refund(&shop, before, RefundRequest::Everything).await;
        self.app.advance(20 * DAY);
        advance_wallets(&self.app.context).await.unwrap();
        self.buy(&cafe, boris, &[("general", 80_000)], Spend::Nothing)
            .await;
    }

    /// Some points are there and some are still to come.
    pub async fn last_day(&mut self) {
        let (cafe, boris) = (self.cafe.clone(), self.boris);
        advance_wallets(&self.app.context).await.unwrap();
        self.buy(&cafe, boris, &[("food", 90_000)], Spend::Nothing)
            .await;
    }
}

async fn till(ctx: &Context, slug: &str) -> TillCaller {
    let business = create_as_system(
        ctx,
        CreateBusiness {
            slug: Slug::new(slug).unwrap(),
            name: Text::new(slug).unwrap(),
            category: "food".to_owned(),
            description_ru: None,
            description_en: None,
            base_rate: BasisPoints::new(500),
            share_cap: None,
            spend_without_code_up_to: money(10_000),
            owner: None,
        },
    );
    TillCaller::Key(KeyCaller {
        key: Uuid::from_u128(9).into(),
        business: business.await.unwrap().id,
        location: None,
        scopes: vec![Scope::TransactionsWrite, Scope::LoyaltyWrite],
    })
}

pub async fn join(app: &TestApp, phone: &str) -> MemberId {
    let caller = kit::caller(app, &kit::phone(phone)).await;
    caller.into_member().unwrap().member
}

async fn add_rules(ctx: &Context, cafe: BusinessId) {
    let rule = |reward, categories: &[&str], caps| RuleDefinition {
        name_ru: "Акция".to_owned(),
        name_en: "Promotion".to_owned(),
        active: true,
        reward,
        conditions: Conditions {
            categories: categories.iter().map(|code| (*code).to_owned()).collect(),
            ..Conditions::default()
        },
        caps,
        activation_delay_hours: None,
        validity: None,
    };
    let monthly = Caps {
        per_member: Some(MemberCap {
            points: points(60),
            period: Period::Month,
        }),
        budget: Some(points(100)),
        ..Caps::default()
    };
    let rate = Reward::ExtraRate {
        rate: BasisPoints::new(300),
    };
    let fixed = Reward::Fixed { points: points(7) };
    for (business, funder, definition) in [
        (
            Some(cafe),
            Funder::Business(cafe),
            rule(rate, &["food"], monthly),
        ),
        (None, Funder::Programme, rule(fixed, &[], Caps::default())),
    ] {
        let new = NewRule {
            business,
            funder,
            effective_from: None,
            effective_until: None,
            definition,
        };
        add(ctx, &admin(), new).await.expect("the rule is added");
    }
}
