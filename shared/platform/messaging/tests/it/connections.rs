//! The connection of a consumer, which returns to the pool when the consumer is idle.

use std::time::Duration;

use messaging::{Local, Runtime};
use sqlx::postgres::PgPoolOptions;

use crate::fixture::{Arrived, Fixture, RecordWeights, WeighParcels, Weighed, quick, until};

async fn one_connection(fixture: &Fixture) -> Fixture {
    let options = fixture.db.connect_options();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10));
    fixture.with(pool.connect_with((*options).clone()).await.unwrap())
}

#[tokio::test]
async fn two_consumers_and_a_relay_share_one_connection() {
    let fixture = Fixture::new().await;
    let small = one_connection(&fixture).await;
    let local = Local::new();
    let service = Runtime::new(&small.db, local.clone())
        .handle(quick("parcels"), WeighParcels)
        .handle(quick("weights"), RecordWeights);
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push((0..40).map(|parcel| Arrived { parcel })).await;
    until("all are weighed", async || {
        fixture.records("weighed").await.len() == 40
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_consumer_returns_its_connection() {
    let fixture = Fixture::new().await;
    let small = one_connection(&fixture).await;
    let local = Local::new();
    let service = Runtime::new(&small.db, local.clone()).handle(quick("weights"), RecordWeights);
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push([Weighed { parcel: 1 }]).await;
    until("it is weighed", async || {
        fixture.records("weighed").await == [1]
    })
    .await;
    let acquired = small.db.acquire().await;
    assert!(
        acquired.is_ok(),
        "it kept the connection: {:?}",
        acquired.err()
    );
    drop(acquired);
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}
