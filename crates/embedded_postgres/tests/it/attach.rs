//! Other commands work beside a running server.

use embedded_postgres::EmbeddedPostgres;

use crate::kit::{folder, options, query, server_pid};

#[tokio::test]
async fn a_second_program_connects_and_does_not_stop_what_is_not_its_own() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let pid = server_pid(dir.path());
    let guest = EmbeddedPostgres::attach_or_start(options(dir.path()))
        .await
        .unwrap();
    assert!(!guest.is_owner());
    assert_eq!(guest.connection(), server.connection());
    assert_eq!(query(guest.connection(), "select 1").await.unwrap(), "1");
    guest.stop().await;
    assert_eq!(server_pid(dir.path()), pid);
    assert_eq!(query(server.connection(), "select 1").await.unwrap(), "1");
    server.stop().await;
}

#[tokio::test]
async fn without_a_server_it_starts_its_own() {
    let dir = folder();
    let server = EmbeddedPostgres::attach_or_start(options(dir.path()))
        .await
        .unwrap();
    assert!(server.is_owner());
    assert_eq!(query(server.connection(), "select 1").await.unwrap(), "1");
    server.stop().await;
}

#[tokio::test]
async fn two_programs_at_once_share_one_server() {
    let dir = folder();
    let (one, two) = tokio::join!(
        EmbeddedPostgres::attach_or_start(options(dir.path())),
        EmbeddedPostgres::attach_or_start(options(dir.path())),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_owner() != two.is_owner());
    assert_eq!(one.connection(), two.connection());
    let (owner, guest) = if one.is_owner() {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(query(guest.connection(), "select 1").await.unwrap(), "1");
    guest.stop().await;
    owner.stop().await;
}
