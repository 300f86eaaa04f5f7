//! Where things stand in the home folder, and the lock that gives the folder one owner.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::account::{Account, give};
use crate::error::{Error, io_error};

/// The port, which for a socket is only a part of its name.
pub(crate) const PORT: u16 = 5432;

/// The shortest limit of a socket's path among the systems we know (macOS: 104 with the closing zero).
const LONGEST_SOCKET_PATH: usize = 103;

/// A log larger than this is put aside at the next start; bytes.
const LARGE_LOG: u64 = 16 * 1024 * 1024;

/// The home folder and what stands in it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) home: PathBuf,
    pub(crate) cluster: PathBuf,
    pub(crate) log: PathBuf,
    password: PathBuf,
    lock: PathBuf,
}

impl Place {
    /// # Errors
    /// [`Error::NotUtf8`] or [`Error::Io`] when the path cannot be used.
    pub(crate) fn new(home: &Path) -> Result<Self, Error> {
        let home = std::path::absolute(home).map_err(io_error("cannot resolve", home))?;
        if home.to_str().is_none() {
            return Err(Error::NotUtf8(home));
        }
        Ok(Self {
            cluster: home.join("cluster"),
            log: home.join("log").join("postgresql.log"),
            password: home.join("password"),
            lock: home.join("lock"),
            home,
        })
    }

    /// The major version of the data, `None` when there is no data yet.
    pub(crate) fn major(&self) -> Option<u32> {
        let text = fs::read_to_string(self.cluster.join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    /// The superuser's password.
    pub(crate) fn read_password(&self) -> Result<String, Error> {
        fs::read_to_string(&self.password)
            .map(|text| text.trim().to_owned())
            .map_err(io_error("cannot read", &self.password))
    }

    /// Makes a new password of 192 random bits and keeps it where only the owner reads it.
    pub(crate) fn make_password(&self, account: Option<&Account>) -> Result<PathBuf, Error> {
        let source = Path::new("/dev/urandom");
        let mut bytes = [0_u8; 24];
        File::open(source)
            .and_then(|mut random| random.read_exact(&mut bytes))
            .map_err(io_error("cannot read", source))?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let refused = || io_error("cannot write", &self.password);
        let _ = fs::remove_file(&self.password);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.password)
            .map_err(refused())?;
        writeln!(file, "{text}").map_err(refused())?;
        file.sync_all().map_err(refused())?;
        give(&self.password, account)?;
        Ok(self.password.clone())
    }

    /// Takes the lock that the kernel gives back when this process ends, however it ends.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process holds it.
    pub(crate) fn lock(&self, account: Option<&Account>) -> Result<File, Error> {
        let refused = || io_error("cannot lock", &self.lock);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.lock)
            .map_err(refused())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(Error::InUse {
                    folder: self.home.clone(),
                    owner: owner.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(problem)) => return Err(refused()(problem)),
        }
        give(&self.lock, account)?;
        let program = std::env::args().take(2).collect::<Vec<_>>().join(" ");
        file.set_len(0).map_err(refused())?;
        file.rewind().map_err(refused())?;
        writeln!(file, "process {}: {program}", std::process::id()).map_err(refused())?;
        Ok(file)
    }

    /// Opens the log for appending, after putting a large one aside.
    pub(crate) fn open_log(&self, account: Option<&Account>) -> Result<File, Error> {
        if fs::metadata(&self.log).is_ok_and(|data| data.len() > LARGE_LOG) {
            let aside = self.log.with_extension("log.1");
            fs::rename(&self.log, &aside).map_err(io_error("cannot rename", &self.log))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.log)
            .map_err(io_error("cannot open", &self.log))?;
        give(&self.log, account)?;
        Ok(file)
    }

    /// The last lines of the log.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// The folder for the socket: in the home folder, or a short one elsewhere when the path would be
    /// longer than a socket's path may be. It is ours alone, and empty of old sockets.
    pub(crate) fn make_socket_dir(&self, account: Option<&Account>) -> Result<PathBuf, Error> {
        let near = self.home.join("socket");
        let name_length = format!("/.s.PGSQL.{PORT}").len();
        if near.as_os_str().len() + name_length <= LONGEST_SOCKET_PATH {
            crate::account::make_folder(&near, account)?;
            remove_sockets(&near)?;
            return Ok(near);
        }
        let mut hasher = DefaultHasher::new();
        self.home.hash(&mut hasher);
        let base = short_base(account);
        // The folder's name can be foretold, so somebody else may have made it: then the next one.
        for attempt in 0..16_u8 {
            let dir = base.join(format!("postgres-{:016x}-{attempt}", hasher.finish()));
            if claim_folder(&dir, account)? {
                remove_sockets(&dir)?;
                return Ok(dir);
            }
        }
        Err(io_error("cannot make a folder for the socket in", base)(
            std::io::ErrorKind::AlreadyExists.into(),
        ))
    }
}

/// The user's own runtime folder, which only its user may enter; else the folder for temporary files.
fn short_base(account: Option<&Account>) -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.filter(|dir| account.is_none() && dir.is_dir() && dir.as_os_str().len() < 40)
        .or_else(|| Some(std::env::temp_dir()).filter(|dir| dir.as_os_str().len() < 40))
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Makes the folder, or takes it over when it is a real folder of ours that nobody else may enter.
fn claim_folder(dir: &Path, account: Option<&Account>) -> Result<bool, Error> {
    let us = account.map_or_else(
        || rustix::process::geteuid().as_raw(),
        |account| account.uid,
    );
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => give(dir, account).map(|()| true),
        Err(problem) if problem.kind() == std::io::ErrorKind::AlreadyExists => {
            let data = fs::symlink_metadata(dir).map_err(io_error("cannot look at", dir))?;
            Ok(data.is_dir() && data.uid() == us && data.mode() & 0o077 == 0)
        }
        Err(problem) => Err(io_error("cannot make", dir)(problem)),
    }
}

/// The caller holds the lock and has seen that no server lives, so an old socket and its lock are dead.
fn remove_sockets(dir: &Path) -> Result<(), Error> {
    for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error("cannot remove", path)(problem));
            }
            _ => {}
        }
    }
    Ok(())
}
