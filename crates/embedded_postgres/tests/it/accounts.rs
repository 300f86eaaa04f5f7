//! As root, PostgreSQL runs under another account; as an ordinary user, as that user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use embedded_postgres::{Account, EmbeddedPostgres, Error, check_reachable};

use crate::kit::{folder, options, query};

/// Set for the run of this test binary as an ordinary user: the folder to use.
const FOLDER: &str = "EMBEDDED_POSTGRES_TEST_FOLDER";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn the_cluster_never_belongs_to_root() {
    let dir = folder();
    let server = EmbeddedPostgres::start(options(dir.path())).await.unwrap();
    let owner = fs::metadata(dir.path().join("cluster")).unwrap().uid();
    assert_ne!(owner, 0);
    if !is_root() {
        assert_eq!(owner, rustix::process::geteuid().as_raw());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_folder_that_the_account_cannot_reach_is_named() {
    let dir = folder();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let stranger = Account {
        name: "stranger".to_owned(),
        uid: 4_000_001,
        gid: 4_000_001,
    };
    let refusal = check_reachable(&closed.join("pg"), &stranger).unwrap_err();
    assert!(matches!(&refusal, Error::NotReachable { blocked, .. } if *blocked == closed));
    assert!(refusal.to_string().contains("/var/lib/"), "{refusal}");
    check_reachable(&dir.path().join("pg"), &stranger).unwrap();
    if is_root() {
        let refusal = EmbeddedPostgres::start(options(&closed.join("pg")))
            .await
            .unwrap_err();
        assert!(matches!(refusal, Error::NotReachable { .. }), "{refusal}");
    }
}

#[tokio::test]
async fn as_an_ordinary_user() {
    let given = std::env::var_os(FOLDER);
    if given.is_none() && is_root() {
        run_as_nobody().await;
        return;
    }
    let dir = folder();
    let home = given.map_or_else(|| dir.path().to_owned(), |path| Path::new(&path).join("pg"));
    let server = EmbeddedPostgres::start(options(&home)).await.unwrap();
    assert_eq!(query(server.connection(), "select 1").await.unwrap(), "1");
    let owner = fs::metadata(home.join("cluster")).unwrap().uid();
    assert_eq!(owner, rustix::process::geteuid().as_raw());
    server.stop().await;
}

/// Runs the test above again in a process of the account `nobody`, then opens its data as root.
async fn run_as_nobody() {
    let nobody = Account::named("nobody").unwrap();
    let dir = folder();
    chown(dir.path(), Some(nobody.uid), Some(nobody.gid)).unwrap();
    let program = dir.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let answer = Command::new(&program)
        .args(["--exact", "accounts::as_an_ordinary_user", "--nocapture"])
        .env(FOLDER, dir.path())
        .env_remove("XDG_RUNTIME_DIR")
        .current_dir(dir.path())
        .uid(nobody.uid)
        .gid(nobody.gid)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&answer.stdout).into_owned()
        + &String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
    // Root keeps the owner that the data has.
    let server = EmbeddedPostgres::start(options(&dir.path().join("pg")))
        .await
        .unwrap();
    assert_eq!(query(server.connection(), "select 1").await.unwrap(), "1");
    server.stop().await;
    assert_eq!(
        fs::metadata(dir.path().join("pg/cluster")).unwrap().uid(),
        nobody.uid
    );
}
