//! The ordinary life of a server.

use std::os::unix::fs::PermissionsExt;

use embedded_postgres::{EmbeddedPostgres, Error};

use crate::kit::{folder, nobody_works_in, options, query, server_pid};

#[tokio::test]
async fn starts_serves_stops_and_keeps_its_data() {
    let dir = folder();
    let home = dir.path().join("deep/er/pg");
    let server = EmbeddedPostgres::start(options(&home)).await.unwrap();
    assert!(server.is_owner());
    let info = server.connection().clone();
    assert_eq!(
        query(&info, "select current_database() || current_user")
            .await
            .unwrap(),
        "circleowner"
    );
    for (setting, value) in [
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("jit", "off"),
        ("TimeZone", "UTC"),
        ("shared_buffers", "16MB"),
        ("password_encryption", "scram-sha-256"),
    ] {
        assert_eq!(
            query(&info, &format!("show {setting}")).await.unwrap(),
            value,
            "{setting}"
        );
    }
    query(&info, "create table kept as select 7 as number")
        .await
        .unwrap();
    server.stop().await;
    assert!(nobody_works_in(&home.join("cluster")));
    assert!(!home.join("cluster/postmaster.pid").exists());

    let again = EmbeddedPostgres::start(options(&home)).await.unwrap();
    assert_eq!(
        again.connection(),
        &info,
        "the password and the socket stay"
    );
    assert_eq!(query(&info, "select number from kept").await.unwrap(), "7");
    again.stop().await;
}

#[tokio::test]
async fn the_password_is_needed_and_kept_private() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let mut info = server.connection().clone();
    let mode = std::fs::metadata(dir.path().join("password"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    info.password = "wrong".to_owned();
    let refusal = query(&info, "select 1").await.unwrap_err();
    assert!(
        refusal.contains("password authentication failed"),
        "{refusal}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_folder_for_it() {
    let dir = folder();
    let home = dir
        .path()
        .join("long".repeat(30))
        .join("quote's and \"spaces\", commas");
    let server = EmbeddedPostgres::start(options(&home)).await.unwrap();
    let info = server.connection().clone();
    assert!(
        !info.socket_dir.starts_with(&home),
        "{}",
        info.socket_dir.display()
    );
    assert_eq!(query(&info, "select 1").await.unwrap(), "1");
    server.stop().await;
    let again = EmbeddedPostgres::start(options(&home)).await.unwrap();
    assert_eq!(again.connection().socket_dir, info.socket_dir);
    again.stop().await;
    std::fs::remove_dir_all(info.socket_dir).unwrap();
}

#[tokio::test]
async fn a_folder_in_use_is_refused_with_a_sentence() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let refusal = EmbeddedPostgres::start(options(dir.path()))
        .await
        .unwrap_err();
    assert!(matches!(refusal, Error::InUse { .. }));
    let sentence = refusal.to_string();
    assert!(
        sentence.contains(&format!("process {}", std::process::id())),
        "{sentence}"
    );
    assert_eq!(query(server.connection(), "select 1").await.unwrap(), "1");
    server.stop().await;
}

#[tokio::test]
async fn data_of_another_version_names_what_to_install() {
    let dir = folder();
    std::fs::create_dir_all(dir.path().join("cluster")).unwrap();
    std::fs::write(dir.path().join("cluster/PG_VERSION"), "9\n").unwrap();
    let refusal = EmbeddedPostgres::start(options(dir.path()))
        .await
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("made by PostgreSQL 9"), "{refusal}");
    assert!(
        refusal.contains("apt-get install postgresql-9"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_wrong_program_folder_says_what_is_missing() {
    let dir = folder();
    let mut options = options(dir.path());
    options.bin_dir = Some(dir.path().to_owned());
    let refusal = EmbeddedPostgres::start(options)
        .await
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("there is no postgres"), "{refusal}");
}

#[tokio::test]
async fn a_making_that_was_broken_off_is_begun_anew() {
    let dir = folder();
    std::fs::create_dir_all(dir.path().join("cluster.new/base")).unwrap();
    std::fs::write(dir.path().join("cluster.new/PG_VERSION"), "15\n").unwrap();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    assert!(server_pid(dir.path()) > 0);
    assert!(!dir.path().join("cluster.new").exists());
    server.stop().await;
}
