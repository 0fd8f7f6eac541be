//! The fixture of the tests: messages about parcels, their handlers, a database, and helpers.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use messaging::{
    Destination, Fault, Handler, Message, Outbox, QueueSpec, Runtime, Settings, Transport, Tx,
};
use sandbox::testing;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use sqs_local::SqsLocal;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

/// A parcel has arrived.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Arrived {
    pub parcel: i32,
}

/// A parcel was weighed. It goes to the second queue.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Weighed {
    pub parcel: i32,
}

impl Message for Arrived {
    const KIND: &'static str = "parcel-arrived";

    fn destinations(&self) -> Vec<Destination> {
        vec!["parcels".into()]
    }
}

impl Message for Weighed {
    const KIND: &'static str = "parcel-weighed";

    fn destinations(&self) -> Vec<Destination> {
        vec!["weights".into()]
    }
}

/// Records each parcel, and publishes that it was weighed.
pub struct WeighParcels;

impl Handler for WeighParcels {
    type Message = Arrived;

    async fn handle(&self, tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        record(tx, "arrived", arrived.parcel).await?;
        tx.push(&Weighed {
            parcel: arrived.parcel,
        })?;
        Ok(())
    }
}

/// Records each weighed parcel.
pub struct RecordWeights;

impl Handler for RecordWeights {
    type Message = Weighed;

    async fn handle(&self, tx: &mut Tx, weighed: Weighed) -> Result<(), Fault> {
        record(tx, "weighed", weighed.parcel).await?;
        Ok(())
    }
}

/// Inserts a record.
pub async fn record(tx: &mut PgConnection, what: &str, parcel: i32) -> Result<(), sqlx::Error> {
    let insert = "insert into records (what, parcel) values ($1, $2)";
    sqlx::query(insert)
        .bind(what)
        .bind(parcel)
        .execute(tx)
        .await?;
    Ok(())
}

/// A database with the tables `outbox`, `inbox` and `records`.
pub struct Fixture {
    pub db: PgPool,
    pub stop: CancellationToken,
    database: Arc<dyn Any + Send + Sync>,
    url: String,
}

impl Fixture {
    pub async fn new() -> Fixture {
        let database = testing::database("messaging").await;
        let db = database.pool().await.unwrap();
        messaging::migrate(&db).await.unwrap();
        let records = "create table records
                    (position bigint generated always as identity, what text, parcel int)";
        sqlx::query(records).execute(&db).await.unwrap();
        Fixture {
            db,
            stop: CancellationToken::new(),
            url: database.url.clone(),
            database: Arc::new(database),
        }
    }

    /// Opens another pool on the same database.
    pub async fn connect(&self) -> PgPool {
        PgPool::connect(&self.url).await.unwrap()
    }

    /// The address of its database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same fixture with another pool.
    pub fn with(&self, db: PgPool) -> Fixture {
        Fixture {
            db,
            stop: self.stop.clone(),
            database: self.database.clone(),
            url: self.url.clone(),
        }
    }

    /// The parcels of one kind of record, in the order of the inserts.
    pub async fn records(&self, what: &str) -> Vec<i32> {
        let lines = "select parcel from records where what = $1 order by position";
        sqlx::query_scalar(lines)
            .bind(what)
            .fetch_all(&self.db)
            .await
            .unwrap()
    }

    /// The number of rows of a table.
    pub async fn count(&self, table: &'static str) -> i64 {
        let count = match table {
            "outbox" => "select count(*) from outbox",
            "inbox" => "select count(*) from inbox",
            _ => "select count(*) from records",
        };
        sqlx::query_scalar(count).fetch_one(&self.db).await.unwrap()
    }

    /// Ends the leases of all rows, so that any relay sends them.
    pub async fn end_leases(&self) {
        sqlx::query("update outbox set send_at = now()")
            .execute(&self.db)
            .await
            .unwrap();
    }

    /// Pushes messages in one transaction, as a process without a relay.
    pub async fn push<M: Message>(&self, messages: impl IntoIterator<Item = M>) {
        let mut tx = Outbox::new(&self.db).begin().await.unwrap();
        for message in messages {
            tx.push(&message).unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// A service that handles both queues.
pub fn parcel_service(fixture: &Fixture, transport: impl Into<Transport>) -> Runtime {
    Runtime::new(&fixture.db, transport)
        .handle(quick("parcels"), WeighParcels)
        .handle(quick("weights"), RecordWeights)
}

/// A queue with a visibility timeout of 1 s.
pub fn quick(name: &'static str) -> QueueSpec {
    QueueSpec {
        visibility_timeout: Duration::from_secs(1),
        ..QueueSpec::new(name)
    }
}

/// Starts a queue server, and connects to it.
pub async fn sqs() -> (SqsLocal, messaging::Sqs) {
    let server = SqsLocal::start("127.0.0.1:0").await.unwrap();
    let settings = Settings::endpoint(server.endpoint());
    let sqs = messaging::Sqs::connect(&settings).await.unwrap();
    (server, sqs)
}

/// Subscribes to the events and spans of this thread.
///
/// `tracing` caches per place in the code whether a subscriber is interested. With a single
/// subscriber it asks the thread that comes first, which may belong to another test without one. So
/// there is a second, global subscriber, which is interested in nothing.
pub fn subscribe_thread(subscriber: impl Into<tracing::Dispatch>) -> DefaultGuard {
    let disabled = tracing_subscriber::registry().with(LevelFilter::OFF);
    // It fails in all tests but the first.
    let _ = tracing::subscriber::set_global_default(disabled);
    tracing::dispatcher::set_default(&subscriber.into())
}

/// Waits until `condition` holds, for up to a minute.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !condition().await {
        assert!(
            std::time::Instant::now() < deadline,
            "gave up waiting until {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A handler without a database, from a closure.
pub struct PlainClosure<F>(pub F);

impl<F, Fut> messaging::PlainHandler for PlainClosure<F>
where
    F: Fn(i32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send,
{
    type Message = Arrived;
    type Output = ();

    async fn handle(&self, arrived: Arrived) -> Result<(), Fault> {
        (self.0)(arrived.parcel).await
    }
}

/// Creates the queue `parcels` in this process, and a consumer of it.
pub async fn plain_consumer<F, Fut>(local: &messaging::Local, handle: F) -> messaging::Consumer
where
    F: Fn(i32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let transport = Transport::from(local.clone());
    transport
        .ensure(&quick("parcels"), messaging::Provision::Create)
        .await
        .unwrap();
    messaging::Consumer::plain(quick("parcels"), &transport, PlainClosure(handle))
}

/// Publishes parcels, without an outbox.
pub async fn publish(local: &messaging::Local, parcels: impl IntoIterator<Item = i32>) {
    let transport = Transport::from(local.clone());
    for parcel in parcels {
        transport.publish(&Arrived { parcel }).await.unwrap();
    }
}
