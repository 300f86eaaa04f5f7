//! What clippy can't see. Each check is a function from the workspace's files to a list of faults; a list of
//! exceptions may only shrink.

mod deeds;
mod documents;
mod edges;
mod lengths;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 6] = [".git", "target", ".tools", "node_modules", "data", ".sqlx"];

/// One text file of the workspace.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the workspace.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// Whether it is a Rust file.
    pub(crate) fn is_rust(&self) -> bool {
        self.has_ending("rs")
    }

    fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == ending)
    }
}

/// Runs every check and tells all faults.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let sources = sources(root)?;
    let mut faults = Vec::new();
    faults.extend(lengths::check(&sources));
    faults.extend(words::check(&sources));
    faults.extend(edges::check(&sources)?);
    faults.extend(documents::check(root, &sources));
    faults.extend(deeds::check(&sources));
    faults.sort();
    for fault in &faults {
        crate::say(fault);
    }
    crate::say(&format!(
        "tidy: {} files, {} faults",
        sources.len(),
        faults.len()
    ));
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// All text files of the workspace, sorted.
///
/// # Errors
/// If a folder can't be read.
pub(crate) fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                if !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                    folders.push(path);
                }
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(&path)
            {
                sources.push(Source {
                    path: relative(root, &path),
                    text,
                });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn relative(root: &Path, path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    path.to_string_lossy().into_owned()
}
