//! Whatever somebody with all rights does to the log by hand, the check names.

use std::fs;

use services::audit_log::seal::seal;
use services::audit_log::{Anchors, LogCheck, check_log};

use super::{Scene, count, execute, found, write};

/// What is done, and what a check finds then, in order.
struct Tampering(&'static str, &'static [LogCheck]);

/// A place in the chain that is anchored, with two links after it.
const PLACE: &str = "(select max(sequence) - 2 from audit_chain)";

/// The entry at that place.
const ENTRY: &str = "(select entry_id from audit_chain order by sequence desc offset 2 limit 1)";

const TAMPERINGS: &[Tampering] = &[
    Tampering(
        "update audit_log set after = '{\"rate\":5000}' where id = ENTRY",
        &[LogCheck::EntryAltered],
    ),
    Tampering(
        "update audit_log set actor_kind = 'person', actor_id = gen_random_uuid() where id = ENTRY",
        &[LogCheck::EntryAltered],
    ),
    Tampering(
        "update audit_log set recorded_at = recorded_at + interval '1 microsecond' where id = ENTRY",
        &[LogCheck::EntryAltered],
    ),
    Tampering(
        "delete from audit_log where id = ENTRY",
        &[LogCheck::EntryMissing],
    ),
    Tampering(
        "with gone as (delete from audit_chain where sequence = PLACE returning entry_id)
         delete from audit_log using gone where id = entry_id",
        &[LogCheck::LinksMissing],
    ),
    Tampering(
        "delete from audit_chain where sequence = PLACE",
        &[LogCheck::LinksMissing, LogCheck::EntryNotSealed],
    ),
    Tampering(
        "insert into audit_log (id, recorded_at, action, actor_kind, roles, object_kind)
         values (gen_random_uuid(), now(), 'rule.add', 'system', '{}', 'rule')",
        &[LogCheck::EntryNotSealed],
    ),
    Tampering(
        "update audit_chain set hash = sha256('x') where sequence = PLACE",
        &[
            LogCheck::EntryAltered,
            LogCheck::LinkBroken,
            LogCheck::ChainRewritten,
        ],
    ),
    Tampering(
        "with gone as (delete from audit_chain where sequence > PLACE returning entry_id)
         delete from audit_log using gone where id = entry_id",
        &[LogCheck::TailMissing],
    ),
    Tampering(
        "with gone as (delete from audit_chain returning entry_id)
         delete from audit_log using gone where id = entry_id",
        &[LogCheck::TailMissing],
    ),
    Tampering(
        "delete from audit_log where id not in (select entry_id from audit_chain)",
        &[LogCheck::EntryLost],
    ),
];

#[tokio::test]
async fn every_kind_of_tampering_is_named() {
    let scene = Scene::begin().await;
    let ctx = &scene.app.context;
    // One that waits for its seal.
    write(ctx, 7).await.unwrap();
    let mut superuser = scene.superuser().await;
    for table in ["audit_log", "audit_chain", "audit_unsealed"] {
        execute(
            &mut superuser,
            &format!("create table kept_{table} as table {table}"),
        )
        .await;
    }
    assert_eq!(scene.found().await, []);
    for Tampering(statement, expected) in TAMPERINGS {
        execute(
            &mut superuser,
            &statement.replace("PLACE", PLACE).replace("ENTRY", ENTRY),
        )
        .await;
        let report = scene.check().await;
        assert_eq!(found(&report), *expected, "{statement}: {report:#?}");
        for table in ["audit_log", "audit_chain", "audit_unsealed"] {
            let back = format!("delete from {table}; insert into {table} table kept_{table}");
            for statement in back.split(';') {
                execute(&mut superuser, statement).await;
            }
        }
        assert_eq!(scene.found().await, [], "put back after {statement}");
    }
}

#[tokio::test]
async fn the_row_is_named() {
    let scene = Scene::begin().await;
    let mut superuser = scene.superuser().await;
    let id: uuid::Uuid = sqlx::query_scalar("select entry_id from audit_chain where sequence = 3")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    execute(
        &mut superuser,
        &format!("update audit_log set via = 'x' where id = '{id}'"),
    )
    .await;
    let report = scene.check().await;
    assert_eq!(report.differences, 1);
    let named = &report.named[0];
    assert_eq!((named.sequence, named.entry_id), (Some(3), Some(id)));
}

#[tokio::test]
async fn a_chain_that_was_written_anew_contradicts_its_anchor() {
    let scene = Scene::begin().await;
    let ctx = &scene.app.context;
    let before = count(ctx, "audit_chain").await;
    let mut superuser = scene.superuser().await;
    let from = before - 2;
    for statement in [
        "update audit_log set before = null where id = ENTRY",
        "insert into audit_unsealed select l.id, l.recorded_at from audit_chain c join audit_log l on l.id = c.entry_id
         where c.sequence >= FROM",
        "delete from audit_chain where sequence >= FROM",
    ] {
        let statement = statement.replace("FROM", &from.to_string());
        execute(&mut superuser, &statement.replace("ENTRY", ENTRY)).await;
    }
    while seal(ctx).await.unwrap() > 0 {}
    assert_eq!(count(ctx, "audit_chain").await, before);
    let alone = check_log(ctx, &Anchors::None, 10).await.unwrap();
    assert!(alone.is_clean(), "the chain itself is sound: {alone:#?}");
    let report = scene.check().await;
    assert_eq!(found(&report), [LogCheck::ChainRewritten], "{report:#?}");
    assert_eq!(report.named[0].sequence, Some(from));
    let told = format!("agree up to {}", from - 1);
    assert!(report.named[0].detail.contains(&told), "{report:#?}");
}

#[tokio::test]
async fn anchors_are_proved_too() {
    let scene = Scene::begin().await;
    let ctx = &scene.app.context;
    let file = scene.folder.path().join("audit-anchor-2026-03.txt");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 6);

    // The end of a line that is just being written is no difference.
    fs::write(&file, format!("{text}own-circle-audit-1 9")).unwrap();
    assert_eq!(scene.found().await, []);
    fs::write(&file, text.replacen("2026-03", "2026-04", 1)).unwrap();
    assert_eq!(scene.found().await, [LogCheck::AnchorLineInvalid]);
    fs::write(&file, "").unwrap();
    assert_eq!(scene.found().await, [LogCheck::AnchorMissing]);
    fs::remove_file(&file).unwrap();
    assert_eq!(scene.found().await, [LogCheck::AnchorMissing]);

    // A copy that lies elsewhere serves as well.
    let copy = scene.folder.path().join("copy");
    fs::write(&copy, text).unwrap();
    let report = check_log(ctx, &Anchors::At(copy), 10).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
}
