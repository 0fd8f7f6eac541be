//! Runs goose with a shared schedule in place of its closed loop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::prelude::*;
use tokio::sync::watch;

use super::Attack;

/// How long the generator waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The pause of a user who found no operation.
const PAUSE: Duration = Duration::from_millis(50);
/// How long after its end a schedule may still have unsent operations, because no user was free.
const OVERTIME: Duration = Duration::from_secs(60);

/// Runs goose with this many users until no operation is left and all were answered. Operations
/// that are still unsent a minute after the schedule's end stay unsent.
///
/// # Errors
///
/// When goose refuses its configuration or could not build its client.
pub async fn attack(attack: Arc<Attack>, users: usize, length: Duration) -> anyhow::Result<()> {
    // goose's users outlive a load that is cancelled: they find no operation then.
    let _closing = CloseArrivals(Arc::clone(&attack));
    run(vec![Source::One(attack)], users, Some(length)).await
}

/// Runs goose until every sender has been dropped. Each of `loads` has as many users of its own,
/// who take operations of the [`Attack`] that it holds: another scenario is another attack.
///
/// # Errors
/// When goose refuses its configuration or could not build its client.
pub async fn steer(loads: Vec<watch::Receiver<Arc<Attack>>>, users: usize) -> anyhow::Result<()> {
    let sources = loads.into_iter().map(Source::Steered).collect();
    run(sources, users, None).await
}

/// The attack from which the users of one goose scenario take their operations.
#[derive(Clone)]
enum Source {
    One(Arc<Attack>),
    /// Of the attack that it holds now.
    Steered(watch::Receiver<Arc<Attack>>),
}

