//! A slowdown planted on purpose, to see whether the comparison finds it: a door of its own before
//! an arm, which burns CPU for each order and passes everything on. The arm is as it always is;
//! the door counts as one of its processes.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// How the door's process is called among the arm's.
pub const NAME: &str = "planted";
/// The first argument that makes this program a door. It is no subcommand: those are recommended
/// to people who mistype one.
pub const COMMAND: &str = "planted-door";
const ORDER: &[u8] = b"POST /orders HTTP";

/// What is planted: `"A0 again=500"`, in microseconds of CPU an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plant {
    pub label: String,
    pub burnt: Duration,
}

impl Plant {
    pub fn parse(text: &str) -> Result<Plant, String> {
        let hint = "write ARM=MICROSECONDS, as in A3=500";
        let (label, microseconds) = text.split_once('=').ok_or(hint)?;
        let microseconds = microseconds.parse().map_err(|_| hint)?;
        Ok(Plant {
            label: label.to_owned(),
            burnt: Duration::from_micros(microseconds),
        })
    }
}

impl Plant {
    /// For the report: the arm, and microseconds an order.
    pub fn described(&self) -> (String, u64) {
        (self.label.clone(), self.burnt.as_micros() as u64)
    }
}

/// The arguments of a process that is to be a door: where it passes requests on to, and what it
/// burns for each order.
pub fn requested(mut arguments: impl Iterator<Item = String>) -> Option<(String, Duration)> {
    arguments.next().filter(|first| first == COMMAND)?;
    let upstream = arguments.next()?;
    let microseconds = arguments.next()?.parse().ok()?;
    Some((upstream, Duration::from_micros(microseconds)))
}

/// The door, until it is killed.
///
/// # Errors
/// When it cannot listen.
pub async fn door(upstream: &str, burnt: Duration) -> anyhow::Result<ExitCode> {
    let upstream: SocketAddr = upstream.parse().context("--upstream is no address")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let work = Work::of(burnt);
    println!("listening address={}", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A client that goes away ends its connection, and that is all.
            let _ = pass(client, upstream, work).await;
        });
    }
}

async fn pass(client: TcpStream, upstream: SocketAddr, work: Work) -> std::io::Result<()> {
    let shop = TcpStream::connect(upstream).await?;
    for stream in [&client, &shop] {
        stream.set_nodelay(true)?;
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_shop, mut to_shop) = shop.into_split();
    let answers = tokio::spawn(async move { copy(&mut from_shop, &mut to_client).await });
    requests(&mut from_client, &mut to_shop, work).await?;
    answers.abort();
    Ok(())
}

/// The generator sends one request at a time on a connection, each at once: a request begins where
/// a read begins.
async fn requests(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    work: Work,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16_384];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        if buffer[..read].starts_with(ORDER) {
            work.burn();
        }
        to.write_all(&buffer[..read]).await?;
    }
}

/// An amount of work, not of time: who waits for a core burns nothing.
#[derive(Clone, Copy, Debug)]
struct Work {
    rounds: u64,
}

impl Work {
    fn of(time: Duration) -> Work {
        let trial = Work { rounds: 200_000 };
        let fastest = (0..20).map(|_| {
            let started = Instant::now();
            trial.burn();
            started.elapsed()
        });
        let fastest = fastest.min().unwrap_or(time).as_secs_f64().max(1e-9);
        Work {
            rounds: (trial.rounds as f64 * time.as_secs_f64() / fastest) as u64,
        }
    }

    fn burn(self) {
        let mut value = 1_u64;
        for round in 0..self.rounds {
            value = std::hint::black_box(value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_asked_for_by_its_own_first_argument() {
        let check = |arguments: &[&str], expected: Option<(&str, u64)>| {
            let found = requested(arguments.iter().map(|&argument| argument.to_owned()));
            let expected = expected
                .map(|(upstream, micros)| (upstream.to_owned(), Duration::from_micros(micros)));
            assert_eq!(found, expected);
        };
        check(
            &[COMMAND, "127.0.0.1:80", "500"],
            Some(("127.0.0.1:80", 500)),
        );
        check(&[COMMAND, "127.0.0.1:80"], None);
        check(&["compare", "127.0.0.1:80", "500"], None);
    }

    #[test]
    fn what_is_planted_names_its_arm() {
        let planted = Plant::parse("A0 again=500").unwrap();
        assert_eq!(planted.label, "A0 again");
        assert_eq!(planted.burnt, Duration::from_micros(500));
        assert!(Plant::parse("A0").is_err());
        assert!(Plant::parse("A0=much").is_err());
    }

    #[tokio::test]
    async fn orders_are_slowed_and_everything_is_passed_on() {
        let work = Work::of(Duration::from_millis(20));
        for (request, slow) in [
            (&b"POST /orders HTTP/1.1"[..], true),
            (b"GET /orders", false),
        ] {
            let (mut from, mut passed) = (request, vec![]);
            let started = Instant::now();
            requests(&mut from, &mut passed, work).await.unwrap();
            assert_eq!(passed, request);
            assert_eq!(started.elapsed() > Duration::from_millis(10), slow);
        }
    }
}
