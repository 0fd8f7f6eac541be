//! A child process that ends with this process, also after SIGKILL.
//!
//! A `Drop` implementation does not run on SIGKILL. So a shell script supervises the child: it
//! reads from a pipe whose writing end this process holds, and the kernel closes that end in any
//! case. It needs no unsafe code and works on every Unix. Where `setpriv` exists, it also covers
//! the death of the script itself (`docs/adr/0006-shell-supervisor.md`).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use crate::account::Account;

/// A program to run, and how to stop it.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The name or path of the program.
    pub program: PathBuf,
    /// The arguments of the program.
    pub arguments: Vec<String>,
    /// Variables that are added to our own environment.
    pub environment: Vec<(String, String)>,
    /// The file for standard output and standard error.
    pub log: PathBuf,
    /// The signal that stops it gracefully, as `kill -s` names it: `TERM`, `QUIT`.
    pub stop_signal: &'static str,
    /// A directory that is removed after the process has ended.
    pub remove: Option<PathBuf>,
    /// Another account to run it as, which needs root.
    pub account: Option<Account>,
}

impl Launch {
    /// A program that stops on SIGTERM, without arguments, and with nothing to remove.
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

/// A running process that is stopped when this value is dropped or when this program ends. It is
/// killed 10 s after the stop signal.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    lifeline: Option<ChildStdin>,
    log: File,
    pid: u32,
}

impl Supervised {
    /// Starts the process and returns at once, before it may be ready.
    ///
    /// # Errors
    /// When the log cannot be opened or the shell cannot be started. A missing program is no error
    /// here: the process ends early, with the shell's message in the log.
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
            // Ctrl-C signals the whole foreground group of a terminal. The child is not part of it.
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

    /// The pid of the process itself, not of the supervising shell.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends the process a signal, as `kill -s` names it: `KILL`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: &str) -> io::Result<()> {
        let pid = self.pid.to_string();
        let sent = Command::new("kill")
            .args(["-s", signal, &pid])
            .stderr(Stdio::null())
            .status()?;
        match sent.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("there is no process {pid}"))),
        }
    }

    /// The exit status, or `None` while the process runs.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.supervisor.try_wait()
    }

    /// The output so far, also after the log file was removed.
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

    /// Stops the process and waits until it has ended, for at most 10 s.
    ///
    /// # Errors
    /// When the system cannot wait for it.
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

/// Reads the child's pid, which the shell prints as its first line.
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

/// The command that lets Linux signal the child when its parent, the supervisor, dies.
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
