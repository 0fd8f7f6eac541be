//! Directories that cannot be used, and what a start then prints: one line that says what to do.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::server::{Directory, Server, command};

/// The error of a server that cannot start.
fn start_error(directory: &Path) -> String {
    let output = command(directory, "always").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// Changes a number in the head of the database file.
fn set(directory: &Directory, name: &str, value: i64) {
    let connection = Connection::open(directory.path().join("queues.sqlite")).unwrap();
    connection.pragma_update(None, name, value).unwrap();
}

#[test]
fn a_directory_has_one_server_at_a_time() {
    let directory = Directory::new("in-use");
    let mut first = Server::start(directory.path(), "always");
    let text = start_error(directory.path());
    let expected = "in-use is in use: stop the sqs-local that uses it, or name another directory";
    assert!(text.contains(expected), "{text}");
    first.kill();
    Server::start(directory.path(), "always").stop();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = Directory::new("newer");
    Server::start(directory.path(), "always").stop();
    set(&directory, "user_version", 2);
    let before = fs::read(directory.path().join("queues.sqlite")).unwrap();

    let text = start_error(directory.path());
    let expected = "newer has format 2, and this version reads up to 1: start the sqs-local that \
                    wrote it, or name another directory";
    assert!(text.contains(expected), "{text}");
    let after = fs::read(directory.path().join("queues.sqlite")).unwrap();
    assert!(before == after);
    set(&directory, "user_version", 1);
    Server::start(directory.path(), "always").stop();
}

#[test]
fn a_file_of_another_program_is_refused() {
    let directory = Directory::new("not-ours");
    fs::create_dir_all(directory.path()).unwrap();
    set(&directory, "application_id", 7);
    let text = start_error(directory.path());
    assert!(
        text.contains("is not from sqs-local: name another directory"),
        "{text}"
    );

    fs::write(directory.path().join("queues.sqlite"), "x".repeat(5000)).unwrap();
    let text = start_error(directory.path());
    assert!(
        text.contains("is not from sqs-local: name another directory"),
        "{text}"
    );
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let directory = Directory::new("file");
    fs::create_dir_all(directory.path()).unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let text = start_error(&file);
    assert!(
        text.contains("cannot use") && text.contains("File exists"),
        "{text}"
    );
}
