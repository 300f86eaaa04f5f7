//! The audit log: every entry sealed once, whatever the order of commits, and every change by hand named.

mod sealing;
mod tampering;

use domain::audit::{Action, ObjectKind};
use serde_json::json;
use services::audit_log::seal::Sealer;
use services::audit_log::{Anchors, Entry, LogCheck, LogReport, check_log, record};
use services::context::Context;
use services::transaction;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::error::StoreError;
use tempfile::TempDir;
use test_kit::TestApp;

/// A service whose log is sealed into a folder of the test.
pub struct Scene {
    pub app: TestApp,
    pub folder: TempDir,
    pub sealer: Sealer,
}

impl Scene {
    /// With some entries that are sealed and anchored, one turn each.
    pub async fn begin() -> Self {
        let app = TestApp::start().await;
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&app.context, Some(folder.path().to_owned()));
        let mut scene = Self {
            app,
            folder,
            sealer,
        };
        for n in 0..6 {
            write(&scene.app.context, n).await.unwrap();
            scene.sealer.turn().await.unwrap();
        }
        scene
    }

    pub fn anchors(&self) -> Anchors {
        Anchors::At(self.folder.path().to_owned())
    }

    pub async fn check(&self) -> LogReport {
        check_log(&self.app.context, &self.anchors(), 100)
            .await
            .unwrap()
    }

    /// What a check finds, in order.
    pub async fn found(&self) -> Vec<LogCheck> {
        found(&self.check().await)
    }

    /// Somebody with all rights who passes by every trigger.
    pub async fn superuser(&self) -> PgConnection {
        let mut conn = PgConnection::connect(&self.app.database_url())
            .await
            .unwrap();
        execute(&mut conn, "set session_replication_role = replica").await;
        conn
    }
}

pub fn found(report: &LogReport) -> Vec<LogCheck> {
    report
        .named
        .iter()
        .map(|difference| difference.check)
        .collect()
}

/// Writes an entry in a transaction of its own.
pub async fn write(ctx: &Context, n: i32) -> Result<(), StoreError> {
    transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let entry = Entry::of(Action::BusinessChange, ObjectKind::Business).id(n);
            let entry = entry.changed(json!({ "rate": n }), json!({ "rate": n + 1 }));
            record(conn, ctx, entry).await
        })
    })
    .await
}

pub async fn execute(conn: &mut PgConnection, statement: &str) {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(conn)
        .await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

pub async fn count(ctx: &Context, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(ctx.pool())
        .await
        .unwrap()
}
