//! A slowdown on purpose, to see whether the comparison finds it. A proxy in front of an arm burns
//! CPU for each order and passes everything on. The arm is unchanged, and the proxy counts as one
//! of its processes.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use analysis::model::ArmName;
use anyhow::Context;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// The name of the proxy's process.
pub const NAME: &str = "slowdown-proxy";
/// The first argument that makes this program the proxy. It is not a subcommand: clap recommends
/// those, hidden ones too, to people who mistype one.
pub const COMMAND: &str = "slowdown-proxy";
const ORDER: &[u8] = b"POST /orders HTTP";

/// A slowdown of one arm: `"A0 again=500"`, in microseconds of CPU per order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InjectedSlowdown {
    pub arm: ArmName,
    pub burn: Duration,
}

impl InjectedSlowdown {
    /// # Errors
    /// When the text is not `ARM=MICROSECONDS`.
    pub fn parse(text: &str) -> Result<InjectedSlowdown, String> {
        let hint = "write ARM=MICROSECONDS, as in A3=500";
        let (label, microseconds) = text.split_once('=').ok_or(hint)?;
        let microseconds = microseconds.parse().map_err(|_| hint)?;
        Ok(InjectedSlowdown {
            arm: label.to_owned().into(),
            burn: Duration::from_micros(microseconds),
        })
    }

    /// The arm, and microseconds per order, as the results hold them.
    pub fn recorded(&self) -> (ArmName, u64) {
        (self.arm.clone(), self.burn.as_micros() as u64)
    }
}

/// The arguments of a proxy's process: the address that it passes requests on to, and the CPU that
/// it burns per order. `None` for any other process.
pub fn requested(mut arguments: impl Iterator<Item = String>) -> Option<(String, Duration)> {
    arguments.next().filter(|first| first == COMMAND)?;
    let upstream = arguments.next()?;
    let microseconds = arguments.next()?.parse().ok()?;
    Some((upstream, Duration::from_micros(microseconds)))
}

/// Runs the proxy until it is killed.
///
/// # Errors
/// When it cannot listen.
pub async fn run(upstream: &str, burn: Duration) -> anyhow::Result<ExitCode> {
    let upstream: SocketAddr = upstream.parse().context("the upstream is not an address")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let work = Work::of(burn);
    println!("listening address={}", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A client that goes away only ends its connection.
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

/// Passes requests on. The generator sends one request at a time on a connection, each in one
/// write, so a request begins where a read begins.
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

/// An amount of work, not of time: waiting for a core burns nothing.
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
    fn a_proxy_is_started_by_its_own_first_argument() {
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
    fn a_slowdown_names_its_arm() {
        let slowdown = InjectedSlowdown::parse("A0 again=500").unwrap();
        assert_eq!(slowdown.arm.to_string(), "A0 again");
        assert_eq!(slowdown.burn, Duration::from_micros(500));
        assert!(InjectedSlowdown::parse("A0").is_err());
        assert!(InjectedSlowdown::parse("A0=much").is_err());
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
