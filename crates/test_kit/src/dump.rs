//! Everything that a database holds, as text: what tests search for what must not be there.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use embedded_postgres::Binaries;
use sqlx::{AssertSqlSafe, PgPool, Row as _};

use tokio::process::Command;

use crate::app::TestApp;

impl TestApp {
    /// Every row of every table, the queue's too, a line each; bytes as they are and in hexadecimal.
    ///
    /// # Panics
    /// If the database does not answer.
    pub async fn dump(&self) -> String {
        let owner = store::pool::connect_as_owner(&self.database_url())
            .await
            .expect("the database answers");
        let dump = dump(&owner).await;
        owner.close().await;
        dump
    }
}

impl TestApp {
    /// What `pg_dump`, which stands beside the server, writes of the database.
    ///
    /// # Panics
    /// If it fails.
    pub async fn pg_dump(&self) -> String {
        let folder = std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(std::path::PathBuf::from);
        let binaries = Binaries::find(folder.as_deref(), None, Path::new("any")).await;
        let program = binaries
            .expect("PostgreSQL is installed")
            .program("pg_dump");
        let output = Command::new(program)
            .args([
                "--data-only",
                "--enable-row-security",
                "-d",
                &self.database_url(),
            ])
            .env("PGOPTIONS", "-c app.business=*")
            .stdin(Stdio::null())
            .output()
            .await
            .expect("pg_dump starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let text = String::from_utf8(output.stdout).expect("a dump is text");
        assert!(text.contains("COPY public.members "), "the dump has rows");
        text
    }
}

async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables
         where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1",
    )
    .fetch_all(pool)
    .await
    .expect("the catalogue can be read");
    let mut text = String::new();
    for table in tables {
        let statement = format!("select to_jsonb(t)::text from {table} t");
        let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await;
        for row in rows.expect("a table can be read") {
            let row: String = row.get(0);
            writeln!(text, "{table} {row}").expect("a string takes everything");
            for bytes in row.split(r"\\x").skip(1) {
                let hex: String = bytes.chars().take_while(char::is_ascii_hexdigit).collect();
                let plain: Vec<u8> = (0..hex.len() / 2)
                    .filter_map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).ok())
                    .collect();
                let plain = String::from_utf8_lossy(&plain);
                writeln!(text, "{table} bytes {plain}").expect("a string takes everything");
            }
        }
    }
    text
}

/// The line in which a text stands, with the text around it hidden; none if it stands nowhere.
#[must_use]
pub fn place_of(haystack: &str, needle: &str) -> Option<String> {
    let line = haystack.lines().find(|line| line.contains(needle))?;
    let start: String = line.chars().take(120).collect();
    Some(start)
}
