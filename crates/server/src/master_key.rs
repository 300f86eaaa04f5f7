//! The key from which all other keys come: configured, or made once and kept in the data folder.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use services::vault::{DataKeys, Vault};

use crate::config::Config;
use crate::data_dir::postgres_home;

/// The file's name in the data folder.
const FILE: &str = "master_key";

/// The configured key, else the one in the data folder, which is made when there is none.
///
/// # Errors
/// If the key is not 32 bytes in hexadecimal or base64, or the file can't be read or made.
pub(crate) fn load(config: &Config, folder: &Path) -> anyhow::Result<[u8; 32]> {
    if let Some(secret) = &config.master_key {
        return decode(secret.reveal()).context("master_key");
    }
    let path = folder.join(FILE);
    if !path.exists() {
        make(config, folder, &path)?;
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    decode(text.trim()).with_context(|| format!("the key in {}", path.display()))
}

fn make(config: &Config, folder: &Path, path: &Path) -> anyhow::Result<()> {
    if config.database_url.is_some() {
        tracing::warn!(
            file = %path.display(),
            "no master_key is set, so one is made here; other processes on this database need the same one"
        );
    }
    let fresh = folder.join(format!("{FILE}.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            writeln!(file, "{}", hex::encode(services::ids::random_bytes::<32>()))?;
            file.sync_all()
        });
    written.with_context(|| format!("cannot write {}", fresh.display()))?;
    // A link is made whole or not at all, and never over the key that another process has just made.
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
    match linked {
        Err(problem) if problem.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(problem).with_context(|| format!("cannot make {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Refuses to go on when there is data but its key is gone: a new key could not read it.
///
/// # Errors
/// Says what to bring back.
pub(crate) fn refuse_lost_key(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let has_data = config.database_url.is_none() && postgres_home(folder).join("cluster").exists();
    if has_data && config.master_key.is_none() && !folder.join(FILE).exists() {
        bail!(
            "{} holds a database, but its master key {} is gone: bring the file back from a backup, or set master_key. \
             For a fresh start, move the data folder away",
            folder.display(),
            folder.join(FILE).display()
        );
    }
    Ok(())
}

/// What a key may look like.
pub(crate) const ALLOWED: &str =
    "must be 32 bytes in hexadecimal (64 characters) or base64 (44 characters)";

/// Reads a key.
///
/// # Errors
/// If it is not what [`ALLOWED`] says.
pub(crate) fn decode(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = if text.len() == 64 {
        hex::decode(text).ok()
    } else {
        STANDARD.decode(text).ok()
    };
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .context(ALLOWED)
}

/// What the later keys of personal data may look like.
pub(crate) const DATA_KEYS_ALLOWED: &str = "must be ID:KEY with an identity from 2 to 255 and 32 bytes in hexadecimal, several with commas; \
     data_key must be among them, and at most two, an odd and an even one, from data_key_oldest on";

/// The keys that protect personal data.
///
/// # Errors
/// If they are not what [`DATA_KEYS_ALLOWED`] says.
pub(crate) fn data_keys(config: &Config) -> anyhow::Result<DataKeys> {
    let text = config.data_keys.as_ref().map_or("", |keys| keys.reveal());
    let later = text
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(|one| {
            let (id, key) = one.split_once(':').context(DATA_KEYS_ALLOWED)?;
            let id: u8 = id.trim().parse().context(DATA_KEYS_ALLOWED)?;
            Ok((id, decode(key.trim()).context(DATA_KEYS_ALLOWED)?))
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(DataKeys {
        current: config.data_key,
        oldest: config.data_key_oldest,
        later,
    })
}

/// Whether the keys of personal data can be used together.
pub(crate) fn data_keys_fit(config: &Config) -> bool {
    data_keys(config).is_ok_and(|keys| Vault::with_data_keys(&[0; 32], &keys).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_both_forms_and_nothing_else() {
        let key = [7_u8; 32];
        assert_eq!(decode(&hex::encode(key)).expect("hex"), key);
        assert_eq!(decode(&STANDARD.encode(key)).expect("base64"), key);
        for wrong in ["", "abc", &"0".repeat(63), &"z".repeat(64)] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
