//! Cancellations of a handler while its transaction begins: none may leave a transaction open.

use std::time::Duration;

use messaging::{CallFault, Error, Local, QueueCall, Runtime, ShutdownSummary};
use sandbox::PostgresProxy;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, RecordWeights, WeighParcels, publish, quick, record, until};

const SIZE: u32 = 4;
const LONG: Duration = Duration::from_secs(600);

/// A consumer whose database is behind a proxy.
struct WaitingService {
    fixture: Fixture,
    proxy: PostgresProxy,
    db: PgPool,
    stop: CancellationToken,
    running: JoinHandle<Result<ShutdownSummary, Error>>,
}

impl WaitingService {
    /// Starts a service whose handler waits for the answer to `begin`.
    async fn start(local: &Local, parcels: i32, shutdown: Duration) -> WaitingService {
        let fixture = Fixture::new().await;
        let proxy = PostgresProxy::start(fixture.url()).await.unwrap();
        let pool = PgPoolOptions::new().max_connections(SIZE);
        let db = pool.connect(proxy.url()).await.unwrap();
        proxy.delay_answer("begin", LONG);
        create_and_publish(local, parcels).await;
        let service = Runtime::new(&db, local.clone())
            .shutdown_timeout(shutdown)
            .handle(quick("parcels"), WeighParcels)
            .handle(quick("weights"), RecordWeights);
        let stop = CancellationToken::new();
        let running = tokio::spawn(service.run(stop.clone()));
        // The `begin` of the relay and that of the handler.
        until("both begin", async || proxy.held() == 2).await;
        WaitingService {
            fixture,
            proxy,
            db,
            stop,
            running,
        }
    }

    /// Waits until the handler's connection is closed. The relay's stays open.
    async fn connection_closed(&self) {
        until("it is closed", async || self.proxy.held() < 2).await;
    }

    /// Asserts that no connection is in a transaction, and that writes on each commit by
    /// themselves.
    async fn assert_recovered(self) {
        self.proxy.heal();
        let open = "select count(*) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid()
                      and state like 'idle in transaction%'
                      and state_change < now() - interval '200 ms'";
        let open = async || -> bool {
            let open = sqlx::query_scalar::<_, i64>(open);
            open.fetch_one(&self.fixture.db).await.unwrap() == 0
        };
        until("no transaction is open", open).await;
        let mut all = vec![];
        for _ in 0..SIZE {
            all.push(self.db.acquire().await.unwrap());
        }
        for connection in &mut all {
            record(connection, "by itself", 1).await.unwrap();
        }
        drop(all);
        self.running.abort();
        self.db.close().await;
        assert_eq!(self.fixture.records("by itself").await.len(), SIZE as usize);
    }
}

async fn create_and_publish(local: &Local, parcels: i32) {
    let transport = messaging::Transport::from(local.clone());
    transport
        .ensure(&quick("parcels"), messaging::Provision::Create)
        .await
        .unwrap();
    publish(local, 0..parcels).await;
}

#[tokio::test]
async fn a_lost_lease_leaves_no_transaction_open() {
    let local = Local::with_faults(|call| match call {
        QueueCall::ChangeVisibility => CallFault::Stale,
        _ => CallFault::None,
    });
    let service = WaitingService::start(&local, 1, LONG).await;
    service.connection_closed().await;
    service.assert_recovered().await;
}

#[tokio::test]
async fn a_batch_that_takes_too_long_leaves_no_transaction_open() {
    let service = WaitingService::start(&Local::new(), 10, LONG).await;
    // After 10 s each message gets its own transaction.
    until("the batch is given up", async || service.proxy.acted() > 2).await;
    service.assert_recovered().await;
}

#[tokio::test]
async fn a_stop_that_is_over_leaves_no_transaction_open() {
    let service = WaitingService::start(&Local::new(), 1, Duration::from_secs(1)).await;
    service.stop.cancel();
    until("it has stopped", async || service.running.is_finished()).await;
    service.assert_recovered().await;
}

#[tokio::test]
async fn an_aborted_service_leaves_no_transaction_open() {
    let service = WaitingService::start(&Local::new(), 1, LONG).await;
    service.running.abort();
    until("it has ended", async || service.running.is_finished()).await;
    service.assert_recovered().await;
}
