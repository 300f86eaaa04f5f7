//! Two businesses, orders in a line, and ways to make the database fail.

use std::num::NonZeroUsize;

use domain::ids::BusinessId;
use domain::loyalty::basket::BasketInput;
use domain::loyalty::purchase::Spend;
use domain::money::{BasisPoints, Money, Points};
use domain::rights::{OperatorRole, Scope};
use domain::text::{Slug, Text};
use services::businesses::{CreateBusiness, create_as_system};
use services::caller::{KeyCaller, OperatorCaller, TillCaller};
use services::context::{Context, ContextParts, ServiceConfig};
use services::idempotency::{Answer, IdempotencyKey};
use services::ids::IdSource;
use services::loyalty::engine::{EngineConfig, EngineError, Order, Outcome};
use services::loyalty::post_purchase::PurchaseRequest;
use services::loyalty::posting::{PostOutcome, PurchaseRow};
use services::members::MemberReference;
use services::vault::Vault;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_kit::TestApp;
use uuid::Uuid;

use crate::kit;

/// An answer of the engine.
pub type Answered = Result<Outcome, EngineError>;

/// One shard with small groups.
pub fn one_shard() -> EngineConfig {
    shards(1)
}

/// So many shards.
pub fn shards(count: usize) -> EngineConfig {
    EngineConfig {
        workers: NonZeroUsize::new(count),
        ..EngineConfig::default()
    }
}

pub struct Town {
    pub app: TestApp,
    pub cafe: TillCaller,
    pub shop: TillCaller,
}

impl Town {
    pub async fn open() -> Self {
        let app = TestApp::start().await;
        let cafe = till(&app.context, "luna").await;
        let shop = till(&app.context, "bukva").await;
        Self { app, cafe, shop }
    }

    /// A process beside the usual one, on the same database.
    pub async fn node(&self, engine: EngineConfig) -> Context {
        self.node_at(&self.app.database_url(), engine).await
    }

    pub async fn node_at(&self, url: &str, engine: EngineConfig) -> Context {
        let usual = &self.app.context;
        Context::new(ContextParts {
            pool: store::pool::connect(url, 4).await.unwrap(),
            clock: usual.clock().clone(),
            ids: IdSource::new(usual.clock().clone()),
            vault: Vault::new(&[7; 32]),
            sms: usual.sms().clone(),
            config: ServiceConfig {
                engine,
                ..usual.config().clone()
            },
        })
    }

    /// A connection with all rights.
    pub async fn owner(&self) -> PgConnection {
        let url = self.app.database_url();
        PgConnection::connect(&url).await.unwrap()
    }

    /// Makes the database do `body` whenever this receipt's purchase is written.
    pub async fn when_posted(&self, receipt: &str, body: &str) {
        self.run("create sequence times_posted").await;
        self.run(&format!(
            "create function at_purchase() returns trigger language plpgsql security definer as
             $$ begin if new.receipt_number = '{receipt}' then {body} end if; return new; end $$"
        ))
        .await;
        self.run(
            "create trigger at_purchase before insert on purchases
             for each row execute function at_purchase()",
        )
        .await;
    }

    /// How often the body of [`Town::when_posted`] ran that counts itself.
    pub async fn times_posted(&self) -> i64 {
        self.number("select last_value from times_posted").await
    }

    pub async fn run(&self, statement: &str) {
        let mut conn = self.owner().await;
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }

    pub async fn number(&self, query: &'static str) -> i64 {
        let mut conn = self.owner().await;
        sqlx::query_scalar(query)
            .fetch_one(&mut conn)
            .await
            .unwrap()
    }

    pub async fn posted(&self) -> i64 {
        self.number("select count(*) from purchases").await
    }

    /// Recomputes the ledger and asserts that nothing differs, and that so many purchases are there.
    pub async fn assert_clean(&self, purchases: usize) {
        let report = services::audit::audit(&self.app.context, 100)
            .await
            .unwrap();
        assert_eq!(report.differences, 0, "{report:#?}");
        assert_eq!(self.posted().await, i64::try_from(purchases).unwrap());
    }
}

