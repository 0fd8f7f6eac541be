//! One process of a deployment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sandbox::{Launch, Supervised};
use tokio::net::TcpStream;

/// How long a process may take to listen, to be ready, and to end.
const READY_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// A shell adds this to the number of the signal that ended its child.
const SIGNALLED: i32 = 128;

/// A running process. It ends when this value is dropped, or this program ends.
#[derive(Debug)]
pub struct Process {
    pub name: String,
    pub url: String,
    /// The time from its start until it was ready. Everything it depends on was ready before.
    pub ready_after: Option<Duration>,
    started: Instant,
    launch: Launch,
    child: Supervised,
}

/// The environment variables of a process.
pub type EnvVars = BTreeMap<&'static str, String>;

impl Process {
    /// Starts a process and waits until its log contains the address that it listens on.
    ///
    /// # Errors
    /// When the process ends or does not listen. The text has the last lines of its log.
    pub async fn start(
        name: &str,
        program: PathBuf,
        arguments: &[&str],
        environment: &EnvVars,
        logs: &Path,
    ) -> anyhow::Result<Process> {
        let log = logs.join(format!("{name}.log"));
        // A process appends to its log, and the log of an earlier run would show an old address.
        if log.exists() {
            std::fs::remove_file(&log)?;
        }
        let mut launch = Launch::new(program, log);
        launch.arguments = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect();
        launch.environment = [("RUST_LOG", LOG), ("LOG_FORMAT", "text"), ("NO_COLOR", "1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let variables = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        launch.environment.extend(variables);

        let started = Instant::now();
        let child = Supervised::spawn(&launch).with_context(|| format!("cannot start {name}"))?;
        let mut process = Process {
            name: name.to_owned(),
            url: String::new(),
            ready_after: None,
            started,
            launch,
            child,
        };
        process.url = format!("http://{}", process.address().await?);
        Ok(process)
    }

    /// Sends it a signal, as `kill -s` names it.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let sent = self.child.signal(signal);
        sent.with_context(|| format!("cannot send SIG{signal} to {}", self.name))
    }

    /// Waits until it has ended, after a signal.
    ///
    /// # Errors
    /// When it still runs after 30 s.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.child.exit_status()?.is_none() {
            if started.elapsed() > READY_LIMIT {
                bail!("{} did not end within 30 s", self.name);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Changes an environment variable of the next start. Does nothing if the process has none of
    /// this name.
    pub fn set(&mut self, variable: &str, value: &str) {
        set(&mut self.launch, variable, value);
    }

    /// Kills it and waits until it has ended.
    ///
    /// # Errors
    /// When it had ended before.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal("KILL")?;
        self.ended().await
    }

    /// Stops it gracefully if it runs, starts it again, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not end, or is not ready again, within 30 s.
    pub async fn restart(&mut self, http: &reqwest::Client) -> anyhow::Result<()> {
        if self.end()?.is_none() {
            self.signal("TERM")?;
            self.ended().await?;
        }
        self.start_again().await?;
        self.ready(http).await
    }

    /// Starts the program again after it has ended, and waits until it listens on the address that
    /// it had.
    ///
    /// # Errors
    /// When it does not listen within 30 s.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let address = self.url.trim_start_matches("http://").to_owned();
        listen_at(&mut self.launch, &address);
        self.started = Instant::now();
        let spawned = Supervised::spawn(&self.launch);
        self.child = spawned.with_context(|| format!("cannot start {} again", self.name))?;
        while TcpStream::connect(&address).await.is_err() {
            let log = self.child.log_text();
            self.check_alive(&log)?;
            if self.started.elapsed() > READY_LIMIT {
                bail!("{} did not listen again within 30 s", self.name);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// How it ended, such as `signal 9` or `status 1: no postgres found`. `None` while it runs.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn end(&mut self) -> anyhow::Result<Option<String>> {
        let Some(status) = self.child.exit_status()? else {
            return Ok(None);
        };
        // Its supervisor is a shell, which reports signal 9 as status 137.
        let code = status.code().unwrap_or(SIGNALLED);
        Ok(Some(match code > SIGNALLED {
            true => format!("signal {}", code - SIGNALLED),
            false => format!("status {code}: {}", last_lines(&self.child.log_text())),
        }))
    }

    async fn address(&mut self) -> anyhow::Result<String> {
        let started = Instant::now();
        loop {
            let log = self.child.log_text();
            if let Some(address) = address_in(&log) {
                return Ok(address.to_owned());
            }
            self.check_alive(&log)?;
            if started.elapsed() > READY_LIMIT {
                bail!(
                    "{} did not listen within 30 s: {}",
                    self.name,
                    last_lines(&log)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When the process ends, or is not ready within 30 s.
    pub async fn ready(&mut self, http: &reqwest::Client) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let answer = http.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.ready_after = Some(self.started.elapsed());
                return Ok(());
            }
            let log = self.child.log_text();
            self.check_alive(&log)?;
            if started.elapsed() > READY_LIMIT {
                bail!(
                    "{} was not ready within 30 s: {}",
                    self.name,
                    last_lines(&log)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn check_alive(&mut self, log: &str) -> anyhow::Result<()> {
        match self.child.exit_status()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}: {}", self.name, last_lines(log)),
        }
    }
}

/// Warnings, and the address that a process listens on. One line per order would be measured as
/// CPU.
const LOG: &str = "warn,chassis::process=info,payment_provider=info,sqs_local=info";

/// `... listening service="monolith" address=127.0.0.1:41234`
fn address_in(log: &str) -> Option<&str> {
    let line = log.lines().find(|line| line.contains("listening"))?;
    let after = line.split_once("address=")?.1;
    after.split_whitespace().next()
}

/// Sets the address that a program listens on: services read `LISTEN_ADDR`, the third parties
/// `--port`.
fn listen_at(launch: &mut Launch, address: &str) {
    set(launch, "LISTEN_ADDR", address);
    let port = address.rsplit(':').next().unwrap_or(address).to_owned();
    if let Some(place) = launch.arguments.iter().position(|one| one == "--port") {
        launch.arguments[place + 1] = port;
    }
}

/// Changes an environment variable that the program has.
fn set(launch: &mut Launch, variable: &str, value: &str) {
    let variables = launch.environment.iter_mut();
    for (_, old) in variables.filter(|(name, _)| name == variable) {
        value.clone_into(old);
    }
}

fn last_lines(log: &str) -> String {
    let mut lines: Vec<&str> = log
        .lines()
        .rev()
        .filter(|line| !line.is_empty())
        .take(3)
        .collect();
    lines.reverse();
    if lines.is_empty() {
        "its log is empty".to_owned()
    } else {
        lines.join(" / ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_with_listening() {
        let log = "INFO connecting address=10.0.0.1:5432\n\
                   INFO chassis::process: listening service=\"gateway\" address=127.0.0.1:80 x=1\n";
        assert_eq!(address_in(log), Some("127.0.0.1:80"));
        assert_eq!(address_in("INFO starting"), None);
    }

    #[tokio::test]
    async fn a_process_that_ends_says_why() {
        let logs = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo no database; exit 3"];
        let nothing = EnvVars::new();
        let shell = "/bin/sh".into();
        let started = Process::start("broken", shell, &arguments, &nothing, logs.path());
        let error = started.await.unwrap_err().to_string();
        assert!(
            error.contains("broken ended") && error.contains("no database"),
            "{error}"
        );
    }
}
