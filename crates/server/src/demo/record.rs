//! What is remembered of a demonstration beside the data: its size, how far the filling has come, and the keys of its
//! tills, which the database can't show again. A file in the data folder for its owner alone; nothing of it is worth
//! anything outside this demonstration.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use serde::{Deserialize, Serialize};

use super::plan::Size;

/// The file's name in the data folder.
const NAME: &str = "demo.json";

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) size: Size,
    /// When its history ends.
    pub(super) end: DateTime<Utc>,
    /// The partners by slug.
    pub(super) tills: BTreeMap<String, Till>,
    /// How many events of the plan have been carried out.
    pub(super) done: usize,
    pub(super) complete: bool,
    pub(super) counts: Counts,
}

/// A partner with the key of its till.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Till {
    pub(super) business: BusinessId,
    pub(super) key: String,
}

/// What has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) joined: u64,
    pub(super) purchases: u64,
    pub(super) refunds: u64,
    pub(super) voids: u64,
    pub(super) holds: u64,
    /// What the rules did not allow: a refund of what was given back already, points that had expired.
    pub(super) refused: u64,
}

fn place(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl Record {
    /// A demonstration that begins.
    pub(super) fn new(size: Size, end: DateTime<Utc>) -> Self {
        Self {
            size,
            end,
            tills: BTreeMap::new(),
            done: 0,
            complete: false,
            counts: Counts::default(),
        }
    }

    /// The record in this folder, if there is one.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = place(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| path.display().to_string())
    }

    /// Writes it in place of the one before, whole or not at all.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = place(folder);
        let next = folder.join(format!("{NAME}.new"));
        let write = || -> anyhow::Result<()> {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&next)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            fs::rename(&next, &path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        assert!(Record::load(folder.path()).unwrap().is_none());
        let size = Size {
            members: 5,
            months: 1,
            seed: 9,
        };
        let mut record = Record::new(size, DateTime::UNIX_EPOCH);
        record.save(folder.path()).unwrap();
        record.done = 17;
        record.save(folder.path()).unwrap();
        let read = Record::load(folder.path()).unwrap().unwrap();
        assert_eq!((read.size, read.done, read.complete), (size, 17, false));
        let mode = fs::metadata(place(folder.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
