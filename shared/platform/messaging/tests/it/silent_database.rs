//! A connection to Postgres that stays open and does not answer.

use std::time::Duration;

use messaging::{Local, RelayOptions, Runtime};
use sandbox::PostgresProxy;
use sqlx::PgPool;

use crate::world::{Brought, World, quick, until};

#[tokio::test]
async fn a_connection_that_does_not_answer_does_not_hold_up_the_relay() {
    let world = World::new().await;
    let proxy = PostgresProxy::start(world.url()).await.unwrap();
    let db = PgPool::connect(proxy.url()).await.unwrap();
    proxy.delay_answer("select exists", Duration::from_secs(600));
    let impatient = RelayOptions {
        answer_timeout: Duration::from_millis(200),
        ..RelayOptions::default()
    };
    let service = Runtime::new(&db, Local::new())
        .queues([quick("parcels")])
        .relay_options(impatient);
    let running = tokio::spawn(service.run(world.stop.clone()));

    until("it has asked again", async || proxy.acted() > 1).await;
    proxy.heal();
    world.push([Brought { parcel: 1 }]).await;
    world.end_leases().await;
    until("it sends", async || world.count("outbox").await == 0).await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
}