pub fn admin() -> OperatorCaller {
    OperatorCaller {
        member: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(2).into(),
        roles: vec![OperatorRole::Admin],
    }
}

/// A business that gives 5 % and asks for no code.
async fn till(ctx: &Context, slug: &str) -> TillCaller {
    let business = CreateBusiness {
        slug: Slug::new(slug).unwrap(),
        name: Text::new(slug).unwrap(),
        category: "food".to_owned(),
        description_ru: None,
        description_en: None,
        base_rate: BasisPoints::new(500),
        share_cap: None,
        spend_without_code_up_to: Money::from_hundredths(1_000_000),
        owner: None,
    };
    TillCaller::Key(KeyCaller {
        key: Uuid::from_u128(9).into(),
        business: create_as_system(ctx, business).await.unwrap().id,
        location: None,
        scopes: vec![Scope::TransactionsWrite],
    })
}

pub fn business(till: &TillCaller) -> BusinessId {
    till.business(None).unwrap()
}

/// The phone of a person whom nobody has to know.
pub fn phone(person: u32) -> MemberReference {
    MemberReference::Phone(kit::phone(&format!("+7916{person:07}")))
}

pub fn request(receipt: &str, person: u32, kopecks: i64) -> PurchaseRequest {
    PurchaseRequest {
        business: None,
        location: None,
        cashier: None,
        receipt_number: receipt.to_owned(),
        member: phone(person),
        basket: BasketInput::Amounts {
            total: Money::from_hundredths(kopecks),
            not_earning: Money::ZERO,
            not_payable: Money::ZERO,
        },
        spend: Spend::Nothing,
        occurred_at: None,
    }
}

/// An order without a key.
pub fn plain(till: &TillCaller, receipt: &str, person: u32) -> Order {
    let item = request(receipt, person, 10_000).into_item(till, None);
    item.unwrap().into()
}

/// An order as tills send them: the receipt is also the key.
pub fn order(till: &TillCaller, receipt: &str, person: u32) -> Order {
    keyed(till, request(receipt, person, 10_000), receipt)
}

/// Orders of different people.
pub fn orders(till: &TillCaller, prefix: &str, count: u32) -> Vec<Order> {
    (0..count)
        .map(|n| order(till, &format!("{prefix}{n}"), n))
        .collect()
}

pub fn keyed(till: &TillCaller, request: PurchaseRequest, key: &str) -> Order {
    let key = self::key(key);
    let item = request.into_item(till, Some((key, told)));
    item.unwrap().into()
}

pub fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        principal: Uuid::from_u128(9),
        operation: "test",
        key: key.to_owned(),
        body_sha256: [1; 32],
    }
}

pub fn told(purchase: &PurchaseRow) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: purchase.id.to_string().into_bytes(),
    }
}

/// The purchase that an order came to, now or when it was sent before.
#[track_caller]
pub fn purchase(answered: &Answered) -> Uuid {
    match answered {
        Ok(Ok(PostOutcome::Posted(posted, _))) => posted.purchase.id,
        Ok(Ok(PostOutcome::Replayed(answer))) => {
            std::str::from_utf8(&answer.body).unwrap().parse().unwrap()
        }
        other => panic!("not posted: {other:?}"),
    }
}

/// The places of the answers that are no purchase.
pub fn failures(answers: &[Answered]) -> Vec<usize> {
    let failed = |(index, answer): (usize, &Answered)| {
        let posted = matches!(answer, Ok(Ok(_)));
        (!posted).then_some(index)
    };
    answers.iter().enumerate().filter_map(failed).collect()
}

#[track_caller]
pub fn assert_posted(answers: &[Answered]) {
    for (index, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Ok(Ok(_))), "{index}: {answer:?}");
    }
}

pub fn points(whole: i64) -> Points {
    Points::from_hundredths(whole * 100)
}

/// Waits until something holds; the test's time limit ends a wait that has no end.
pub async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    while !holds().await {
        tokio::task::yield_now().await;
    }
}
