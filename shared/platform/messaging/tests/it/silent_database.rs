//! A connection to Postgres that stays open and does not answer.

use std::time::Duration;

use messaging::{Local, RelayOptions, Runtime};
use sandbox::PostgresProxy;
use sqlx::PgPool;

use crate::fixture::{Arrived, Fixture, quick, until};

#[tokio::test]
async fn a_connection_that_does_not_answer_does_not_hold_up_the_relay() {
    let fixture = Fixture::new().await;
    let proxy = PostgresProxy::start(fixture.url()).await.unwrap();
    let db = PgPool::connect(proxy.url()).await.unwrap();
    proxy.delay_answer("select exists", Duration::from_secs(600));
    let options = RelayOptions {
        answer_timeout: Duration::from_millis(200),
        ..RelayOptions::default()
    };
    let service = Runtime::new(&db, Local::new())
        .queues([quick("parcels")])
        .relay_options(options);
    let running = tokio::spawn(service.run(fixture.stop.clone()));

    until("it has tried again", async || proxy.acted() > 1).await;
    proxy.heal();
    fixture.push([Arrived { parcel: 1 }]).await;
    fixture.end_leases().await;
    until("it sends", async || fixture.count("outbox").await == 0).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}
