//! The program: its queue file, its port, how it ends, and its errors at the start.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::support::{client, http, start, unique};

/// Kills the program if a test fails halfway.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqs-local"));
    command.args(arguments).env("SQS_LOCAL_PORT", "0");
    command.env("RUST_LOG", "info").env("RUST_BACKTRACE", "1");
    command
}

/// Starts the program and reads its address from the log.
fn listening(arguments: &[&str]) -> (Program, String) {
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stdout.take().unwrap());
    let program = Program(child);
    let mut lines = log.lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening")).unwrap();
    let (_, address) = line.split_once("address=").unwrap();
    (program, address.into())
}

/// The error of a program that cannot start: one line, without a backtrace.
fn start_error(arguments: &[&str]) -> String {
    let output = command(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// The path of a file with this text.
fn file(text: &str) -> String {
    let path = format!("{}/{}.json", env!("CARGO_TARGET_TMPDIR"), unique(""));
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn the_queues_of_a_file_exist_from_the_start() {
    let policy = |queue: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 5 })
    };
    // A chain: each queue names one that comes later in the file.
    let queues = json!({
        "a": { "VisibilityTimeout": 7, "RedrivePolicy": policy("b") },
        "b": { "RedrivePolicy": policy("c").to_string() },
        "c": {},
        "d.fifo": { "FifoQueue": true, "ContentBasedDeduplication": "true" },
    });
    let queues = file(&queues.to_string());
    let (_program, address) = listening(&["--queues", &queues]);
    let sqs = client(&format!("http://{address}"));

    let list = sqs.list_queues().send().await.unwrap();
    assert_eq!(list.queue_urls().len(), 4);
    let get = sqs.get_queue_attributes().queue_url("a");
    let answer = get.attribute_names("All".into()).send().await.unwrap();
    let attributes = answer.attributes.unwrap();
    assert_eq!(attributes[&"VisibilityTimeout".into()], "7");
    assert!(attributes[&"RedrivePolicy".into()].contains(":b\""));
}

#[test]
fn a_queue_file_that_is_wrong_is_one_clear_line() {
    let check = |text: &str, expected: &str| {
        let queues = file(text);
        let text = start_error(&["--queues", &queues]);
        assert!(text.contains(&queues), "{text}");
        assert!(text.contains(expected), "{text}");
    };
    check("{\"orders\": {", "EOF while parsing an object at line 1");
    check("[\"orders\"]", "invalid type");
    check(
        "{\"orders\": {\"Colour\": \"blue\"}}",
        "queue orders: Unknown Attribute Colour.",
    );
    check(
        "{\"orders\": {\"DelaySeconds\": 901}}",
        "queue orders: Invalid value",
    );
    check("{\"no/slash\": {}}", "queue no/slash: Can only include");

    let text = start_error(&["--queues", "/nowhere/queues.json"]);
    assert!(
        text.contains("/nowhere/queues.json: No such file"),
        "{text}"
    );
}

#[tokio::test]
async fn every_fault_flag_is_applied() {
    let flags = "--latency 12,40 --duplicates 0.1 --reorder 0.2 --short-poll-miss 0.3 \
                 --throttle 50 --errors 0.4 --throttle-entries 0.5 --blame-sender --seed 7";
    let (_program, address) = listening(&flags.split_whitespace().collect::<Vec<_>>());
    let (status, rule) = http(&address, "GET", "/control/misbehaviour", "").await;
    assert_eq!(status, 200);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&rule).unwrap(),
        json!({
            "latency": { "p50_ms": 12.0, "p99_ms": 40.0 },
            "duplicates": 0.1,
            "reorder": 0.2,
            "short_poll_miss": 0.3,
            "throttle": 50.0,
            "errors": 0.4,
            "throttle_entries": 0.5,
            "blame_sender": true,
            "paused": false,
        })
    );
}

#[test]
fn a_flag_out_of_its_range_is_one_clear_line() {
    let check = |arguments: &[&str], expected: &str| {
        let text = start_error(arguments);
        assert!(text.contains(expected), "{text}");
    };
    check(
        &["--duplicates", "2"],
        "duplicates must be from 0 to 1, not 2",
    );
    check(&["--errors", "1.5"], "errors must be from 0 to 1, not 1.5");
    check(
        &["--throttle", "0"],
        "throttle must be more than 0 calls per second",
    );
    check(
        &["--latency", "40,12"],
        "latency must have 0 < p50_ms <= p99_ms",
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_one_clear_line() {
    let server = start().await;
    let port = server.address().port();
    let text = start_error(&["--port", &port.to_string()]);
    let expected = format!("cannot listen on 127.0.0.1:{port}: Address already in use");
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn ctrl_c_and_sigterm_end_it_cleanly_even_while_a_receive_waits() {
    for signal in ["-INT", "-TERM"] {
        let queues = file("{\"q\": {}}");
        let (mut program, address) = listening(&["--queues", &queues]);
        let sqs = client(&format!("http://{address}"));
        let poll = sqs.receive_message().queue_url("q").wait_time_seconds(20);
        let poll = tokio::spawn(poll.send());
        // The poll has arrived once the program has counted it.
        let mut calls = String::new();
        while !calls.contains("ReceiveMessage") {
            calls = http(&address, "GET", "/control/calls", "").await.1;
        }

        let id = program.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );

        assert!(program.0.wait().unwrap().success());
        assert!(poll.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn an_older_receipt_handle_deletes_on_request_alone() {
    for (flag, expected) in [(None, "1"), (Some("--old-receipts-delete"), "0")] {
        let queues = file("{\"q\": {\"VisibilityTimeout\": 0}, \"q.fifo\": {\"FifoQueue\": true}}");
        let mut arguments = vec!["--queues", &queues];
        arguments.extend(flag);
        let (_program, address) = listening(&arguments);
        let sqs = client(&format!("http://{address}"));
        let send = sqs.send_message().queue_url("q").message_body("x");
        send.send().await.unwrap();
        let receive = || sqs.receive_message().queue_url("q").send();
        let first = receive().await.unwrap().messages.unwrap().remove(0);
        assert_eq!(receive().await.unwrap().messages().len(), 1);

        let delete = sqs.delete_message().queue_url("q");
        let delete = delete.set_receipt_handle(first.receipt_handle);
        delete.send().await.unwrap();

        let name = "ApproximateNumberOfMessages";
        let get = sqs
            .get_queue_attributes()
            .queue_url("q")
            .attribute_names(name.into());
        let counts = get.send().await.unwrap().attributes.unwrap();
        assert_eq!(counts[&name.into()], expected, "{flag:?}");
    }
}
