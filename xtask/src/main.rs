//! The workspace's own tool: a PostgreSQL and a Redis for the tests, the generated files of queries, and what clippy can't see.

mod psql;
mod sqlx;
mod test_db;
mod test_redis;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Tasks of the workspace.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Task {
    /// A PostgreSQL for the tests, without durability, under target/
    #[command(subcommand)]
    TestDb(test_db::Task),
    /// The checked queries: .sqlx against a freshly migrated database
    #[command(subcommand)]
    Sqlx(sqlx::Task),
    /// What clippy can't see: lengths, edges, quoted files, words
    Tidy,
}

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask stands in the workspace")
        .to_owned()
}

/// The folder of everything built.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Writes a line for whoever started us.
fn say(text: &str) {
    use std::io::Write;
    // Nobody is left to tell when even this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::TestDb(task) => test_db::run(task).await,
        Task::Sqlx(task) => sqlx::run(&task).await,
        Task::Tidy => tidy::run(&root()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Task::command().debug_assert();
        assert!(super::root().join("Cargo.toml").exists());
    }
}
