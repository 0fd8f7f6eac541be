//! A parcel office: what the tests send, how they handle it, and how they wait.

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

/// A parcel was brought.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Brought {
    pub parcel: i32,
}

/// A parcel was weighed; the second queue hears of it, too.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Weighed {
    pub parcel: i32,
}

impl Message for Brought {
    const KIND: &'static str = "parcel-brought";

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

/// Writes each parcel down, and tells that it was weighed.
pub struct Weigh;

impl Handler for Weigh {
    type Message = Brought;

    async fn handle(&self, tx: &mut Tx, brought: Brought) -> Result<(), Fault> {
        note(tx, "brought", brought.parcel).await?;
        tx.push(&Weighed {
            parcel: brought.parcel,
        })?;
        Ok(())
    }
}

/// Writes down what was weighed.
pub struct Remember;

impl Handler for Remember {
    type Message = Weighed;

    async fn handle(&self, tx: &mut Tx, weighed: Weighed) -> Result<(), Fault> {
        note(tx, "weighed", weighed.parcel).await?;
        Ok(())
    }
}

/// One line in the book.
pub async fn note(tx: &mut PgConnection, what: &str, parcel: i32) -> Result<(), sqlx::Error> {
    let insert = "insert into book (what, parcel) values ($1, $2)";
    sqlx::query(insert)
        .bind(what)
        .bind(parcel)
        .execute(tx)
        .await?;
    Ok(())
}

/// A database with the outbox, the inbox and the book.
pub struct World {
    pub db: PgPool,
    pub stop: CancellationToken,
    database: Arc<dyn Any + Send + Sync>,
    url: String,
}

impl World {
    pub async fn new() -> World {
        let database = testing::database("messaging").await;
        let db = database.pool().await.unwrap();
        messaging::migrate(&db).await.unwrap();
        let book = "create table book
                    (position bigint generated always as identity, what text, parcel int)";
        sqlx::query(book).execute(&db).await.unwrap();
        World {
            db,
            stop: CancellationToken::new(),
            url: database.url.clone(),
            database: Arc::new(database),
        }
    }

    /// Other connections to the same database.
    pub async fn connect(&self) -> PgPool {
        PgPool::connect(&self.url).await.unwrap()
    }

    /// Where its database is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same world through these connections.
    pub fn with(&self, db: PgPool) -> World {
        World {
            db,
            stop: self.stop.clone(),
            database: self.database.clone(),
            url: self.url.clone(),
        }
    }

    /// The lines of one sort, in the order written.
    pub async fn book(&self, what: &str) -> Vec<i32> {
        let lines = "select parcel from book where what = $1 order by position";
        sqlx::query_scalar(lines)
            .bind(what)
            .fetch_all(&self.db)
            .await
            .unwrap()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let count = match table {
            "outbox" => "select count(*) from outbox",
            "inbox" => "select count(*) from inbox",
            _ => "select count(*) from book",
        };
        sqlx::query_scalar(count).fetch_one(&self.db).await.unwrap()
    }

    /// As if the time were over that a relay leaves rows to the process that wrote them.
    pub async fn end_leases(&self) {
        sqlx::query("update outbox set send_at = now()")
            .execute(&self.db)
            .await
            .unwrap();
    }

    /// Pushes messages in one transaction of another process, which runs no relay.
    pub async fn push<M: Message>(&self, messages: impl IntoIterator<Item = M>) {
        let mut tx = Outbox::new(&self.db).begin().await.unwrap();
        for message in messages {
            tx.push(&message).unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// The whole office on one transport.
pub fn office(world: &World, transport: impl Into<Transport>) -> Runtime {
    Runtime::new(&world.db, transport)
        .handle(quick("parcels"), Weigh)
        .handle(quick("weights"), Remember)
}

/// A queue whose messages come back soon when nobody holds them.
pub fn quick(name: &'static str) -> QueueSpec {
    QueueSpec {
        visibility_timeout: Duration::from_secs(1),
        ..QueueSpec::new(name)
    }
}

pub async fn sqs() -> (SqsLocal, messaging::Sqs) {
    let server = SqsLocal::start("127.0.0.1:0").await.unwrap();
    let settings = Settings::endpoint(server.endpoint());
    let sqs = messaging::Sqs::connect(&settings).await.unwrap();
    (server, sqs)
}

/// Has `subscriber` hear what this thread says. For each place in the code `tracing` remembers
/// whether anybody listens, and while there is one subscriber alone it asks the thread that comes
/// by first: another test's, perhaps, that has none. So there is a second one, which wants nothing.
pub fn listen(subscriber: impl Into<tracing::Dispatch>) -> DefaultGuard {
    let nothing = tracing_subscriber::registry().with(LevelFilter::OFF);
    // All tests after the first find it there.
    let _ = tracing::subscriber::set_global_default(nothing);
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

/// A handler without a database, made of a closure.
pub struct Plainly<F>(pub F);

impl<F, Fut> messaging::PlainHandler for Plainly<F>
where
    F: Fn(i32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send,
{
    type Message = Brought;
    type Output = ();

    async fn handle(&self, brought: Brought) -> Result<(), Fault> {
        (self.0)(brought.parcel).await
    }
}

/// A consumer of `parcels` in this process, and its queue.
pub async fn plainly<F, Fut>(local: &messaging::Local, handle: F) -> messaging::Consumer
where
    F: Fn(i32) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let transport = Transport::from(local.clone());
    transport
        .ensure(&quick("parcels"), messaging::Provision::Create)
        .await
        .unwrap();
    messaging::Consumer::plain(quick("parcels"), &transport, Plainly(handle))
}

/// Puts parcels into the queue, without an outbox.
pub async fn bring(local: &messaging::Local, parcels: impl IntoIterator<Item = i32>) {
    let transport = Transport::from(local.clone());
    for parcel in parcels {
        transport.publish(&Brought { parcel }).await.unwrap();
    }
}
