//! A child process that cannot outlive us.
//!
//! Rust's launchers stop their children in `Drop`, which a SIGKILL never reaches. Here a small
//! shell script stands between: it holds the reading end of a pipe, we hold the writing end, and
//! the kernel closes ours however we end. No unsafe code, nothing that only Linux has; where
//! `setpriv` exists it also covers the death of the script itself.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use crate::account::Account;

/// What to run, and how it ends.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Name or path of the program.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Added to the environment we have ourselves.
    pub environment: Vec<(String, String)>,
    /// Receives standard output and standard error.
    pub log: PathBuf,
    /// The signal that stops it in good order, as `kill -s` names it: `TERM`, `QUIT`.
    pub stop_signal: &'static str,
    /// Removed when the process is gone.
    pub remove: Option<PathBuf>,
    /// Somebody else to run it as; needs root.
    pub account: Option<Account>,
}

impl Launch {
    /// A program that stops on SIGTERM and leaves nothing behind but its log.
    pub fn new(program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log: log.into(),
            stop_signal: "TERM",
            remove: None,
            account: None,
        }
    }
}

/// A running process that is stopped when this value is dropped, and also when the whole
/// program ends in any other way. Ten seconds after the stop signal it is killed.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    lifeline: Option<ChildStdin>,
    log: File,
    pid: u32,
}

impl Supervised {
    /// Starts it and returns at once; whether it serves yet is for the caller to find out.
    ///
    /// # Errors
    /// When the log cannot be opened or the shell cannot be started. A program that is missing
    /// shows as an early end, with the shell's message in the log.
    pub fn spawn(launch: &Launch) -> io::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .read(true)
            .open(&launch.log)?;
        if let Some(account) = &launch.account {
            std::os::unix::fs::chown(&launch.log, Some(account.uid), Some(account.gid))?;
        }

        let mut command = Command::new("/bin/sh");
        command
            .args([
                "-c",
                include_str!("supervise.sh"),
                "supervise",
                launch.stop_signal,
            ])
            .arg(launch.remove.as_deref().unwrap_or(Path::new("")))
            .arg(&launch.log)
            .args(parent_death_prefix(launch.stop_signal))
            .arg(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C reaches a terminal's whole foreground group; the child is told by us alone.
            .process_group(0);
        if let Some(account) = &launch.account {
            command.uid(account.uid).gid(account.gid).current_dir("/");
        }

        let mut supervisor = command.spawn()?;
        let lifeline = supervisor.stdin.take();
        let pid = read_pid(&mut supervisor)?;
        Ok(Self {
            supervisor,
            lifeline,
            log,
            pid,
        })
    }

    /// The process itself, not the shell that watches over it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it did.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.supervisor.try_wait()
    }

    /// What it has printed so far, also after its log file was removed.
    pub fn log_text(&self) -> String {
        let mut text = Vec::new();
        let mut log = &self.log;
        let read = log
            .seek(SeekFrom::Start(0))
            .and_then(|_| log.read_to_end(&mut text));
        match read {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("the log cannot be read: {error}"),
        }
    }

    /// Stops it and waits until it is gone: for as long as it takes to stop, ten seconds at most.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        drop(self.lifeline.take());
        self.supervisor.wait()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, pid = self.pid, "could not wait for a child process to stop");
        }
    }
}

/// The shell prints the child's pid as its first line.
fn read_pid(supervisor: &mut Child) -> io::Result<u32> {
    let Some(stdout) = supervisor.stdout.take() else {
        return Err(io::Error::other("the supervisor has no output"));
    };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    line.trim()
        .parse()
        .map_err(|_| io::Error::other("the supervisor did not start"))
}

/// Linux can signal a process when the one that started it dies: that covers the supervisor.
fn parent_death_prefix(signal: &str) -> Vec<String> {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    let available = *AVAILABLE.get_or_init(|| {
        let probe = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success())
    });

    if available {
        ["setpriv", "--pdeathsig", signal, "--"]
            .map(str::to_owned)
            .into()
    } else {
        Vec::new()
    }
}
