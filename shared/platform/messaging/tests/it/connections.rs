//! A consumer that has nothing to do holds no connection.

use std::time::Duration;

use messaging::{Local, Runtime};
use sqlx::postgres::PgPoolOptions;

use crate::world::{Brought, Remember, Weigh, Weighed, World, quick, until};

async fn one_connection(world: &World) -> World {
    let options = world.db.connect_options();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10));
    world.with(pool.connect_with((*options).clone()).await.unwrap())
}

#[tokio::test]
async fn two_consumers_and_a_relay_share_one_connection() {
    let world = World::new().await;
    let small = one_connection(&world).await;
    let local = Local::new();
    let service = Runtime::new(&small.db, local.clone())
        .handle(quick("parcels"), Weigh)
        .handle(quick("weights"), Remember);
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((0..40).map(|parcel| Brought { parcel })).await;
    until("all are weighed", async || {
        world.book("weighed").await.len() == 40
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_consumer_at_rest_leaves_its_connection_to_others() {
    let world = World::new().await;
    let small = one_connection(&world).await;
    let local = Local::new();
    let service = Runtime::new(&small.db, local.clone()).handle(quick("weights"), Remember);
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push([Weighed { parcel: 1 }]).await;
    until("it is weighed", async || world.book("weighed").await == [1]).await;
    let acquired = small.db.acquire().await;
    assert!(
        acquired.is_ok(),
        "it kept the connection: {:?}",
        acquired.err()
    );
    drop(acquired);
    world.stop.cancel();
    running.await.unwrap().unwrap();
}
