//! What is done by hand is proved too: adjustments, also into debt and with a second person, and transfers.

use domain::ids::{AdjustmentId, MemberId};
use domain::loyalty::lot::Funder;
use domain::money::Points;
use domain::rights::OperatorRole;
use domain::text::Text;
use services::caller::{MemberCaller, OperatorCaller};
use services::idempotency::Answer;
use services::loyalty::adjustments::{self, AdjustmentOrder, AdjustmentRow, Decision};
use services::loyalty::transfer::{TransferOrder, Transferred, transfer};
use services::members::MemberReference;
use uuid::Uuid;

use super::clean::assert_clean;
use super::tampering::{Tampering, all_powerful, every_one_is_named};
use super::workload::{DAY, Scene, join};

pub const TAMPERINGS: &[Tampering] = &[
    Tampering(
        "adjustments",
        "update adjustments set applied = applied - 1 where applied > 1",
        &["adjustment"],
    ),
    Tampering(
        "adjustments",
        "delete from adjustments where id = (select id from adjustments where status = 'done' and points > 0 limit 1)",
        &["journal_source", "adjustment"],
    ),
    Tampering(
        "adjustments",
        "update adjustments set status = 'done', applied = points where status = 'waiting'",
        &["adjustment"],
    ),
    Tampering(
        "adjustments",
        "update adjustments set funder_id = null where into_debt",
        &["journal_funder"],
    ),
    Tampering(
        "transfers",
        "update transfers set points = points + 1",
        &["transfer"],
    ),
    Tampering(
        "transfers",
        "delete from transfers",
        &["journal_source", "transfer"],
    ),
    Tampering(
        "transfers",
        "update transfers set parts = jsonb_set(parts, '{0,points}', to_jsonb((parts #>> '{0,points}')::bigint + 1))",
        &["transfer", "transfer_lot"],
    ),
    Tampering(
        "lots",
        "update lots set earned_at = earned_at - interval '1 day' where origin = 'transfer'",
        &["transfer_lot"],
    ),
    Tampering(
        "lots",
        "update lots set amount = amount + 1 where origin = 'transfer'",
        &["lot_balance", "transfer_lot"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set account = 'programme_issued', business_id = null
         where account = 'business_issued' and journal_id in (select id from journals where kind = 'transfer_in')",
        &["journal_funder"],
    ),
    Tampering(
        "ledger_entries",
        "update ledger_entries set amount = -amount
         where journal_id in (select id from journals where kind = 'transfer_out')",
        &["journal_entry", "wallet_balance", "lot_balance", "transfer"],
    ),
    Tampering(
        "journals",
        "update journals set source_id = '00000000-0000-7000-8000-000000000000' where kind = 'transfer_out'",
        &["journal_source", "transfer"],
    ),
];

fn operator(member: MemberId) -> OperatorCaller {
    OperatorCaller {
        member,
        session: Uuid::from_u128(2).into(),
        roles: vec![OperatorRole::Admin],
    }
}

fn told(row: &AdjustmentRow) -> Answer {
    Answer {
        status: 201,
        location: None,
        body: row.id.to_string().into_bytes(),
    }
}

impl Scene {
    async fn adjust(
        &mut self,
        by: &OperatorCaller,
        member: MemberId,
        hundredths: i64,
        funder: Funder,
    ) -> AdjustmentId {
        let order = AdjustmentOrder {
            member,
            points: Points::from_hundredths(hundredths),
            funder,
            into_debt: hundredths < -50_000,
            reason: Text::new("Извинение").unwrap(),
        };
        let key = self.key("adjust");
        let done = adjustments::request(&self.app.context, by, order, key, told).await;
        let body = done.expect("it is asked for").answer.body;
        let id: Uuid = String::from_utf8(body).unwrap().parse().unwrap();
        id.into()
    }

    /// Points by hand between the days of purchases.
    async fn by_hand(&mut self) {
        let (cafe, shop) = (self.cafe.clone(), self.shop.clone());
        let (anna, boris) = (self.anna, self.boris);
        let one = operator(join(&self.app, "+7 916 000-00-05").await);
        let other = operator(join(&self.app, "+7 916 000-00-06").await);
        let business = Funder::Business(shop.business(None).unwrap());
        self.adjust(&one, boris, 30_000, business).await;
        self.adjust(&one, anna, 20_000, Funder::Programme).await;
        let approved = self.adjust(&one, boris, 250_000, business).await;
        let decision = Decision {
            adjustment: approved,
            note: None,
        };
        let key = self.key("approve");
        let yes = adjustments::approve(&self.app.context, &other, decision, key, told).await;
        yes.expect("it is approved");
        self.adjust(&one, boris, 300_000, business).await;
        for (from, to, hundredths) in [(boris, anna, 90_000), (anna, boris, 7_000)] {
            let caller = MemberCaller {
                member: from,
                session: Uuid::from_u128(3).into(),
            };
            let order = TransferOrder {
                to: MemberReference::Member(to),
                points: Points::from_hundredths(hundredths),
                proved: true,
            };
            let key = self.key("transfer");
            let render = |done: &Transferred| Answer {
                status: 201,
                location: None,
                body: done.id.to_string().into_bytes(),
            };
            let given = transfer(&self.app.context, &caller, order, key, render).await;
            given.expect("the points are given");
        }
        self.adjust(&one, anna, -1_000, Funder::Programme).await;
        self.adjust(&one, anna, -100_000, business).await;
        self.app.advance(DAY);
        let nothing = domain::loyalty::purchase::Spend::Nothing;
        self.buy(&cafe, anna, &[("food", 50_000)], nothing).await;
    }
}

#[tokio::test]
async fn what_is_done_by_hand_leaves_the_ledger_clean() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    scene.by_hand().await;
    assert_clean(&scene.app.context, "by hand").await;
    scene.later_months().await;
    assert_clean(&scene.app.context, "after months").await;
}

#[tokio::test]
async fn every_tampering_with_it_is_named() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    scene.by_hand().await;
    assert_clean(&scene.app.context, "before").await;
    let mut conn = all_powerful(&scene.app.database_url()).await;
    every_one_is_named(&mut conn, &scene.app.context, TAMPERINGS).await;
}
