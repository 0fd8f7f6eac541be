//! Each fault of the proxy, on a real server.

use std::time::Duration;

use sandbox::postgres::Lease;
use sandbox::{Direction, PostgresProxy, testing};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, timeout};

const LONG: Duration = Duration::from_secs(600);

async fn proxy() -> (PostgresProxy, Lease) {
    let database = testing::database("proxy").await;
    let proxy = PostgresProxy::start(&database.url).await.unwrap();
    (proxy, database)
}

async fn query(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("select 1").fetch_one(connection).await
}

/// Waits until `condition` holds, for up to a minute.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), waiting).await.unwrap();
}

async fn backends(database: &Lease, state: &str) -> i64 {
    let others = "select count(*) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid() and state = $1";
    let mut connection = database.connect().await.unwrap();
    let count = sqlx::query_scalar(others).bind(state);
    count.fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_healthy_proxy_changes_nothing() {
    let (proxy, _database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    assert_eq!(query(&mut connection).await.unwrap(), 1);
    assert_eq!(proxy.connections(), 1);
    connection.close().await.unwrap();
    until(async || proxy.connections() == 0).await;
}

#[tokio::test]
async fn bytes_are_delayed_in_either_direction() {
    let (proxy, _database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    query(&mut connection).await.unwrap();
    for direction in [Direction::ToServer, Direction::ToClient] {
        proxy.delay(direction, Duration::from_millis(100));
        let since = Instant::now();
        query(&mut connection).await.unwrap();
        assert!(since.elapsed() >= Duration::from_millis(100));
        proxy.heal();
    }
}

#[tokio::test]
async fn the_answer_to_a_statement_is_held_back_until_healed() {
    let (proxy, database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    proxy.delay_answer("BEGIN", LONG);
    proxy.delay_answer("select 1", LONG);
    let querying = tokio::spawn(async move {
        sqlx::raw_sql("begin").execute(&mut connection).await?;
        query(&mut connection).await
    });

    until(async || proxy.held() == 1).await;
    assert_eq!(backends(&database, "idle in transaction").await, 1);
    proxy.heal();
    assert_eq!(querying.await.unwrap().unwrap(), 1);
    assert_eq!((proxy.held(), proxy.acted()), (0, 1));
}

#[tokio::test]
async fn a_prepared_statement_is_recognised_by_its_text() {
    let (proxy, _database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    query(&mut connection).await.unwrap();
    proxy.cut_at("SELECT 1");
    assert!(query(&mut connection).await.is_err());
    assert_eq!(proxy.acted(), 1);
}

#[tokio::test]
async fn a_statement_whose_answer_is_lost_has_run() {
    let (proxy, database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    proxy.lose_answer("create table");
    let created = sqlx::raw_sql("create table made (n int)").execute(&mut connection);
    assert!(created.await.is_err());
    let made = "select to_regclass('made') is not null";
    let mut other = database.connect().await.unwrap();
    let made: bool = sqlx::query_scalar(made)
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert!(made);
}

#[tokio::test]
async fn a_cut_resets_both_ends_and_new_connections_work() {
    let (proxy, database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    query(&mut connection).await.unwrap();
    proxy.cut();
    assert!(query(&mut connection).await.is_err());
    until(async || backends(&database, "idle").await == 0).await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    assert_eq!(query(&mut connection).await.unwrap(), 1);
}

#[tokio::test]
async fn a_half_open_connection_ends_for_the_server_only() {
    let (proxy, database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    query(&mut connection).await.unwrap();
    proxy.half_open();
    until(async || backends(&database, "idle").await == 0).await;
    let answer = timeout(Duration::from_millis(200), query(&mut connection)).await;
    assert!(answer.is_err(), "the client must see nothing: {answer:?}");
    proxy.cut();
    assert!(query(&mut connection).await.is_err());
}

#[tokio::test]
async fn a_blackhole_lets_nothing_through_and_loses_nothing() {
    let (proxy, _database) = proxy().await;
    let mut connection = PgConnection::connect(proxy.url()).await.unwrap();
    query(&mut connection).await.unwrap();
    proxy.blackhole();
    let mut querying = tokio::spawn(async move { query(&mut connection).await });
    let answer = timeout(Duration::from_millis(200), &mut querying).await;
    assert!(answer.is_err(), "nothing may come through: {answer:?}");
    proxy.heal();
    assert_eq!(querying.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn refused_connections_end_at_once() {
    let (proxy, _database) = proxy().await;
    proxy.refuse();
    assert!(PgConnection::connect(proxy.url()).await.is_err());
    proxy.heal();
    assert!(PgConnection::connect(proxy.url()).await.is_ok());
}
