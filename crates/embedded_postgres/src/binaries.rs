//! Finds the PostgreSQL programs of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::error::Error;

/// The major versions that are known to work.
pub const SUPPORTED_MAJORS: RangeInclusive<u32> = 15..=18;

/// A folder with `postgres`, `initdb` and their companions, of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub dir: PathBuf,
    /// The major version, such as 17.
    pub major: u32,
}

impl Binaries {
    /// The path of one program; its bare name, for PATH to find, when the folder lacks it.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let path = self.dir.join(name);
        if path.exists() { path } else { name.into() }
    }

    /// Finds the programs: in `wanted_dir` alone when given, else on PATH, then in the folders where
    /// packages put them. With `needed`, only that major version will do; `cluster` is named in the error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotABinFolder`] or [`Error::WrongVersion`].
    pub async fn find(
        wanted_dir: Option<&Path>,
        needed: Option<u32>,
        cluster: &Path,
    ) -> Result<Self, Error> {
        let mut found = Vec::new();
        if let Some(dir) = wanted_dir {
            let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
            let major = major_in(&absolute)
                .await
                .map_err(|reason| Error::NotABinFolder {
                    folder: absolute.clone(),
                    reason,
                })?;
            found.push(Self {
                dir: absolute,
                major,
            });
        } else {
            for dir in usual_folders() {
                let dir = behind_link(dir);
                if let Ok(major) = major_in(&dir).await {
                    found.push(Self { dir, major });
                }
            }
        }
        choose(found, needed, cluster)
    }
}

fn choose(found: Vec<Binaries>, needed: Option<u32>, cluster: &Path) -> Result<Binaries, Error> {
    let supported = found.iter().find(|one| {
        SUPPORTED_MAJORS.contains(&one.major) && needed.is_none_or(|major| major == one.major)
    });
    if let Some(one) = supported {
        return Ok(one.clone());
    }
    let list: Vec<String> = found
        .iter()
        .map(|one| format!("{} in {}", one.major, one.dir.display()))
        .collect();
    match needed {
        Some(needed) => Err(Error::WrongVersion {
            folder: cluster.to_owned(),
            needed,
            found: if list.is_empty() {
                "none".to_owned()
            } else {
                list.join(", ")
            },
        }),
        None => Err(Error::NotFound {
            looked_in: "/usr/lib/postgresql, /usr/pgsql-*, /opt/homebrew/opt, /usr/local/opt"
                .to_owned(),
        }),
    }
}

/// The folders to look into, in order, without repetition.
fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    for major in SUPPORTED_MAJORS.rev() {
        folders.push(format!("/usr/lib/postgresql/{major}/bin").into());
        folders.push(format!("/usr/lib/postgresql{major}/bin").into());
        folders.push(format!("/usr/pgsql-{major}/bin").into());
        folders.push(format!("/opt/homebrew/opt/postgresql@{major}/bin").into());
        folders.push(format!("/usr/local/opt/postgresql@{major}/bin").into());
        folders.push(format!("/usr/libexec/postgresql{major}").into());
    }
    folders.push("/usr/local/pgsql/bin".into());
    let mut seen = BTreeSet::new();
    folders.retain(|dir| dir.is_absolute() && seen.insert(dir.clone()));
    folders
}

/// The folder that holds the programs themselves when `dir` holds only links to some of them.
fn behind_link(dir: PathBuf) -> PathBuf {
    let real = dir.join("postgres").canonicalize().ok();
    real.and_then(|program| Some(program.parent()?.to_owned()))
        .filter(|real| real.join("initdb").exists())
        .unwrap_or(dir)
}

/// The major version in `dir`, or what is wrong with it.
async fn major_in(dir: &Path) -> Result<u32, String> {
    for name in ["postgres", "initdb"] {
        let program = dir.join(name);
        if !fs::metadata(&program).is_ok_and(|data| data.is_file()) {
            return Err(format!("there is no {name}"));
        }
    }
    let program = dir.join("postgres");
    let answer = Command::new(&program)
        .arg("--version")
        .output()
        .await
        .map_err(|problem| format!("postgres does not start: {problem}"))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    parse_major(&text).ok_or_else(|| {
        let problem = String::from_utf8_lossy(&answer.stderr);
        format!(
            "postgres --version answers {:?} {:?}",
            text.trim(),
            problem.trim()
        )
    })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, also `17beta1` and `18devel`.
fn parse_major(text: &str) -> Option<u32> {
    let rest = text.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(dir: &str, major: u32) -> Binaries {
        Binaries {
            dir: dir.into(),
            major,
        }
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(parse_major("something else"), None);
    }

    #[test]
    fn data_takes_its_own_version_and_new_data_the_first_supported() {
        let found = vec![one("/a", 13), one("/b", 16), one("/c", 17)];
        let cluster = Path::new("/data/cluster");
        assert_eq!(
            choose(found.clone(), None, cluster)
                .expect("one is fit")
                .dir,
            Path::new("/b")
        );
        assert_eq!(
            choose(found.clone(), Some(17), cluster)
                .expect("17 is there")
                .dir,
            Path::new("/c")
        );
        let refusal = choose(found, Some(15), cluster)
            .expect_err("15 is not there")
            .to_string();
        assert!(refusal.contains("made by PostgreSQL 15"), "{refusal}");
        assert!(refusal.contains("17 in /c"), "{refusal}");
        let none = choose(vec![one("/a", 13)], None, cluster).expect_err("13 is too old");
        assert!(matches!(none, Error::NotFound { .. }));
    }
}
