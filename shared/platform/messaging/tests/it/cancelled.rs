//! What ends a handler from outside, while its transaction begins.

use std::time::Duration;

use messaging::{CallFault, Error, Local, QueueCall, Runtime, ShutdownSummary};
use sandbox::PostgresProxy;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Remember, Weigh, World, bring, note, quick, until};

const SIZE: u32 = 4;
const LONG: Duration = Duration::from_secs(600);

/// A consumer whose database is behind a proxy.
struct Office {
    world: World,
    proxy: PostgresProxy,
    db: PgPool,
    stop: CancellationToken,
    running: JoinHandle<Result<ShutdownSummary, Error>>,
}

impl Office {
    /// With parcels in the queue, whose handler waits for the answer to `begin`.
    async fn waiting(local: &Local, parcels: i32, shutdown: Duration) -> Office {
        let world = World::new().await;
        let proxy = PostgresProxy::start(world.url()).await.unwrap();
        let pool = PgPoolOptions::new().max_connections(SIZE);
        let db = pool.connect(proxy.url()).await.unwrap();
        proxy.delay_answer("begin", LONG);
        bring_to(local, parcels).await;
        let service = Runtime::new(&db, local.clone())
            .shutdown_timeout(shutdown)
            .handle(quick("parcels"), Weigh)
            .handle(quick("weights"), Remember);
        let stop = CancellationToken::new();
        let running = tokio::spawn(service.run(stop.clone()));
        // The relay's and the handler's.
        until("both begin", async || proxy.held() == 2).await;
        Office {
            world,
            proxy,
            db,
            stop,
            running,
        }
    }

    /// Waits until the handler's connection is closed, and not the relay's.
    async fn thrown_away(&self) {
        until("it is closed", async || self.proxy.held() < 2).await;
    }

    /// No connection is in a transaction, and what any of them writes by itself is there.
    async fn ends_sound(self) {
        self.proxy.heal();
        let open = "select count(*) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid()
                      and state like 'idle in transaction%'
                      and state_change < now() - interval '200 ms'";
        let open = async || -> bool {
            let open = sqlx::query_scalar::<_, i64>(open);
            open.fetch_one(&self.world.db).await.unwrap() == 0
        };
        until("no transaction is open", open).await;
        let mut all = vec![];
        for _ in 0..SIZE {
            all.push(self.db.acquire().await.unwrap());
        }
        for connection in &mut all {
            note(connection, "by itself", 1).await.unwrap();
        }
        drop(all);
        self.running.abort();
        self.db.close().await;
        assert_eq!(self.world.book("by itself").await.len(), SIZE as usize);
    }
}

async fn bring_to(local: &Local, parcels: i32) {
    let transport = messaging::Transport::from(local.clone());
    transport
        .ensure(&quick("parcels"), messaging::Provision::Create)
        .await
        .unwrap();
    bring(local, 0..parcels).await;
}

#[tokio::test]
async fn a_lost_lease_leaves_no_transaction_open() {
    let local = Local::with_faults(|call| match call {
        QueueCall::ChangeVisibility => CallFault::Stale,
        _ => CallFault::None,
    });
    let office = Office::waiting(&local, 1, LONG).await;
    office.thrown_away().await;
    office.ends_sound().await;
}

#[tokio::test]
async fn a_batch_that_takes_too_long_leaves_no_transaction_open() {
    let office = Office::waiting(&Local::new(), 10, LONG).await;
    // After ten seconds each message has a transaction of its own.
    until("the batch is given up", async || office.proxy.acted() > 2).await;
    office.ends_sound().await;
}

#[tokio::test]
async fn a_stop_that_is_over_leaves_no_transaction_open() {
    let office = Office::waiting(&Local::new(), 1, Duration::from_secs(1)).await;
    office.stop.cancel();
    until("it has stopped", async || office.running.is_finished()).await;
    office.ends_sound().await;
}

#[tokio::test]
async fn an_aborted_service_leaves_no_transaction_open() {
    let office = Office::waiting(&Local::new(), 1, LONG).await;
    office.running.abort();
    until("it has ended", async || office.running.is_finished()).await;
    office.ends_sound().await;
}
