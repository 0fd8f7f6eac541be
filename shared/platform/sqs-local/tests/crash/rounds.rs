//! The rounds: start, check, load, kill.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use super::attributes::Attributes;
use super::client::Client;
use super::fifo::Fifo;
use super::moves::Moves;
use super::server::{Directory, Server};
use super::standard::Standard;

/// Clients of the standard queue.
const WORKERS: u64 = 4;

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_every_kill() {
    let (kills, seed) = (setting("CRASH_KILLS", 20), setting("CRASH_SEED", 1));
    let mut random = StdRng::seed_from_u64(seed);
    let directory = Directory::new("crash");
    let began = Instant::now();
    let standard = Arc::new(Standard::new());
    let (mut fifo, mut moves) = (Fifo::new(seed), Moves::new(seed));
    let mut attributes = Attributes::default();

    for round in 0..=kills as usize {
        let sync = ["always", "interval"][random.random_range(0..2)];
        let mut server = Server::start(directory.path(), sync);
        let mut client = Client::connect(server.address).await.unwrap();
        if round == 0 {
            fifo.create(&mut client).await;
            moves.create(&mut client).await;
        }
        standard.check(&mut client, round).await;
        fifo.check(&mut client).await;
        moves.check(&mut client).await;
        attributes.check(&mut client).await;

        let (address, mut workers) = (server.address, JoinSet::new());
        for _ in 0..WORKERS {
            let (standard, seed) = (standard.clone(), random.random());
            workers.spawn(async move { standard.work(address, seed).await });
        }
        let kill_after = Duration::from_micros(random.random_range(1_000..120_000));
        let kill = async {
            // A sleep is right here: the kill comes at a random moment.
            tokio::time::sleep(kill_after).await;
            server.kill();
        };
        tokio::join!(
            kill,
            fifo.work(address),
            moves.work(address),
            attributes.work(address),
        );
        while let Some(worker) = workers.join_next().await {
            worker.unwrap();
        }
        if random.random_range(0..4) == 0 {
            tear(&directory, &mut random);
        }
    }
    println!(
        "{kills} kills in {:.1} s, seed {seed}",
        began.elapsed().as_secs_f64()
    );
}

/// Adds what a write leaves that the machine did not finish.
fn tear(directory: &Directory, random: &mut StdRng) {
    let mut log = std::fs::OpenOptions::new();
    if let Ok(mut log) = log.append(true).open(directory.log()) {
        let torn: Vec<u8> = (0..random.random_range(1..9000))
            .map(|_| random.random())
            .collect();
        log.write_all(&torn).unwrap();
    }
}
