//! A Postgres server that we start and stop.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::binaries::{Binaries, STATEMENTS};
use super::directory::{self, RunDirectory};
use crate::account::Accounts;
use crate::run::output_of;
use crate::{Error, Launch, Storage, Supervised};

/// How long a server may take to answer after its start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How many ports are tried. Another program may take a free port before Postgres binds it.
const PORT_ATTEMPTS: u32 = 5;

/// The settings of every server of ours.
///
/// Durability is set although it is the default, because the comparison depends on it. 300
/// connections are enough for the pools of both architectures and for parallel tests.
/// `random_page_cost` fits a solid-state disk: with the default of 4, made for spinning disks,
/// Postgres scans small tables instead of using their index.
const SETTINGS: [&str; 6] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "listen_addresses=127.0.0.1",
    "max_connections=300",
    "random_page_cost=1.1",
];

/// A server that we started. A drop or the end of the program stops it and removes its files.
#[derive(Debug)]
pub(crate) struct OwnServer {
    // Fields drop in this order, so the process ends before its directory is removed.
    process: Supervised,
    run: RunDirectory,
    port: u16,
    version: String,
}

impl OwnServer {
    /// Finds Postgres, starts it on a free port of the loopback interface, and waits until it
    /// answers.
    pub(crate) async fn start(storage: Storage) -> Result<Self, Error> {
        let accounts = Accounts::find()?;
        let cache = directory::base(&accounts, Storage::Disk)?;
        let base = directory::base(&accounts, storage)?;
        let binaries = Binaries::find(&accounts, &cache).await?;
        let template = template(&binaries, &accounts, &cache)?;

        let mut attempt = 1;
        loop {
            match Self::start_once(&binaries, &accounts, &base, &template).await {
                Err(Error::PortTaken(_)) if attempt < PORT_ATTEMPTS => attempt += 1,
                finished => return finished,
            }
        }
    }

    async fn start_once(
        binaries: &Binaries,
        accounts: &Accounts,
        base: &Path,
        template: &Path,
    ) -> Result<Self, Error> {
        let account = accounts.switch_to.as_ref();
        let run = RunDirectory::create(base, account)?;
        let data = run.path.join("data");
        let mut copy = Command::new("cp");
        copy.arg("-R").arg(template).arg(&data);
        output_of(copy, account)
            .map_err(|reason| Error::program(Path::new("cp"), &reason, &run.path, 0))?;

        let port = free_port()?;
        let sockets = format!("unix_socket_directories={}", run.path.display());
        let settings = SETTINGS.map(str::to_owned).into_iter();
        let counting = binaries.counts_statements();
        let counted = counting.then(|| format!("shared_preload_libraries={STATEMENTS}"));
        let settings = settings
            .chain([sockets, format!("port={port}")])
            .chain(counted);
        let mut launch = Launch::new(binaries.program("postgres"), run.path.join("log"));
        launch.arguments = vec!["-D".to_owned(), data.display().to_string()];
        launch
            .arguments
            .extend(settings.flat_map(|setting| ["-c".to_owned(), setting]));
        // Its files are removed, so a final checkpoint is useless.
        launch.stop_signal = "QUIT";
        launch.remove = Some(run.path.clone());
        launch.account = account.cloned();
        let process = Supervised::spawn(&launch).map_err(Error::file(&launch.log))?;

        let mut server = Self {
            process,
            run,
            port,
            version: binaries.version.clone(),
        };
        server.wait_until_ready(&launch.program).await?;
        server.close_common_databases().await?;
        if counting {
            server.count_statements().await?;
        }
        Ok(server)
    }

    async fn wait_until_ready(&mut self, program: &Path) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            let attempt = self.admin().connect().await;
            let failure = match attempt {
                Ok(connection) => return Ok(connection.close().await?),
                Err(failure) => failure,
            };
            if self
                .process
                .exit_status()
                .is_ok_and(|status| status.is_some())
            {
                let log = self.process.log_text();
                return Err(Error::program(program, &log, &self.run.path, self.port));
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(Error::Program {
                    program: program.display().to_string(),
                    reason: format!("it did not answer within {START_TIMEOUT:?}: {failure}"),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Closes the two common databases, to which every role may connect by default.
    async fn close_common_databases(&self) -> Result<(), Error> {
        let mut admin = self.admin().connect().await?;
        sqlx::raw_sql("revoke connect on database postgres, template1 from public")
            .execute(&mut admin)
            .await?;
        Ok(admin.close().await?)
    }

    /// Adds the statement counter to every database that is created from now on.
    async fn count_statements(&self) -> Result<(), Error> {
        let mut template = self.admin().database("template1").connect().await?;
        sqlx::raw_sql("create extension if not exists pg_stat_statements")
            .execute(&mut template)
            .await?;
        Ok(template.close().await?)
    }

    /// The superuser connects through the socket, whose directory only we can enter.
    pub(crate) fn admin(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.run.path)
            .port(self.port)
            .username("postgres")
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.run.path
    }
}

/// Returns an empty cluster to copy. A copy takes a tenth of the time of `initdb`.
fn template(binaries: &Binaries, accounts: &Accounts, cache: &Path) -> Result<PathBuf, Error> {
    let version = binaries
        .version
        .replace(|character: char| !character.is_alphanumeric(), "-");
    let path = cache.join(format!("template-1-{version}"));
    let _lock = directory::lock(&cache.join("template.lock"))?;
    if path.exists() {
        return Ok(path);
    }

    let unfinished = cache.join("template-unfinished");
    directory::remove(&unfinished)?;
    let program = binaries.program("initdb");
    let mut command = Command::new(&program);
    command
        .args([
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
        ])
        .args(["--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
        .arg(&unfinished);
    let made = output_of(command, accounts.switch_to.as_ref());
    if let Err(reason) = made {
        directory::remove(&unfinished)?;
        return Err(Error::program(&program, &reason, cache, 0));
    }
    fs::rename(&unfinished, &path).map_err(Error::file(&path))?;
    Ok(path)
}

/// Returns a port that is free now. If another program takes it first, the caller tries again.
pub(crate) fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.map_err(Error::file(Path::new("127.0.0.1")))?.port())
}
