//! A guide with one running example per feature. The examples use queues in the process, and most
//! of them a paused clock, so that hours pass in a moment.
//!
//! They share a message `Parcel { number }` for the queue `parcels`, and a function `parcels(n)`
//! that returns queues with `n` messages.
//!
//! # Receiving: never more than can start
//!
//! The consumer acquires permits before it receives. So messages in flight never exceed the limit,
//! and no message waits here while another process could handle it. [`ConsumerOptions`] gives the
//! reason of each limit.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let (queues, transport) = parcels(100).await;
//! let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
//! let highest = most.clone();
//! let consumer = Consumer::plain("parcels".into(), &transport, plain_fn(move |_: Parcel| {
//!     let (now, most) = (now.clone(), most.clone());
//!     async move {
//!         most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
//!         sleep(Duration::from_millis(50)).await;
//!         now.fetch_sub(1, SeqCst);
//!         Ok(())
//!     }
//! }));
//! let stop = CancellationToken::new();
//! let consumer = consumer.options(ConsumerOptions { in_flight: 12, ..Default::default() });
//! let running = tokio::spawn(consumer.run(stop.clone()));
//! while queues.depth("parcels") > 0 {
//!     sleep(Duration::from_millis(10)).await;
//! }
//! assert_eq!(highest.load(SeqCst), 12);
//! # stop.cancel();
//! # running.await.unwrap();
//! # }
//! ```
//!
//! # Heartbeat: a lease for as long as the handler works
//!
//! A handler may take longer than the visibility timeout, which the heartbeat extends at half its
//! time. If it expires all the same, the handler is cancelled and nothing is deleted.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let (queues, transport) = parcels(1).await;
//! let consumer = Consumer::plain("parcels".into(), &transport, plain_fn(|_: Parcel| async {
//!     sleep(Duration::from_secs(10 * 60)).await; // The visibility timeout is 30 s.
//!     Ok(())
//! }));
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(consumer.run(stop.clone()));
//! while queues.depth("parcels") > 0 {
//!     sleep(Duration::from_secs(1)).await;
//! }
//! stop.cancel();
//! let summary = running.await.unwrap();
//! assert_eq!((summary.handled, summary.lost), (1, 0));
//! # }
//! ```
//!
//! # Failure: retry or reject
//!
//! A [`Fault`] is a retry or a rejection. A retry follows a backoff that grows with every attempt,
//! or a time of its own. A panic is a retry of that message alone, and so is every error by `?`. A
//! message that is rejected, cannot be read, or failed too often goes to the dead letters with its
//! reason.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let (queues, transport) = parcels(4).await;
//! let attempts = Arc::new(AtomicUsize::new(0));
//! let counted = attempts.clone();
//! let consumer = Consumer::plain("parcels".into(), &transport, plain_fn(move |parcel: Parcel| {
//!     let attempts = counted.clone();
//!     async move {
//!         match parcel.number {
//!             0 => Ok(()),
//!             1 if attempts.fetch_add(1, SeqCst) == 0 => {
//!                 Err(Fault::retry_after(Duration::from_secs(3600), "closed for an hour"))
//!             }
//!             1 => Ok(()),
//!             2 => Err(Fault::reject("no such address")),
//!             _ => panic!("dropped it"),
//!         }
//!     }
//! }));
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(consumer.run(stop.clone()));
//! while queues.depth("parcels") > 0 {
//!     sleep(Duration::from_secs(1)).await;
//! }
//! stop.cancel();
//! let summary = running.await.unwrap();
//! // The handler panics five times for the last one; two are in the dead letters.
//! assert_eq!((summary.handled, summary.rejected, summary.retried), (2, 2, 1 + 4));
//! assert_eq!(queues.depth("parcels-dlq"), 2);
//! # }
//! ```
//!
//! # Order: a group waits for its first message
//!
//! Messages with an [ordering key](Message::ordering_key) keep their order in a queue whose name
//! ends in `.fifo`: a failed one backs off, those behind it wait, and other keys continue. The
//! relay keeps the order of commits per key, too. `tests/it/promises_in_order.rs` shows it on a
//! server.
//!
//! # Shutdown: in time, and without stranded messages
//!
//! A shutdown receives no more messages, returns those that have not started, completes the others,
//! and deletes the handled ones. One that is stuck is returned at the deadline.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let (queues, transport) = parcels(3).await;
//! let handler = plain_fn(|parcel: Parcel| async move {
//!     match parcel.number {
//!         0 => std::future::pending().await,
//!         _ => Ok(sleep(Duration::from_secs(2)).await),
//!     }
//! });
//! let consumer = Consumer::plain("parcels".into(), &transport, handler);
//! let consumer = consumer.shutdown_timeout(Duration::from_secs(8));
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(consumer.run(stop.clone()));
//! sleep(Duration::from_secs(1)).await;
//!
//! let since = Instant::now();
//! stop.cancel();
//! let summary = running.await.unwrap();
//! assert!(since.elapsed() <= Duration::from_secs(8));
//! assert_eq!((summary.handled, summary.returned, summary.lost), (2, 1, 0));
//! assert_eq!(queues.depth("parcels"), 1); // Another process can receive it at once.
//! # }
//! ```
//!
//! # Inbox and outbox: one effect, and its messages
//!
//! The transaction of a [`Handler`] records the id of the message in the inbox, so a second
//! delivery changes nothing. A message that it pushes is sent if, and only if, the transaction
//! commits. A delay may have any length: the part beyond SQS's maximum is spent in the outbox.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! #[derive(Serialize, Deserialize)]
//! struct AskAgain {
//!     number: u64,
//! }
//!
//! impl Message for AskAgain {
//!     const KIND: &'static str = "ask-again";
//!
//!     fn destinations(&self) -> Vec<Destination> {
//!         let in_a_week = Duration::from_secs(7 * 24 * 60 * 60);
//!         vec![Destination::queue("reminders").after(in_a_week)]
//!     }
//! }
//!
//! async fn shelve(tx: &mut Tx, parcel: Parcel) -> Result<(), Fault> {
//!     let shelve = sqlx::query("insert into shelf (number) values ($1)");
//!     shelve.bind(parcel.number as i64).execute(&mut **tx).await?;
//!     tx.push(&AskAgain { number: parcel.number })?;
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = sandbox::testing::database("guide").await;
//! # let db = database.pool().await?;
//! # messaging::migrate(&db).await?;
//! # sqlx::query("create table shelf (number bigint)").execute(&db).await?;
//! // The first message is sent twice, because the answer to the first call is an error.
//! let first = AtomicUsize::new(0);
//! let queues = Local::with_faults(move |call| match call {
//!     QueueCall::Send if first.fetch_add(1, SeqCst) == 0 => CallFault::Ambiguous,
//!     _ => CallFault::None,
//! });
//! let runtime = Runtime::new(&db, queues.clone())
//!     .queues(["reminders"])
//!     .handle("parcels", handler_fn(shelve));
//! let outbox = runtime.outbox();
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(runtime.run(stop.clone()));
//!
//! let mut tx = outbox.begin().await?;
//! tx.push(&Parcel { number: 1 })?;
//! tx.commit().await?;
//! # let shelved = async || -> Result<i64, sqlx::Error> {
//! #     sqlx::query_scalar("select count(*) from shelf").fetch_one(&db).await
//! # };
//! # while shelved().await? < 1 {}
//! # tokio::time::sleep(Duration::from_secs(2)).await;
//! stop.cancel();
//! running.await??;
//! assert_eq!(shelved().await?, 1);
//! let waiting = "select count(*) from outbox where kind = 'ask-again'";
//! assert_eq!(sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db).await?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Topology: queues are created or compared, and never changed
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = sqs_local::SqsLocal::start("127.0.0.1:0").await?;
//! let sqs = Sqs::connect(&Settings::endpoint(server.endpoint())).await?;
//! let transport = Transport::from(sqs);
//! let parcels = QueueSpec::new("parcels");
//! transport.ensure(&parcels, Provision::Create).await?;
//!
//! let slower = QueueSpec {
//!     delay: Duration::from_secs(5),
//!     ..parcels
//! };
//! let error = transport.ensure(&slower, Provision::Create).await.unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "the queue `parcels` is not as expected: delay is 0 s, expected 5 s"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Outages: retries and health
//!
//! While a queue is missing or SQS cannot be reached, polls and sends are retried after up to 0.5
//! to 30 s, with jitter. [`Health`] reports it for readiness checks, and one line is logged.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/parcels.rs"));
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = sqs_local::SqsLocal::start("127.0.0.1:0").await?;
//! let sqs = Sqs::connect(&Settings::endpoint(server.endpoint())).await?;
//! let transport = Transport::from(sqs);
//! let health = Health::default();
//! let handler = plain_fn(|_: Parcel| async { Ok(()) });
//! let consumer = Consumer::plain("parcels".into(), &transport, handler);
//! let stop = CancellationToken::new();
//! let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
//! while health.is_healthy() {
//!     sleep(Duration::from_millis(5)).await;
//! }
//! assert!(health.problems()[0].contains("the queue `parcels` does not exist"));
//! // The queue is created.
//! transport.ensure(&QueueSpec::new("parcels"), Provision::Create).await?;
//! while !health.is_healthy() {
//!     sleep(Duration::from_millis(5)).await;
//! }
//! # stop.cancel();
//! # running.await?;
//! # Ok(())
//! # }
//! ```
//!
//! Other examples: dead letters at [`dead_letters`](crate::dead_letters), layers at
//! [`HandlerCall`](crate::HandlerCall), and traces at [`trace`](crate::trace).

#[allow(unused_imports)] // For the links above.
use crate::{ConsumerOptions, Fault, Handler, Health, Message};
