//! The client program of PostgreSQL, which stands beside the server.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use embedded_postgres::Binaries;
use tokio::process::Command;

/// Runs psql with more arguments against a database, stopping at the first error.
///
/// # Errors
/// If psql is missing or a statement fails; what psql said is in the error.
pub(crate) async fn run(url: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program().await?)
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", url])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .context("psql does not start")?;
    if !output.status.success() {
        bail!(
            "psql {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

async fn program() -> anyhow::Result<std::path::PathBuf> {
    let folder = std::env::var_os("OWNCIRCLE_POSTGRES_BIN").map(std::path::PathBuf::from);
    let binaries = Binaries::find(folder.as_deref(), None, Path::new("any")).await?;
    Ok(binaries.program("psql"))
}

/// The same address with another database.
///
/// # Errors
/// If the address has no database.
pub(crate) fn with_database(url: &str, database: &str) -> anyhow::Result<String> {
    let (address, query) = url
        .split_once('?')
        .map_or((url, None), |(address, query)| (address, Some(query)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let slash = address[authority..]
        .find('/')
        .context("the address names no database")?
        + authority;
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    Ok(format!("{}/{database}{query}", &address[..slash]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_an_address_is_replaced() {
        let url = "postgres://a:b@localhost:5432/old?host=%2Ftmp%2Fx";
        assert_eq!(
            with_database(url, "new").expect("it has one"),
            "postgres://a:b@localhost:5432/new?host=%2Ftmp%2Fx"
        );
        assert_eq!(
            with_database("postgres://a/old", "new").expect("it has one"),
            "postgres://a/new"
        );
        assert!(with_database("postgres://a", "new").is_err());
    }
}
