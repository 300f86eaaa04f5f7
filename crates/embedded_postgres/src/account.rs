//! Under whom PostgreSQL runs, and whether that account can get to its folder.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, io_error};

/// An unprivileged account of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, for messages.
    pub name: String,
    /// Its user id, never 0.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
}

impl Account {
    /// Looks an account up by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let uid = id_of(name, "-u").filter(|uid| *uid != 0)?;
        let gid = id_of(name, "-g")?;
        Some(Self {
            name: name.to_owned(),
            uid,
            gid,
        })
    }

    /// The account that PostgreSQL runs under for the data in `cluster`; `None` means the current user.
    ///
    /// # Errors
    /// [`Error::NoAccount`], or [`Error::ForeignFolder`] when an ordinary user opens another's data.
    pub(crate) fn choose(cluster: &Path, wanted: Option<&str>) -> Result<Option<Self>, Error> {
        let user = rustix::process::geteuid().as_raw();
        let owner = fs::metadata(cluster)
            .ok()
            .map(|data| (data.uid(), data.gid()));
        if user != 0 {
            return match owner {
                Some((owner, _)) if owner != user => Err(Error::ForeignFolder {
                    folder: cluster.to_owned(),
                    owner,
                    user,
                }),
                _ => Ok(None),
            };
        }
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Some(Self {
                name: name_of(uid).unwrap_or_else(|| format!("the user with id {uid}")),
                uid,
                gid,
            }));
        }
        Self::unprivileged(wanted).map(Some)
    }

    /// The account `wanted`, else `postgres`, else `nobody`.
    ///
    /// # Errors
    /// [`Error::NoAccount`] when the machine has none of them.
    pub fn unprivileged(wanted: Option<&str>) -> Result<Self, Error> {
        let names = wanted.map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
        names
            .iter()
            .find_map(|name| Self::named(name))
            .ok_or_else(|| Error::NoAccount {
                name: names.join(" or "),
            })
    }
}

fn id_of(name: &str, flag: &str) -> Option<u32> {
    let answer = Command::new("id").args([flag, "--", name]).output().ok()?;
    String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
}

fn name_of(uid: u32) -> Option<String> {
    let answer = Command::new("id")
        .args(["-nu", &uid.to_string()])
        .output()
        .ok()?;
    let name = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    (answer.status.success() && !name.is_empty()).then_some(name)
}

/// Checks that `account` may enter every folder above `folder`, so far as they exist.
///
/// # Errors
/// [`Error::NotReachable`] names the first folder that shuts it out.
pub fn check_reachable(folder: &Path, account: &Account) -> Result<(), Error> {
    let folder = std::path::absolute(folder).map_err(io_error("cannot resolve", folder))?;
    let mut above: Vec<PathBuf> = folder.ancestors().skip(1).map(Path::to_owned).collect();
    above.reverse();
    for step in above {
        let Ok(data) = fs::metadata(&step) else { break };
        let mode = data.permissions().mode();
        // Supplementary groups are dropped with the privileges, so these three cases are all there are.
        let may_enter = if data.uid() == account.uid {
            mode & 0o100 != 0
        } else if data.gid() == account.gid {
            mode & 0o010 != 0
        } else {
            mode & 0o001 != 0
        };
        if !may_enter {
            return Err(Error::NotReachable {
                account: account.name.clone(),
                blocked: step,
                folder,
            });
        }
    }
    Ok(())
}

/// Makes `folder` with the folders above it and gives it to the account. Folders above that are missing
/// are made enterable for all when an account other than ours must pass through them.
pub(crate) fn make_folder(folder: &Path, account: Option<&Account>) -> Result<(), Error> {
    let above_mode = if account.is_some() { 0o711 } else { 0o700 };
    if let Some(above) = folder.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(above_mode)
            .create(above)
            .map_err(io_error("cannot make", above))?;
    }
    if !folder.is_dir() {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .map_err(io_error("cannot make", folder))?;
    }
    give(folder, account)
}

/// Gives a file or folder to the account.
pub(crate) fn give(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    account.map_or(Ok(()), |account| {
        chown(path, Some(account.uid), Some(account.gid))
            .map_err(io_error("cannot give away", path))
    })
}
