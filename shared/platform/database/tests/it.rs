//! Connections over a network that misbehaves, on a real Postgres.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use sandbox::postgres::Lease;
use sandbox::{PostgresProxy, testing};
use sqlx::{AssertSqlSafe, Connection, PgPool};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(600);
const SIZE: u32 = 4;

/// A pool of [`SIZE`] by way of a proxy, and a table to write into.
struct World {
    db: PgPool,
    proxy: PostgresProxy,
    database: Lease,
}

impl World {
    async fn new() -> World {
        let database = testing::database("connections").await;
        let proxy = PostgresProxy::start(&database.url).await.unwrap();
        let options = proxy.url().parse().unwrap();
        let world = World {
            db: database::connect(options, SIZE).await.unwrap(),
            proxy,
            database,
        };
        world.direct("create table notes (n int)").await;
        world
    }

    /// Does a statement without the proxy.
    async fn direct(&self, sql: &str) {
        let mut connection = self.database.connect().await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        done.execute(&mut connection).await.unwrap();
    }

    /// Counts without the proxy.
    async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.database.connect().await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    async fn in_transaction(&self) -> i64 {
        let others = "select count(*) from pg_stat_activity where datname = current_database()
                      and pid <> pg_backend_pid() and state like 'idle in transaction%'";
        self.count(others).await
    }

    /// Starts `work`, and drops it as soon as the proxy holds an answer back.
    async fn drop_when_held<T>(&self, work: impl Future<Output = T>) {
        tokio::select! {
            _ = work => panic!("it was not held back"),
            () = until("an answer is held", async || self.proxy.held() > 0) => {}
        }
    }

    /// No connection is in a transaction, and an autocommit write on each of the pool is durable.
    async fn is_sound(&self) {
        let whole = async || self.db.num_idle() == self.db.size() as usize;
        until("all are given back or closed", whole).await;
        until("no transaction is open", async || {
            self.in_transaction().await == 0
        })
        .await;
        let before = self.count("select count(*) from notes").await;
        let mut all = vec![];
        for _ in 0..SIZE {
            all.push(database::lend(&self.db).await.unwrap());
        }
        for connection in &mut all {
            note(connection).await.unwrap();
        }
        drop(all);
        let after = self.count("select count(*) from notes").await;
        assert_eq!(
            after - before,
            i64::from(SIZE),
            "acknowledged, and not there"
        );
    }
}

async fn note(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("insert into notes (n) values (1)");
    insert.execute(connection).await.map(drop)
}

/// For up to half a minute: after a whole one Postgres ends an idle transaction by itself.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "gave up waiting until {what}");
}

#[tokio::test]
async fn a_begin_that_is_dropped_is_never_lent_again() {
    let world = World::new().await;
    world.proxy.delay_answer("begin", LONG);
    world.drop_when_held(database::begin(&world.db)).await;
    world.proxy.heal();
    world.is_sound().await;
}

#[tokio::test]
async fn a_dropped_statement_of_a_transaction_rolls_it_back() {
    let world = World::new().await;
    world.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut tx = database::begin(&world.db).await.unwrap();
        note(&mut tx).await.unwrap();
    };
    world.drop_when_held(writing).await;
    world.proxy.heal();
    until("it is rolled back", async || {
        world.in_transaction().await == 0
    })
    .await;
    assert_eq!(world.count("select count(*) from notes").await, 0);
    world.is_sound().await;
}

#[tokio::test]
async fn a_dropped_commit_leaves_no_transaction() {
    let world = World::new().await;
    world.proxy.delay_answer("commit", LONG);
    let writing = async {
        let mut tx = database::begin(&world.db).await.unwrap();
        note(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    world.drop_when_held(writing).await;
    assert_eq!(world.count("select count(*) from notes").await, 1);
    world.proxy.heal();
    world.is_sound().await;
}

#[tokio::test]
async fn a_dropped_statement_of_its_own_leaves_no_answer_behind() {
    let world = World::new().await;
    world.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut connection = database::lend(&world.db).await.unwrap();
        note(&mut connection).await.unwrap();
    };
    world.drop_when_held(writing).await;
    world.proxy.heal();
    world.is_sound().await;
}

#[tokio::test]
async fn a_connection_that_never_answers_is_closed_and_the_pool_is_whole() {
    let world = World::new().await;
    world.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut connection = database::lend(&world.db).await.unwrap();
        note(&mut connection).await.unwrap();
    };
    world.drop_when_held(writing).await;
    // The answer stays away; the connection does not stay with it.
    until("it is closed", async || world.db.size() == 0).await;
    world.proxy.heal();
    world.is_sound().await;
}

