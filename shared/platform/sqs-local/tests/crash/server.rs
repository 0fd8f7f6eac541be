//! The program as a process that can be killed, and its directory.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

/// A directory of this test alone, empty at first and removed at the end.
pub(super) struct Directory(PathBuf);

impl Server {
    pub(super) fn start(directory: &Path, sync: &str) -> Server {
        Server::start_by(command(directory, sync))
    }

    /// Starts the server by a command of the test's own, and waits until it listens.
    pub(super) fn start_by(mut command: Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("listening")).unwrap();
        // What follows is read, so that a full pipe does not stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        let (_, address) = line.split_once("address=").unwrap();
        let address = address.trim().parse().unwrap();
        Server { child, address }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its end.
    pub(super) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn command(directory: &Path, sync: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqs-local"));
    command.arg("--data").arg(directory).args(["--sync", sync]);
    command.args(["--port", "0"]).env("RUST_LOG", "info");
    command
}

impl Directory {
    pub(super) fn new(name: &str) -> Directory {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// SQLite's log, which holds the latest writes.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("queues.sqlite-wal")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
