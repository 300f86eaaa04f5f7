//! What the services do is sound.

use services::audit::{AuditReport, audit};
use services::context::Context;

use super::workload::{DAY, Scene};

pub async fn report(ctx: &Context) -> AuditReport {
    audit(ctx, 100).await.expect("the ledger is audited")
}

pub async fn assert_clean(ctx: &Context, when: &str) {
    let report = report(ctx).await;
    assert!(report.is_clean(), "{when}: {:#?}", report.named);
}

#[tokio::test]
async fn an_empty_ledger_is_clean() {
    let scene = Scene::begin().await;
    let report = report(&scene.app.context).await;
    assert!(report.is_clean(), "{:#?}", report.named);
    assert_eq!((report.totals.members, report.totals.entries), (2, 0));
}

#[tokio::test]
async fn all_that_happens_to_points_leaves_the_ledger_clean() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    assert_clean(&scene.app.context, "after three days").await;
    scene.later_months().await;
    assert_clean(&scene.app.context, "after months").await;
    scene.app.advance(DAY);
    assert_clean(&scene.app.context, "with activations due").await;
    scene.last_day().await;
    assert_clean(&scene.app.context, "at the end").await;

    let totals = report(&scene.app.context).await.totals;
    let points = totals.points;
    assert_eq!(totals.purchases, 17);
    assert_eq!(
        totals.purchase_total,
        totals.paid_by_money.plus(totals.paid_by_points).unwrap()
    );
    // The workload has to reach every account, or it proves little.
    for (amount, what) in [
        (points.issued_by_businesses, "issued by businesses"),
        (points.issued_by_programme, "issued by the programme"),
        (points.honoured, "honoured"),
        (points.breakage, "breakage"),
        (points.available, "available"),
        (points.pending, "pending"),
    ] {
        assert!(amount.is_positive(), "{what}: {amount:?}");
    }
    let issued = points.issued_by_businesses.plus(points.issued_by_programme);
    let gone = points.honoured.plus(points.breakage).unwrap();
    let there = points.available.plus(points.pending).unwrap();
    let there = there.plus(points.held).unwrap().minus(points.debt).unwrap();
    assert_eq!(issued, gone.plus(there));
    for kind in [
        "accrual",
        "activation",
        "redemption",
        "hold",
        "capture",
        "release",
        "expiry",
        "clawback",
        "restoration",
        "debt_payment",
    ] {
        let found: bool =
            sqlx::query_scalar("select exists (select from journals where kind = $1)")
                .bind(kind)
                .fetch_one(scene.app.context.pool())
                .await
                .unwrap();
        assert!(found, "the workload has no {kind}");
    }
}