#[tokio::test]
async fn half_open_and_cut_connections_are_replaced() {
    let world = World::new().await;
    world.is_sound().await;
    world.proxy.half_open();
    for _ in 0..SIZE {
        let mut connection = database::lend(&world.db).await.unwrap();
        let unanswered = timeout(Duration::from_millis(50), note(&mut connection)).await;
        assert!(unanswered.is_err(), "{unanswered:?}");
    }
    until("they are closed", async || world.db.size() == 0).await;
    world.is_sound().await;
    world.proxy.cut();
    for _ in 0..SIZE {
        let mut connection = database::lend(&world.db).await.unwrap();
        assert!(note(&mut connection).await.is_err());
    }
    world.is_sound().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_an_error_and_may_have_happened() {
    let world = World::new().await;
    world.proxy.lose_answer("commit");
    let mut tx = database::begin(&world.db).await.unwrap();
    note(&mut tx).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(database::is_transient(&error), "{error}");
    world.proxy.heal();
    until("it arrives", async || {
        world.count("select count(*) from notes").await == 1
    })
    .await;
    world.is_sound().await;
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_with_all_its_savepoints() {
    let world = World::new().await;
    let mut tx = database::begin(&world.db).await.unwrap();
    note(&mut tx).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a savepoint, leaked as nothing should"
    )]
    let savepoint = tx.begin().await.unwrap();
    std::mem::forget(savepoint);
    drop(tx);
    world.is_sound().await;
}

#[tokio::test]
async fn a_transaction_that_a_dropped_savepoint_ended_does_not_commit() {
    let world = World::new().await;
    let mut tx = database::begin(&world.db).await.unwrap();
    note(&mut tx).await.unwrap();
    world.proxy.delay_answer("savepoint", LONG);
    #[expect(clippy::disallowed_methods, reason = "a savepoint, dropped half-way")]
    world.drop_when_held(tx.begin()).await;
    world.proxy.heal();
    assert!(tx.commit().await.is_err());
    assert_eq!(world.count("select count(*) from notes").await, 0);
    world.is_sound().await;
}

#[tokio::test]
async fn a_wait_for_a_lock_ends_and_may_be_tried_again() {
    let world = World::new().await;
    let mut holder = world.database.connect().await.unwrap();
    sqlx::raw_sql("begin; lock table notes")
        .execute(&mut holder)
        .await
        .unwrap();
    let mut tx = database::begin(&world.db).await.unwrap();
    let error = note(&mut tx).await.unwrap_err();
    assert!(database::is_transient(&error), "{error}");
    drop(tx);
    sqlx::raw_sql("rollback")
        .execute(&mut holder)
        .await
        .unwrap();
    world.is_sound().await;
}

#[tokio::test]
async fn time_outs_are_set_and_the_address_comes_before_them() {
    let database = testing::database("timeouts").await;
    let show = async |url: &str, limited: bool| -> String {
        let options = url.parse().unwrap();
        let shown = "select concat_ws(' ', current_setting('lock_timeout'),
                     current_setting('statement_timeout'),
                     current_setting('idle_in_transaction_session_timeout'))";
        if limited {
            let db = database::connect(options, 1).await.unwrap();
            let mut connection = database::lend(&db).await.unwrap();
            return sqlx::query_scalar(shown)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        }
        let mut connection = database::connect_for_migrations(&options).await.unwrap();
        sqlx::query_scalar(shown)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    };
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let own = format!("{}{separator}options[lock_timeout]=5s", database.url);
    assert_eq!(show(&database.url, true).await, "2s 10s 1min");
    assert_eq!(show(&own, true).await, "5s 10s 1min");
    assert_eq!(show(&own, false).await, "0 0 0");
}
