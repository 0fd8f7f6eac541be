//! Where servers keep their files, and how what a killed run left behind is found and removed.
//!
//! One base directory an account: `template-*` and `download-*` stay, each `run-*` belongs to
//! one server and is locked by its owner. A run directory nobody locks is a leftover.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::account::{Account, Accounts};
use crate::run::output_of;
use crate::{Error, Storage};

const BASE_VARIABLE: &str = "TWOFOLD_SANDBOX_DIR";
const MEMORY: &str = "/dev/shm";
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The account's base directory; made when it is not there.
///
/// `/var/tmp` and not `/tmp`, which is memory on some systems; and not the home directory,
/// which the account that root lends the server to could not enter.
pub(crate) fn base(accounts: &Accounts, storage: Storage) -> Result<PathBuf, Error> {
    let parent = match storage {
        Storage::Memory if Path::new(MEMORY).is_dir() => MEMORY.into(),
        Storage::Memory => return Err(Error::NoMemoryStorage),
        Storage::Disk => std::env::var_os(BASE_VARIABLE).unwrap_or_else(|| "/var/tmp".into()),
    };
    let path = Path::new(&parent).join(format!("twofold-{}", accounts.server.uid));

    if !path.exists() {
        make(&path, accounts.switch_to.as_ref())?;
    }
    let owner = fs::symlink_metadata(&path).map_err(Error::file(&path))?;
    if !owner.is_dir() || owner.uid() != accounts.server.uid {
        return Err(Error::ForeignDirectory { path });
    }
    Ok(path)
}

/// A directory that only the server's account (and root) can read.
pub(crate) fn make(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Error::file(path))?;
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid)).map_err(Error::file(path))?;
    }
    Ok(())
}

/// Waits for an exclusive lock that ends with this value, or with the process.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::file(path))?;
    // Root's own would shut out the server's account, were the tests run by that next.
    let directory = path
        .parent()
        .unwrap_or(path)
        .metadata()
        .map_err(Error::file(path))?;
    if file.metadata().map_err(Error::file(path))?.uid() != directory.uid() {
        chown(path, Some(directory.uid()), Some(directory.gid())).map_err(Error::file(path))?;
    }
    file.lock().map_err(Error::file(path))?;
    Ok(file)
}

/// One server's directory. Removed by the server's supervisor, or by the next start.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    pub(crate) path: PathBuf,
    _owner: File,
}

impl RunDirectory {
    /// Sweeps what killed runs left, then makes a directory of our own.
    pub(crate) fn create(base: &Path, account: Option<&Account>) -> Result<Self, Error> {
        // Without this lock a sweep could take a directory before its owner has locked it.
        let _sweeping = lock(&base.join("sweep.lock"))?;
        sweep(base)?;

        let path = base.join(format!("run-{:016x}", rand::random::<u64>()));
        make(&path, account)?;
        let owner = lock(&path.join("owner.lock"))?;
        Ok(Self {
            path,
            _owner: owner,
        })
    }
}

impl Drop for RunDirectory {
    /// A server that never ran has no supervisor to remove its files.
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, "a server's files are left to the next start");
        }
    }
}

fn sweep(base: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(base).map_err(Error::file(base))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("run-") {
            let path = entry.path();
            if owner_is_gone(&path) {
                tracing::info!(path = %path.display(), "removing what a killed run left behind");
                stop_orphan(&path);
                remove(&path)?;
            }
        }
    }
    Ok(())
}

fn owner_is_gone(run: &Path) -> bool {
    match File::open(run.join("owner.lock")).map(|file| file.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => false,
        Ok(Ok(()) | Err(TryLockError::Error(_))) | Err(_) => true,
    }
}

/// Stops a server whose owner and supervisor are both gone.
fn stop_orphan(run: &Path) {
    let Ok(file) = fs::read_to_string(run.join("data/postmaster.pid")) else {
        return;
    };
    let Some(pid) = file
        .lines()
        .next()
        .and_then(|line| line.trim().parse::<u32>().ok())
    else {
        return;
    };
    // The pid may long belong to somebody else.
    if !serves(pid, run) {
        return;
    }

    let started = Instant::now();
    signal("QUIT", pid);
    while serves(pid, run) {
        if started.elapsed() > STOP_LIMIT {
            signal("KILL", pid);
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether this process was started with a data directory in `run`.
fn serves(pid: u32, run: &Path) -> bool {
    let mut command = Command::new("ps");
    command.args(["-ww", "-o", "command=", "-p", &pid.to_string()]);
    output_of(command, None).is_ok_and(|line| line.contains(&*run.to_string_lossy()))
}

fn signal(name: &str, pid: u32) {
    let mut command = Command::new("kill");
    command.args(["-s", name, &pid.to_string()]);
    if let Err(reason) = output_of(command, None) {
        tracing::warn!(pid, reason, "could not stop a server left behind");
    }
}

/// A supervisor may be removing the same files, so it is done when they are gone.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match fs::remove_dir_all(path) {
            _ if !path.exists() => return Ok(()),
            Err(error) if started.elapsed() > STOP_LIMIT => return Err(Error::file(path)(error)),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}
