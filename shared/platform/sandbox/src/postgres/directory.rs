//! The directories of servers, and the removal of those that a killed run left behind.
//!
//! There is one base directory per account. `template-*` and `download-*` in it stay. Each `run-*`
//! belongs to one server and is locked by its owner; without a lock it is a leftover.

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
/// How long an orphaned server may take to stop, as in `supervise.sh`, and its files to disappear.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the account's base directory, and creates it if it is missing.
///
/// It is in `/var/tmp`: `/tmp` is in memory on some systems, and the account that runs the server
/// for root cannot enter root's home directory.
pub(crate) fn base(accounts: &Accounts, storage: Storage) -> Result<PathBuf, Error> {
    let parent = match storage {
        Storage::Memory if Path::new(MEMORY).is_dir() => MEMORY.into(),
        Storage::Memory => return Err(Error::NoMemoryStorage),
        Storage::Disk => std::env::var_os(BASE_VARIABLE).unwrap_or_else(|| "/var/tmp".into()),
    };
    let path = Path::new(&parent).join(format!("twofold-{}", accounts.server.uid));

    if !path.exists() {
        create(&path, accounts.switch_to.as_ref())?;
    }
    let owner = fs::symlink_metadata(&path).map_err(Error::file(&path))?;
    if !owner.is_dir() || owner.uid() != accounts.server.uid {
        return Err(Error::NotOurDirectory { path });
    }
    Ok(path)
}

/// Creates a directory that only the server's account and root can read.
pub(crate) fn create(path: &Path, account: Option<&Account>) -> Result<(), Error> {
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

/// Waits for an exclusive file lock. It ends with the returned value or with the process.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::file(path))?;
    // A file of root's would lock out the server's account when that runs the tests next.
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

/// The directory of one server. The server's supervisor removes it, or the next start.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    pub(crate) path: PathBuf,
    _owner: File,
}

impl RunDirectory {
    /// Removes the leftovers of killed runs, then creates a directory.
    pub(crate) fn create(base: &Path, account: Option<&Account>) -> Result<Self, Error> {
        // Without this lock another start could remove the directory before it is locked.
        let _removing = lock(&base.join("sweep.lock"))?;
        remove_leftovers(base)?;

        let path = base.join(format!("run-{:016x}", rand::random::<u64>()));
        create(&path, account)?;
        let owner = lock(&path.join("owner.lock"))?;
        Ok(Self {
            path,
            _owner: owner,
        })
    }
}

impl Drop for RunDirectory {
    /// Removes the files of a server that never ran and so has no supervisor.
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, "could not remove a server's files: the next start will");
        }
    }
}

fn remove_leftovers(base: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(base).map_err(Error::file(base))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("run-") {
            let path = entry.path();
            if owner_is_gone(&path) {
                tracing::info!(path = %path.display(), "removing the files of a killed run");
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

/// Stops a server whose owner and supervisor have both ended.
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
    // Another process may have the pid by now.
    if !serves(pid, run) {
        return;
    }

    let started = Instant::now();
    signal("QUIT", pid);
    while serves(pid, run) {
        if started.elapsed() > STOP_TIMEOUT {
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
        tracing::warn!(pid, reason, "could not stop a server of a killed run");
    }
}

/// Removes a directory. A supervisor may remove the same files, so errors count only while it
/// exists.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match fs::remove_dir_all(path) {
            _ if !path.exists() => return Ok(()),
            Err(error) if started.elapsed() > STOP_TIMEOUT => return Err(Error::file(path)(error)),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}
