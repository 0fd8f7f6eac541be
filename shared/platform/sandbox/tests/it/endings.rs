//! Each end of the program ends its server and removes the files.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sandbox::{Server, Storage};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

/// The `sandbox` program on a base directory of its own.
struct Program {
    child: Child,
    base: TempDir,
    /// The server's main process.
    server: u32,
}

impl Program {
    fn start() -> Self {
        Self::start_with(
            Command::new(env!("CARGO_BIN_EXE_sandbox")),
            base_directory(),
        )
    }

    fn start_with(mut command: Command, base: TempDir) -> Self {
        command
            .env("TWOFOLD_SANDBOX_DIR", base.path())
            .env_remove("DATABASE_URL");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let ready = output
            .lines()
            .map(Result::unwrap)
            .find(|line| line.starts_with("SQS_ENDPOINT_URL"));
        assert!(ready.is_some(), "the program ended before it was ready");

        let pid_file = run_directories(base.path())[0].join("data/postmaster.pid");
        let text = std::fs::read_to_string(pid_file).unwrap();
        let server = text.lines().next().unwrap().parse().unwrap();
        Self {
            child,
            base,
            server,
        }
    }

    fn end_by(&mut self, signal: &str) {
        kill(signal, self.child.id());
        self.child.wait().unwrap();
    }

    async fn assert_nothing_is_left(&self) {
        wait_until("the server is gone", || !runs(self.server)).await;
        wait_until("its files are gone", || {
            run_directories(self.base.path()).is_empty()
        })
        .await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A base directory in /var/tmp, because the server's account may not enter root's temporary
/// directories.
fn base_directory() -> TempDir {
    let base = tempfile::Builder::new()
        .prefix("twofold-test-")
        .tempdir_in("/var/tmp")
        .unwrap();
    std::fs::set_permissions(base.path(), PermissionsExt::from_mode(0o755)).unwrap();
    base
}

fn run_directories(base: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| {
        std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let in_accounts = entries(base).flat_map(|account| entries(&account).collect::<Vec<_>>());
    in_accounts
        .filter(|path| path.to_string_lossy().contains("/run-"))
        .collect()
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < DEADLINE, "gave up waiting until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn ps(arguments: &[&str]) -> String {
    let output = Command::new("ps").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a process runs. A zombie has ended.
fn runs(pid: u32) -> bool {
    let state = ps(&["-o", "stat=", "-p", &pid.to_string()]);
    !state.trim().is_empty() && !state.contains('Z')
}

fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn sigkill_of_the_program_stops_the_server() {
    let mut program = Program::start();
    program.end_by("KILL");
    program.assert_nothing_is_left().await;
}

#[tokio::test]
async fn ctrl_c_stops_the_server() {
    let mut program = Program::start();
    program.end_by("INT");
    program.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_killed_supervisor_takes_the_server_along_or_leaves_it_to_the_next_start() {
    let program = Program::start();
    let supervisor = ps(&["-o", "ppid=", "-p", &program.server.to_string()]);
    kill("KILL", supervisor.trim().parse().unwrap());
    if Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "true"])
        .status()
        .is_ok()
    {
        wait_until("the server is gone", || !runs(program.server)).await;
    }
}

#[test]
fn the_next_start_stops_an_orphan_and_removes_its_files() {
    let tools = tools_without_setpriv();
    let start = |base| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
        command.env("PATH", tools.path());
        Program::start_with(command, base)
    };
    let mut killed = start(base_directory());
    let left_behind = run_directories(killed.base.path());

    // The server's process group without the server: supervisor, watcher and its `cat`.
    let group = ps(&["-o", "pgid=", "-p", &killed.server.to_string()]);
    for line in ps(&["-eo", "pid=,pgid="]).lines() {
        let (pid, group_of_pid) = line.trim().split_once(' ').unwrap();
        if group_of_pid.trim() == group.trim() && pid != killed.server.to_string() {
            kill("KILL", pid.parse().unwrap());
        }
    }
    killed.end_by("KILL");
    assert!(
        runs(killed.server),
        "without supervisor and setpriv the server should be an orphan"
    );

    let base = std::mem::replace(&mut killed.base, base_directory());
    let next = start(base);

    assert!(!runs(killed.server));
    let now = run_directories(next.base.path());
    assert!(
        now.len() == 1 && !left_behind.contains(&now[0]),
        "{left_behind:?} {now:?}"
    );
}

/// A directory with every program of the PATH except `setpriv`, which would cover the supervisor's
/// death.
fn tools_without_setpriv() -> TempDir {
    let tools = base_directory();
    for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        let Ok(entries) = std::fs::read_dir(directory) else {
            continue;
        };
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_name() != "setpriv")
        {
            // The first program of a name wins, as on the PATH.
            let _ = std::os::unix::fs::symlink(entry.path(), tools.path().join(entry.file_name()));
        }
    }
    tools
}

#[tokio::test]
async fn a_live_server_is_not_removed() {
    let first = Server::start(Storage::Disk).await.unwrap();
    let second = Server::start(Storage::Disk).await.unwrap();
    assert!(runs(first.pid().unwrap()) && runs(second.pid().unwrap()));
    assert!(first.directory().unwrap().is_dir());
}

#[test]
fn return_and_panic_stop_the_server() {
    let check = |panics: bool| {
        let (send, receive) = mpsc::channel();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let server = Server::start(Storage::Disk).await.unwrap();
                let directory = server.directory().unwrap().to_owned();
                send.send((server.pid().unwrap(), directory)).unwrap();
                assert!(!panics, "a panic on purpose");
            });
        });
        assert_eq!(ended.join().is_err(), panics);

        let (pid, directory) = receive.recv().unwrap();
        assert!(!runs(pid), "the server outlived its value");
        assert!(!directory.exists());
    };
    check(false);
    check(true);
}
