//! From the file to the job: who may send one, which are not taken, what a repeated request gets.

use std::time::Duration;

use domain::ids::BusinessId;
use domain::rights::StaffRole;
use jobs::Registry;
use services::businesses::{GiveRole, give_role_as_system};
use services::caller::{AccessError, TillCaller};
use services::context::Context;
use services::idempotency::{Answer, Answered, IdempotencyError};
use services::imports::drop_abandoned::drop_abandoned;
use services::imports::import_purchases::ImportPurchases;
use services::imports::layout::FileFault;
use services::imports::show::{ShowImportError, VerdictFilter, show};
use services::imports::upload::{UploadError, begin};
use services::imports::{Import, ImportFormat, ImportState};
use test_kit::TestApp;

use super::{HEADER, count, counts, file_of, options, sold, upload, work};
use crate::kit;

const FIRST: VerdictFilter = VerdictFilter {
    only_refused: false,
    after: 0,
    limit: 10,
};

async fn till(app: &TestApp, phone: &str) -> TillCaller {
    let caller = kit::caller(app, &kit::phone(phone)).await;
    caller.into_till().unwrap()
}

fn render(import: &Import) -> Answer {
    Answer {
        status: 202,
        location: None,
        body: import.id.to_string().into_bytes(),
    }
}

async fn send(
    ctx: &Context,
    till: &TillCaller,
    file: &str,
    key: &str,
    dry_run: bool,
) -> Result<Answered, UploadError> {
    let mut upload = begin(ctx, till, options(ImportFormat::Csv, dry_run))?;
    upload.push(file.as_bytes()).await?;
    upload
        .finish(till.principal_id(), key.to_owned(), render)
        .await
}

async fn drain(app: &TestApp) -> Vec<&'static str> {
    let registry = Registry::new().job::<ImportPurchases>();
    let drained = jobs::drain::drain(app.context.pool(), &registry, &app.context, app.now()).await;
    let drained = drained.unwrap();
    assert!(drained.failures().is_empty(), "{drained:?}");
    drained.names()
}

fn id_of(answered: &Answered) -> uuid::Uuid {
    String::from_utf8(answered.answer.body.clone())
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_manager_sends_a_file_and_the_job_posts_it_once() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", Some("+79161234567")).await;
    let till = till(&app, "+79161234567").await;
    let file = file_of(7);
    let first = send(ctx, &till, &file, "one", false).await.unwrap();
    let again = send(ctx, &till, &file, "one", false).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.answer, again.answer);
    for (other, dry_run) in [(file_of(8), false), (file.clone(), true)] {
        assert!(matches!(
            send(ctx, &till, &other, "one", dry_run).await,
            Err(UploadError::Idempotency(IdempotencyError::OtherBody))
        ));
    }
    assert!(matches!(
        send(ctx, &till, &file, "two", false).await,
        Err(UploadError::AlreadyRunning { import }) if import == Some(id_of(&first))
    ));
    assert_eq!(count(ctx, "imports").await, 1);

    let (queued, _) = show(ctx, &till, id_of(&first), FIRST).await.unwrap();
    assert_eq!(queued.state, ImportState::Queued);
    assert_eq!(drain(&app).await, ["imports.import_purchases"]);
    let (done, verdicts) = show(ctx, &till, id_of(&first), FIRST).await.unwrap();
    assert_eq!(
        (done.state, counts(&done)),
        (ImportState::Done, (7, 7, 0, 0))
    );
    assert_eq!(done.bytes_done, done.bytes_total);
    assert_eq!(done.bytes_total, i64::try_from(file.len()).unwrap());
    let bought = sold(ctx, business).await;
    assert_eq!(
        bought.iter().map(|row| row.2).sum::<i64>(),
        done.money.hundredths()
    );
    assert_eq!(
        bought.iter().map(|row| row.3).sum::<i64>(),
        done.points.hundredths()
    );
    assert!(verdicts.is_empty());
    assert_eq!(count(ctx, "import_chunks").await, 0, "the file is not kept");

    let second = send(ctx, &till, &file, "three", false).await.unwrap();
    drain(&app).await;
    let (done, verdicts) = show(ctx, &till, id_of(&second), FIRST).await.unwrap();
    assert_eq!(counts(&done), (7, 0, 7, 0));
    assert!(
        verdicts
            .iter()
            .all(|row| row.verdict == "duplicate" && row.transaction_id.is_some())
    );
    assert_eq!(sold(ctx, business).await, bought);
}

