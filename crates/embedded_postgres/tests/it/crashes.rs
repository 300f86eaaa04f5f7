//! Whatever was killed, the next start works and nothing is lost.

use std::fs;

use embedded_postgres::{EmbeddedPostgres, State};

use crate::kit::{folder, kill_hard, nobody_works_in, options, query, server_pid, wait_for};

#[tokio::test]
async fn a_killed_server_is_started_anew_while_we_run() {
    let dir = folder();
    let mut settings = options(dir.path());
    settings.durable = true;
    let server = EmbeddedPostgres::start(settings).await.unwrap();
    let info = server.connection().clone();
    query(&info, "create table kept as select 7 as number")
        .await
        .unwrap();
    for _ in 0..2 {
        let killed = server_pid(dir.path());
        kill_hard(killed);
        wait_for(&server, State::Restarting).await;
        wait_for(&server, State::Ready).await;
        assert_ne!(server_pid(dir.path()), killed);
        assert_eq!(query(&info, "select number from kept").await.unwrap(), "7");
    }
    server.stop().await;
    assert!(nobody_works_in(&dir.path().join("cluster")));
}

#[tokio::test]
async fn stopping_while_the_server_restarts_leaves_nothing() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    kill_hard(server_pid(dir.path()));
    wait_for(&server, State::Restarting).await;
    server.stop().await;
    assert!(nobody_works_in(&dir.path().join("cluster")));
}

#[tokio::test]
async fn a_handle_that_is_dropped_stops_its_server() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let state = server.state();
    drop(server);
    let mut state = state;
    state
        .wait_for(|state| *state == State::Stopped)
        .await
        .unwrap();
    assert!(nobody_works_in(&dir.path().join("cluster")));
}

#[tokio::test]
async fn a_server_without_an_owner_is_replaced() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let orphan = server_pid(dir.path());
    let info = server.leave_running().await;
    query(&info, "create table kept as select 7 as number")
        .await
        .unwrap();

    let next = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    assert_ne!(server_pid(dir.path()), orphan);
    assert_eq!(query(&info, "select number from kept").await.unwrap(), "7");
    next.stop().await;
    assert!(nobody_works_in(&dir.path().join("cluster")));
}

#[tokio::test]
async fn a_server_left_running_can_be_stopped() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let info = server.leave_running().await;
    assert_eq!(query(&info, "select 1").await.unwrap(), "1");
    EmbeddedPostgres::stop_left_running(&options(dir.path()))
        .await
        .unwrap();
    assert!(nobody_works_in(&dir.path().join("cluster")));
    EmbeddedPostgres::stop_left_running(&options(dir.path()))
        .await
        .unwrap();
}

#[tokio::test]
async fn stale_files_do_not_prevent_the_start() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let info = server.connection().clone();
    let pid_file = dir.path().join("cluster/postmaster.pid");
    let socket_lock = info.socket_dir.join(".s.PGSQL.5432.lock");
    let (pid_text, lock_text) = (
        fs::read_to_string(&pid_file).unwrap(),
        fs::read_to_string(&socket_lock).unwrap(),
    );
    let server_id = server_pid(dir.path()).to_string();
    server.stop().await;

    // A dead process, this very test, the first process of the machine: none is a server on our folder.
    for pid in [
        server_id.clone(),
        std::process::id().to_string(),
        "1".to_owned(),
    ] {
        fs::write(&pid_file, pid_text.replacen(&server_id, &pid, 1)).unwrap();
        fs::write(&socket_lock, lock_text.replacen(&server_id, &pid, 1)).unwrap();
        fs::write(info.socket_dir.join(".s.PGSQL.5432"), "").unwrap();
        let again = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
        assert_eq!(
            query(&info, "select 1").await.unwrap(),
            "1",
            "after a pid file with {pid}"
        );
        again.stop().await;
    }
    for content in ["", "no number\n"] {
        fs::write(&pid_file, content).unwrap();
        let again = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
        assert_eq!(query(&info, "select 1").await.unwrap(), "1");
        again.stop().await;
    }
}

#[tokio::test]
async fn a_busy_child_of_a_killed_server_does_not_prevent_the_start() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let info = server.connection().clone();
    let killed = server_pid(dir.path());
    // This statement never looks whether its server still lives.
    let busy = tokio::spawn({
        let info = info.clone();
        async move {
            tokio::task::spawn_blocking(move || {
                std::process::Command::new("psql")
                    .args([
                        "-XAtq",
                        "-c",
                        "select count(*) from generate_series(1, 1000000000000) a",
                    ])
                    .arg(info.url())
                    .output()
            })
            .await
        }
    });
    let seen = "select count(*) from pg_stat_activity where query like 'select count(*) from generate_series%' and state = 'active'";
    while query(&info, seen).await.unwrap() != "1" {}
    kill_hard(killed);
    wait_for(&server, State::Restarting).await;
    wait_for(&server, State::Ready).await;
    assert_eq!(query(&info, "select 1").await.unwrap(), "1");
    let answer = busy.await.unwrap().unwrap().unwrap();
    assert!(!answer.status.success());
    server.stop().await;
}
