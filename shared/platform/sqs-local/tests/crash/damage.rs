//! A disk that is full, and a log that ends in the middle of a write.

use std::fs::{self, OpenOptions};
use std::process::Command;

use serde_json::json;

use super::client::Client;
use super::server::{Directory, Server, command};

const QUEUE: &str = "q";

/// A server whose disk is full: none of its files may grow beyond 2 MiB.
fn start_with_little_room(directory: &Directory, sync: &str) -> Server {
    let server = command(directory.path(), sync);
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\""]);
    shell
        .arg(server.get_program())
        .args(server.get_args())
        .env("RUST_LOG", "info");
    Server::start_by(shell)
}

/// Sends until a send is refused, at most `most` messages. Returns how many were acknowledged, and
/// the status of the refusal.
async fn send(client: &mut Client, most: u64) -> (u64, Option<u16>) {
    for count in 0..most {
        let body = format!("{count} {}", "x".repeat(20_000));
        let document = json!({ "QueueUrl": QUEUE, "MessageBody": body });
        let answer = client.call("SendMessage", document).await.unwrap();
        if answer.status != 200 {
            return (count, Some(answer.status));
        }
    }
    (most, None)
}

/// The numbers of the messages in the queue.
async fn numbers(client: &mut Client) -> Vec<u64> {
    let messages = client.peek(QUEUE).await.unwrap();
    let number = |body: &str| body.split(' ').next().unwrap().parse().unwrap();
    let bodies = messages
        .iter()
        .map(|message| message["body"].as_str().unwrap());
    bodies.map(number).collect()
}

#[tokio::test]
async fn a_full_disk_refuses_calls_and_loses_nothing() {
    let directory = Directory::new("full");
    let mut server = start_with_little_room(&directory, "always");
    let mut client = Client::connect(server.address).await.unwrap();
    client.create(QUEUE, json!({})).await.unwrap();

    let (acknowledged, status) = send(&mut client, 1000).await;
    assert!(acknowledged > 20, "{acknowledged}");
    assert_eq!(status, Some(503));
    let receive = client
        .call("ReceiveMessage", json!({ "QueueUrl": QUEUE }))
        .await
        .unwrap();
    assert_eq!(receive.status, 503);

    // With room again, the server goes on by itself. The refused message may be there too.
    let id = server.id().to_string();
    let more = ["--pid", &id, "--fsize=unlimited"];
    assert!(
        Command::new("prlimit")
            .args(more)
            .status()
            .unwrap()
            .success()
    );
    let attributes = json!({ "QueueUrl": QUEUE });
    while client
        .call("ListQueueTags", attributes.clone())
        .await
        .unwrap()
        .status
        != 200
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(numbers(&mut client).await, Vec::from_iter(0..=acknowledged));
    assert_eq!(send(&mut client, 10).await, (10, None));
    server.kill();

    let server = Server::start(directory.path(), "always");
    let mut client = Client::connect(server.address).await.unwrap();
    let expected: Vec<_> = (0..=acknowledged).chain(0..10).collect();
    assert_eq!(numbers(&mut client).await, expected);
}

#[tokio::test]
async fn messages_that_were_refused_are_not_acknowledged_after_a_kill_either() {
    let directory = Directory::new("full-and-killed");
    let mut server = start_with_little_room(&directory, "interval");
    let mut client = Client::connect(server.address).await.unwrap();
    client.create(QUEUE, json!({})).await.unwrap();
    let (acknowledged, status) = send(&mut client, 1000).await;
    assert_eq!(status, Some(503));
    server.kill();

    let server = Server::start(directory.path(), "always");
    let mut client = Client::connect(server.address).await.unwrap();
    assert_eq!(numbers(&mut client).await, Vec::from_iter(0..acknowledged));
}

#[tokio::test]
async fn a_torn_last_write_is_cut_off_and_the_rest_is_there() {
    let directory = Directory::new("torn");
    let mut server = Server::start(directory.path(), "always");
    let mut client = Client::connect(server.address).await.unwrap();
    client.create(QUEUE, json!({})).await.unwrap();
    assert_eq!(send(&mut client, 10).await, (10, None));
    let stored = fs::metadata(directory.log()).unwrap().len();
    assert_eq!(send(&mut client, 1).await, (1, None));
    server.kill();

    // Half of the last send reached the disk.
    let log = OpenOptions::new()
        .write(true)
        .open(directory.log())
        .unwrap();
    let length = log.metadata().unwrap().len();
    assert!(length > stored);
    log.set_len((stored + length) / 2).unwrap();
    let server = Server::start(directory.path(), "always");
    let mut client = Client::connect(server.address).await.unwrap();
    assert_eq!(numbers(&mut client).await, Vec::from_iter(0..10));
    assert_eq!(send(&mut client, 1).await, (1, None));
}