impl Source {
    /// Sends the next operation. When none is left, it pulls goose's kill switch, which lets every
    /// user finish an operation.
    async fn next(&mut self, user: &mut GooseUser) -> TransactionResult {
        let (attack, is_last) = match self {
            Source::One(attack) => (Arc::clone(attack), true),
            Source::Steered(current) => {
                let is_last = current.has_changed().is_err();
                (Arc::clone(&current.borrow()), is_last)
            }
        };
        if !attack.next(user).await? {
            if is_last {
                goose::trigger_killswitch("the schedule is over");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Runs goose with this many users for each source. Without a length it runs until a source ends.
async fn run(sources: Vec<Source>, users: usize, length: Option<Duration>) -> anyhow::Result<()> {
    let client = GooseClientBuilder::new()
        .without_cookies()
        .timeout(TIMEOUT)
        .user_agent("twofold-loadtests");
    let configuration = configuration(users * sources.len(), length)?;
    let mut attack = GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(client)?;
    for source in sources {
        let send: TransactionFunction = Arc::new(move |user| {
            let mut source = source.clone();
            Box::pin(async move { source.next(user).await })
        });
        let scenario = scenario!("NextOperation")
            .register_transaction(Transaction::new(send).set_name("operation"));
        attack = attack.register_scenario(scenario);
    }
    attack
        .execute()
        .await
        .context("goose could not run the load")?;
    Ok(())
}

struct CloseArrivals(Arc<Attack>);

impl Drop for CloseArrivals {
    fn drop(&mut self) {
        self.0.arrivals.close();
    }
}

/// goose's own metrics and reports are off: latencies here count from the moment an operation was
/// due, not from the request.
fn configuration(users: usize, length: Option<Duration>) -> anyhow::Result<GooseConfiguration> {
    let mut arguments = vec![
        // Every request has an address of its own.
        "--host=http://127.0.0.1".to_owned(),
        format!("--users={users}"),
        // All users at once: they wait for their operations, not for goose.
        format!("--increase-rate={}", users * 100),
    ];
    if let Some(length) = length {
        let seconds = (length + OVERTIME).as_secs_f64().ceil() as u64;
        arguments.push(format!("--run-time={seconds}s"));
    }
    let quiet = [
        "--no-metrics",
        "--no-print-metrics",
        "--no-telnet",
        "--no-gzip",
        "-qqq",
    ];
    let arguments = arguments.into_iter().chain(quiet.map(str::to_owned));
    let arguments: Vec<String> = arguments.collect();
    GooseConfiguration::parse_args_default(&arguments)
        .map_err(|error| anyhow::anyhow!("goose refused its settings: {error}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use analysis::model::Scenario;

    use super::super::schedule::{Shape, due_times};
    use super::super::{Arrivals, Recorder};
    use super::*;

    /// goose has one kill switch for all loads of a process, so these tests run one at a time.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    /// Answers every order with this status and every poll with `confirmed`, each after
    /// `pause`, one at a time per connection.
    async fn shop(pause: Duration, placed: &'static str) -> String {
        async fn serve(
            mut stream: TcpStream,
            pause: Duration,
            placed: &'static str,
        ) -> std::io::Result<()> {
            let mut buffer = vec![0; 16_384];
            while stream.read(&mut buffer).await? > 0 {
                tokio::time::sleep(pause).await;
                let status = match buffer.starts_with(b"POST") {
                    true => placed,
                    false => "confirmed",
                };
                let id = uuid::Uuid::now_v7();
                let body = format!(r#"{{"id":"{id}","status":"{status}"}}"#);
                let head = format!(
                    "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all((head + &body).as_bytes()).await?;
            }
            Ok(())
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, pause, placed));
            }
        });
        format!("http://{address}")
    }

    /// A load without end at these addresses.
    fn at(base_urls: Vec<String>) -> Attack {
        Attack {
            base_urls,
            scenario: Scenario::Checkout,
            seed: 1,
            keys: "1".to_owned(),
            products: 10,
            tokens: vec!["token".to_owned()],
            arrivals: Arrivals::closed(Duration::MAX, Instant::now()),
            awaits: true,
            sampling: None,
            recorder: Recorder::default(),
            last_orders: vec![std::sync::Mutex::default()],
        }
    }

    async fn load(pause: Duration, rate: f64, users: usize) -> Vec<super::super::Outcome> {
        let length = Duration::from_secs(1);
        let begin = Instant::now() + Duration::from_millis(200);
        let attack = Arc::new(Attack {
            arrivals: Arrivals::open(due_times(Shape::Constant, rate, length), begin),
            ..at(vec![shop(pause, "confirmed").await])
        });
        super::attack(Arc::clone(&attack), users, length)
            .await
            .unwrap();
        attack.recorder.take()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn goose_sends_every_operation_and_hides_no_queue() {
        let _alone = ALONE.lock().await;
        let quick = load(Duration::ZERO, 100.0, 20).await;
        assert_eq!(quick.len(), 100);
        assert!(
            quick
                .iter()
                .all(|one| one.order.is_some_and(|order| order.settled))
        );

        // Two users at 100 ms per answer send 20 of 40 in time: the wait of the others must show.
        let slow = load(Duration::from_millis(100), 40.0, 2).await;
        assert_eq!(slow.len(), 40);
        let latest = slow.iter().map(|one| one.latency).max().unwrap();
        assert!(latest > Duration::from_millis(700), "{latest:?}");
        assert!(
            slow.iter()
                .any(|one| one.send_delay > Duration::from_millis(500))
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn users_of_the_closed_model_wait_until_their_order_is_settled() {
        let _alone = ALONE.lock().await;
        let length = Duration::from_secs(1);
        let attack = Arc::new(Attack {
            arrivals: Arrivals::closed(length, Instant::now() + Duration::from_millis(200)),
            ..at(vec![shop(Duration::ZERO, "placed").await])
        });
        super::attack(Arc::clone(&attack), 2, length).await.unwrap();
        let outcomes = attack.recorder.take();
        let orders = outcomes.iter().filter(|one| one.is_scheduled()).count();
        // Two users who poll after 100 ms: ten orders each, and not thousands.
        assert!((4..=22).contains(&orders), "{orders}");
        assert_eq!(outcomes.len(), 2 * orders, "each was polled once");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn operations_are_spread_over_the_entry_addresses() {
        let _alone = ALONE.lock().await;
        let length = Duration::from_secs(1);
        let closed_entry = "http://127.0.0.1:1".to_owned();
        let attack = Arc::new(Attack {
            arrivals: Arrivals::closed(length, Instant::now() + Duration::from_millis(200)),
            ..at(vec![
                shop(Duration::from_millis(50), "confirmed").await,
                closed_entry,
            ])
        });
        super::attack(Arc::clone(&attack), 4, length).await.unwrap();
        let outcomes = attack.recorder.take();
        assert!(outcomes.iter().any(|one| one.is_error()));
        assert!(outcomes.iter().any(|one| !one.is_error()));
    }
}