#[tokio::test]
async fn only_those_who_may_see_and_send() {
    let app = kit::start().await;
    let ctx = &app.context;
    let luna = kit::business(ctx, "luna", Some("+79161234567")).await;
    kit::business(ctx, "sol", Some("+79160000002")).await;
    let cashier = GiveRole {
        phone: kit::phone("+79160000003"),
        role: StaffRole::Cashier,
        location: None,
    };
    give_role_as_system(ctx, luna, cashier).await.unwrap();
    let owner = till(&app, "+79161234567").await;
    let stranger = till(&app, "+79160000002").await;
    let cashier = till(&app, "+79160000003").await;
    let sent = send(ctx, &owner, &file_of(2), "k", false).await.unwrap();
    assert!(show(ctx, &owner, id_of(&sent), FIRST).await.is_ok());
    assert!(matches!(
        show(ctx, &stranger, id_of(&sent), FIRST).await,
        Err(ShowImportError::Unknown)
    ));
    assert!(matches!(
        show(ctx, &cashier, id_of(&sent), FIRST).await,
        Err(ShowImportError::Access(AccessError::Forbidden))
    ));
    let begun = |till: &TillCaller, business: Option<BusinessId>| {
        let mut input = options(ImportFormat::Csv, false);
        input.business = business;
        begin(ctx, till, input).map(|_| ())
    };
    assert_eq!(begun(&stranger, Some(luna)), Err(AccessError::Unknown));
    assert_eq!(begun(&cashier, None), Err(AccessError::Forbidden));
    assert_eq!(begun(&owner, Some(luna)), Ok(()));
}

#[tokio::test]
async fn the_sender_does_not_credit_himself() {
    let app = kit::start().await;
    let ctx = &app.context;
    kit::business(ctx, "luna", Some("+79161234567")).await;
    let till = till(&app, "+79161234567").await;
    let file = "receipt_number,occurred_at,phone,total\n1,2026-02-01,+79161234567,5\n2,2026-02-01,+79160000009,5\n";
    let sent = send(ctx, &till, file, "k", false).await.unwrap();
    drain(&app).await;
    let (done, verdicts) = show(ctx, &till, id_of(&sent), FIRST).await.unwrap();
    assert_eq!(counts(&done), (2, 1, 0, 1));
    assert_eq!(verdicts[0].code, "own_account");
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_posted_is_not_taken() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", None).await;
    let cp1251 = [
        HEADER.as_bytes(),
        &b"1,2026-02-01,\xc0\xed\xed\xe0,5\n".repeat(50),
    ]
    .concat();
    for (file, expected) in [
        (b"".to_vec(), FileFault::Empty),
        (b"PK\x03\x04\0\0\0".to_vec(), FileFault::Binary),
        (cp1251, FileFault::NotUtf8),
        (
            b"receipt_number,occurred_at,customer_id\n".to_vec(),
            FileFault::MissingColumns(vec!["total"]),
        ),
        (
            b"receipt_number,occurred_at,customer_id,sum\n".to_vec(),
            FileFault::UnknownColumns(vec!["sum".to_owned()]),
        ),
    ] {
        let refused = upload(ctx, business, options(ImportFormat::Csv, false), &file).await;
        assert!(
            matches!(&refused, Err(UploadError::File(fault)) if *fault == expected),
            "{refused:?}"
        );
    }
    assert_eq!(count(ctx, "imports").await, 0);
}

#[tokio::test]
async fn what_nobody_finishes_is_dropped() {
    let app = kit::start().await;
    let ctx = &app.context;
    let business = kit::business(ctx, "luna", Some("+79161234567")).await;
    let till = till(&app, "+79161234567").await;
    // A big file that breaks off after its first piece.
    let mut broken = begin(ctx, &till, options(ImportFormat::Csv, false)).unwrap();
    broken.push(file_of(100_000).as_bytes()).await.unwrap();
    drop(broken);
    let waiting = upload(
        ctx,
        business,
        options(ImportFormat::Csv, false),
        file_of(3).as_bytes(),
    )
    .await;
    assert!(count(ctx, "import_chunks").await >= 2);
    assert_eq!(drop_abandoned(ctx).await.unwrap(), 0);
    app.advance(Duration::from_secs(25 * 3600));
    assert_eq!(drop_abandoned(ctx).await.unwrap(), 1);
    assert_eq!(count(ctx, "imports").await, 1);
    app.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(drop_abandoned(ctx).await.unwrap(), 1);
    assert_eq!(count(ctx, "import_chunks").await, 0);
    let failed = work(ctx, waiting.unwrap().id).await;
    assert_eq!(failed.state, ImportState::Failed);
    assert_eq!(failed.failure.unwrap().0, "abandoned");
    assert_eq!(count(ctx, "purchases").await, 0);
}
