//! Makes a new cluster and writes our settings.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::account::{Account, give};
use crate::binaries::Binaries;
use crate::error::{Error, io_error};
use crate::leftovers;
use crate::options::Options;
use crate::place::{PORT, Place};

/// The file of ours that postgresql.conf includes.
const SETTINGS_FILE: &str = "embedded.conf";

/// A command for a PostgreSQL program, under the right account and with a clean environment.
pub(crate) fn command(program: &Path, home: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    // PGDATA, PGPORT and their kind would change what the programs do.
    command.env_clear().current_dir(home).env("LC_ALL", "C");
    for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    // Whoever stops waiting wants no half of it to go on.
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Makes the cluster when there is none. A making that was broken off is begun anew.
pub(crate) async fn ensure(
    place: &Place,
    binaries: &Binaries,
    options: &Options,
    account: Option<&Account>,
) -> Result<(), Error> {
    if place.major().is_some() {
        return Ok(());
    }
    tracing::info!(folder = %place.cluster.display(), major = binaries.major, "making a new PostgreSQL cluster");
    let unfinished = place.home.join("cluster.new");
    if unfinished.exists() {
        leftovers::clear_makers(&unfinished).await?;
        fs::remove_dir_all(&unfinished).map_err(io_error("cannot remove", &unfinished))?;
    }
    let password = place.make_password(account)?;
    let mut outcome = Err(Error::NotUtf8(unfinished.clone()));
    // Byte order everywhere, with letters known as letters where the system has that locale.
    for locale in ["C.UTF-8", "C"] {
        let mut initdb = command(&binaries.program("initdb"), &place.home, account);
        initdb
            .arg("--pgdata")
            .arg(&unfinished)
            .arg(format!("--username={}", options.user))
            .arg("--pwfile")
            .arg(&password)
            .arg(format!("--locale={locale}"))
            .args([
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
            ])
            .arg("--no-instructions");
        if !options.durable {
            initdb.arg("--no-sync");
        }
        outcome = run(&mut initdb, "initdb").await;
        if !matches!(&outcome, Err(Error::Failed { output, .. }) if output.contains("locale")) {
            break;
        }
    }
    outcome?;
    if options.database != "postgres" {
        create_database(&unfinished, place, binaries, options, account).await?;
    }
    fs::rename(&unfinished, &place.cluster).map_err(io_error("cannot rename", &unfinished))
}

/// Runs a program to its end; its output is in the error.
async fn run(command: &mut Command, name: &str) -> Result<(), Error> {
    let answer = command
        .output()
        .await
        .map_err(io_error("cannot start", name))?;
    if answer.status.success() {
        return Ok(());
    }
    Err(failed(name, answer.status.to_string(), &answer.stderr))
}

fn failed(program: &str, status: String, output: &[u8]) -> Error {
    Error::Failed {
        program: program.to_owned(),
        status,
        output: String::from_utf8_lossy(output).trim().to_owned(),
    }
}

/// Makes the database in the single-user mode, which needs no client program and no running server.
async fn create_database(
    cluster: &Path,
    place: &Place,
    binaries: &Binaries,
    options: &Options,
    account: Option<&Account>,
) -> Result<(), Error> {
    let name = "postgres --single";
    let mut child = command(&binaries.program("postgres"), &place.home, account)
        .args(["--single", "-D"])
        .arg(cluster)
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io_error("cannot start", name))?;
    let statement = format!(
        "CREATE DATABASE \"{}\"\n",
        options.database.replace('"', "\"\"")
    );
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(statement.as_bytes())
            .await
            .map_err(io_error("cannot write to", name))?;
    }
    let answer = child
        .wait_with_output()
        .await
        .map_err(io_error("cannot wait for", name))?;
    // This mode ends with 0 also after an error in a statement.
    let problems = String::from_utf8_lossy(&answer.stderr).contains("ERROR:");
    if answer.status.success() && !problems {
        return Ok(());
    }
    Err(failed(name, answer.status.to_string(), &answer.stderr))
}

/// Writes our settings and sees to it that postgresql.conf includes them.
pub(crate) async fn configure(
    place: &Place,
    binaries: &Binaries,
    options: &Options,
    socket_dir: &Path,
    account: Option<&Account>,
) -> Result<(), Error> {
    let compression = if has_lz4(place, binaries, account).await {
        "lz4"
    } else {
        "pglz"
    };
    let path = place.cluster.join(SETTINGS_FILE);
    fs::write(&path, settings(options, socket_dir, compression))
        .map_err(io_error("cannot write", &path))?;
    give(&path, account)?;
    let main = place.cluster.join("postgresql.conf");
    let text = fs::read_to_string(&main).map_err(io_error("cannot read", &main))?;
    let include = format!("include = '{SETTINGS_FILE}'");
    if !text.lines().any(|line| line.trim() == include) {
        fs::write(&main, format!("{text}\n{include}\n"))
            .map_err(io_error("cannot write", &main))?;
    }
    Ok(())
}

/// Whether this build compresses with LZ4: asked for by a trial, for it is a choice of whoever built it.
async fn has_lz4(place: &Place, binaries: &Binaries, account: Option<&Account>) -> bool {
    command(&binaries.program("postgres"), &place.home, account)
        .arg("-D")
        .arg(&place.cluster)
        // Our file may name a folder that is gone; this run must read nothing of it.
        .args(["-C", "wal_compression", "-c", "wal_compression=lz4"])
        .stderr(Stdio::null())
        .output()
        .await
        .is_ok_and(|answer| answer.status.success())
}

fn settings(options: &Options, socket_dir: &Path, compression: &str) -> String {
    let dir = socket_dir.to_string_lossy().replace('"', "\"\"");
    let connections = options.max_connections.to_string();
    let port = PORT.to_string();
    let mut list: Vec<(&str, String)> = vec![
        ("listen_addresses", String::new()),
        ("port", port),
        ("unix_socket_directories", format!("\"{dir}\"")),
        ("unix_socket_permissions", "0700".to_owned()),
        ("max_connections", connections),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("shared_buffers", "128MB".to_owned()),
        ("jit", "off".to_owned()),
        ("wal_compression", compression.to_owned()),
        ("max_wal_size", "2GB".to_owned()),
        // Files that are not there when a busy hour comes are filled with zeros first, 50 ms each in which nobody commits.
        ("min_wal_size", "512MB".to_owned()),
        ("random_page_cost", "1.1".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("lc_messages", "C".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_line_prefix", "%m [%p] ".to_owned()),
    ];
    if !options.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            list.push((name, "off".to_owned()));
        }
    }
    let mut text = String::from(
        "# Written anew at each start. Changes belong into postgresql.auto.conf (ALTER SYSTEM).\n",
    );
    let more = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in list.into_iter().chain(more) {
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        writeln!(text, "{name} = '{value}'").expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_quoted() {
        let mut options = Options::new("/x");
        options
            .settings
            .push(("work_mem".to_owned(), "8MB".to_owned()));
        let text = settings(&options, Path::new("/it's \"here\", \\so"), "lz4");
        assert!(
            text.contains(r#"unix_socket_directories = '"/it''s ""here"", \\so"'"#),
            "{text}"
        );
        assert!(text.contains("listen_addresses = ''\n"), "{text}");
        assert!(text.ends_with("work_mem = '8MB'\n"), "{text}");
        assert!(!text.contains("fsync"));
    }
}
