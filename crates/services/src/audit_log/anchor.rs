//! The head of the chain, written outside the database: whoever rules the database alone can't take the end of the log
//! away, or write all of it anew, without contradicting these lines. A line is only ever added, under the vault's
//! signature; a file holds a month. Copies elsewhere are the operator's matter: `docs/security.md`.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::context::Context;
use crate::vault::Vault;

/// What a line begins with.
const FORM: &str = "own-circle-audit-1";

/// What the name of a file begins with.
const PREFIX: &str = "audit-anchor-";

/// The end of the chain at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place of the last link.
    pub sequence: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// A line of an anchor whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What it says.
    pub head: Head,
    /// When it was written.
    pub written_at: DateTime<Utc>,
}

/// The head was not written.
#[derive(Debug, thiserror::Error)]
#[error("the head of the audit log was not written to {folder}")]
pub struct AnchorError {
    folder: String,
    #[source]
    source: io::Error,
}

/// Adds a line to the file of the present month, and returns when it is on disk.
///
/// # Errors
/// [`AnchorError`].
pub async fn append(ctx: &Context, folder: PathBuf, head: Head) -> Result<(), AnchorError> {
    let now = ctx.clock().now();
    let line = line(ctx.vault(), &head, now);
    let name = format!("{PREFIX}{}.txt", now.format("%Y-%m"));
    let shown = folder.display().to_string();
    let written = tokio::task::spawn_blocking(move || write(&folder, &name, &line)).await;
    let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
    written.map_err(|source| AnchorError {
        folder: shown,
        source,
    })
}

fn write(folder: &Path, name: &str, line: &str) -> io::Result<()> {
    let path = folder.join(name);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let is_new = !path.exists();
    let mut file = fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    // A line that a fall of the machine cut off stays a line of its own.
    let cut_off = file.seek(SeekFrom::End(0))? > 0 && {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let line = format!("{}{line}\n", if cut_off { "\n" } else { "" });
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    if is_new {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn line(vault: &Vault, head: &Head, written_at: DateTime<Utc>) -> String {
    let at = written_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let said = format!("{FORM} {} {} {at}", head.sequence, hex::encode(&head.hash));
    let signature = hex::encode(vault.sign_anchor(said.as_bytes()));
    format!("{said} {signature}")
}

/// Reads a line; none if it is no line of ours, or changed.
#[must_use]
pub fn read(vault: &Vault, line: &str) -> Option<Anchor> {
    let (said, signature) = line.rsplit_once(' ')?;
    let signature = hex::decode(signature).ok()?;
    if !vault.has_signed_anchor(said.as_bytes(), &signature) {
        return None;
    }
    let parts: Vec<&str> = said.split(' ').collect();
    let [FORM, sequence, hash, at] = parts[..] else {
        return None;
    };
    Some(Anchor {
        head: Head {
            sequence: sequence.parse().ok()?,
            hash: hex::decode(hash).ok()?,
        },
        written_at: DateTime::parse_from_rfc3339(at).ok()?.to_utc(),
    })
}

/// The files of a folder that hold anchors, oldest first; a file is itself.
///
/// # Errors
/// If the folder is there and can't be read. One that is not there holds none.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            sequence: 7,
            hash: vec![9; 32],
        }
    }

    #[test]
    fn a_line_is_read_only_as_it_was_written() {
        let (vault, other) = (Vault::new(&[1; 32]), Vault::new(&[2; 32]));
        let line = line(&vault, &head(), DateTime::UNIX_EPOCH);
        let anchor = read(&vault, &line).expect("an anchor");
        assert_eq!(
            (anchor.head, anchor.written_at),
            (head(), DateTime::UNIX_EPOCH)
        );
        assert_eq!(read(&other, &line), None);
        for changed in [
            line.replacen(" 7 ", " 8 ", 1),
            line[1..].to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&vault, &changed), None, "{changed}");
        }
    }

    #[test]
    fn lines_are_added_and_a_cut_off_one_spoils_no_other() {
        let folder = std::env::temp_dir().join(format!("oc-anchor-{}", std::process::id()));
        let name = "audit-anchor-2026-03.txt";
        write(&folder, name, "first").expect("written");
        write(&folder, name, "second").expect("written");
        let path = folder.join(name);
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("open");
        file.write_all(b"cut o").expect("written");
        write(&folder, name, "third").expect("written");
        let text = fs::read_to_string(&path).expect("read");
        assert_eq!(text, "first\nsecond\ncut o\nthird\n");
        assert_eq!(files(&folder).expect("listed"), [path]);
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(files(&folder).expect("nothing"), Vec::<PathBuf>::new());
    }
}
