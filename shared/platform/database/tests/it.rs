//! Connections over a faulty network, on a real Postgres.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use sandbox::postgres::Lease;
use sandbox::{Direction, PostgresProxy, testing};
use sqlx::{AssertSqlSafe, Connection, PgPool};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(600);
const SIZE: u32 = 4;

/// A pool of [`SIZE`] connections through a proxy, and a table to write into.
struct Fixture {
    db: PgPool,
    proxy: PostgresProxy,
    database: Lease,
}

impl Fixture {
    async fn new() -> Fixture {
        let database = testing::database("connections").await;
        let proxy = PostgresProxy::start(&database.url).await.unwrap();
        let options = proxy.url().parse().unwrap();
        let fixture = Fixture {
            db: database::connect(options, SIZE).await.unwrap(),
            proxy,
            database,
        };
        fixture.direct("create table notes (n int)").await;
        fixture
    }

    /// Runs a statement without the proxy.
    async fn direct(&self, sql: &str) {
        let mut connection = self.database.connect().await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        done.execute(&mut connection).await.unwrap();
    }

    /// Returns the count of a query, without the proxy.
    async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.database.connect().await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// The number of connections that are idle in a transaction.
    async fn in_transaction(&self) -> i64 {
        let others = "select count(*) from pg_stat_activity where datname = current_database()
                      and pid <> pg_backend_pid() and state like 'idle in transaction%'";
        self.count(others).await
    }

    /// Starts `work`, and drops it as soon as the proxy holds back an answer.
    async fn drop_when_held<T>(&self, work: impl Future<Output = T>) {
        tokio::select! {
            _ = work => panic!("it was not held back"),
            () = until("an answer is held", async || self.proxy.held() > 0) => {}
        }
    }

    /// Asserts that no connection is in a transaction, and that a write on each connection of the
    /// pool commits by itself.
    async fn assert_recovered(&self) {
        let whole = async || self.db.num_idle() == self.db.size() as usize;
        until("all are returned or closed", whole).await;
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
            insert_note(connection).await.unwrap();
        }
        drop(all);
        let after = self.count("select count(*) from notes").await;
        assert_eq!(
            after - before,
            i64::from(SIZE),
            "a write was acknowledged and then lost"
        );
    }
}

async fn insert_note(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("insert into notes (n) values (1)");
    insert.execute(connection).await.map(drop)
}

/// Waits for up to 30 s: after 60 s Postgres would end an idle transaction by itself.
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
    let fixture = Fixture::new().await;
    fixture.proxy.delay_answer("begin", LONG);
    fixture.drop_when_held(database::begin(&fixture.db)).await;
    fixture.proxy.heal();
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_dropped_statement_of_a_transaction_rolls_it_back() {
    let fixture = Fixture::new().await;
    fixture.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut tx = database::begin(&fixture.db).await.unwrap();
        insert_note(&mut tx).await.unwrap();
    };
    fixture.drop_when_held(writing).await;
    fixture.proxy.heal();
    until("it is rolled back", async || {
        fixture.in_transaction().await == 0
    })
    .await;
    assert_eq!(fixture.count("select count(*) from notes").await, 0);
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_dropped_commit_leaves_no_transaction() {
    let fixture = Fixture::new().await;
    fixture.proxy.delay_answer("commit", LONG);
    let writing = async {
        let mut tx = database::begin(&fixture.db).await.unwrap();
        insert_note(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    fixture.drop_when_held(writing).await;
    assert_eq!(fixture.count("select count(*) from notes").await, 1);
    fixture.proxy.heal();
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_dropped_statement_of_its_own_leaves_no_answer_behind() {
    let fixture = Fixture::new().await;
    fixture.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut connection = database::lend(&fixture.db).await.unwrap();
        insert_note(&mut connection).await.unwrap();
    };
    fixture.drop_when_held(writing).await;
    fixture.proxy.heal();
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_connection_that_never_answers_is_closed_and_replaced() {
    let fixture = Fixture::new().await;
    fixture.proxy.delay_answer("insert into notes", LONG);
    let writing = async {
        let mut connection = database::lend(&fixture.db).await.unwrap();
        insert_note(&mut connection).await.unwrap();
    };
    fixture.drop_when_held(writing).await;
    // The answer never arrives, so the connection is closed after `RETURN_TIMEOUT`.
    until("it is closed", async || fixture.db.size() == 0).await;
    fixture.proxy.heal();
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_connection_that_opens_too_late_for_its_caller_is_lent_to_a_later_one() {
    let fixture = Fixture::new().await;
    database::lend(&fixture.db).await.unwrap().close_now();
    // A connection needs at least four answers to open.
    let slow = Duration::from_millis(1_100);
    fixture.proxy.delay(Direction::ToClient, slow);
    let too_late = database::lend(&fixture.db).await;
    assert!(matches!(too_late, Err(sqlx::Error::PoolTimedOut)));
    until("it is open", async || fixture.db.num_idle() == 1).await;
    assert!(database::lend(&fixture.db).await.is_ok());
    fixture.proxy.heal();
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn half_open_and_cut_connections_are_replaced() {
    let fixture = Fixture::new().await;
    fixture.assert_recovered().await;
    fixture.proxy.half_open();
    for _ in 0..SIZE {
        let mut connection = database::lend(&fixture.db).await.unwrap();
        let unanswered = timeout(Duration::from_millis(50), insert_note(&mut connection)).await;
        assert!(unanswered.is_err(), "{unanswered:?}");
    }
    until("they are closed", async || fixture.db.size() == 0).await;
    fixture.assert_recovered().await;
    fixture.proxy.cut();
    for _ in 0..SIZE {
        let mut connection = database::lend(&fixture.db).await.unwrap();
        assert!(insert_note(&mut connection).await.is_err());
    }
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_an_error_and_may_have_happened() {
    let fixture = Fixture::new().await;
    fixture.proxy.lose_answer("commit");
    let mut tx = database::begin(&fixture.db).await.unwrap();
    insert_note(&mut tx).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(database::is_transient(&error), "{error}");
    fixture.proxy.heal();
    until("it arrives", async || {
        fixture.count("select count(*) from notes").await == 1
    })
    .await;
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_with_all_its_savepoints() {
    let fixture = Fixture::new().await;
    let mut tx = database::begin(&fixture.db).await.unwrap();
    insert_note(&mut tx).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a savepoint that is leaked on purpose"
    )]
    let savepoint = tx.begin().await.unwrap();
    std::mem::forget(savepoint);
    drop(tx);
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_transaction_that_a_dropped_savepoint_ended_does_not_commit() {
    let fixture = Fixture::new().await;
    let mut tx = database::begin(&fixture.db).await.unwrap();
    insert_note(&mut tx).await.unwrap();
    fixture.proxy.delay_answer("savepoint", LONG);
    #[expect(clippy::disallowed_methods, reason = "a savepoint, dropped half-way")]
    fixture.drop_when_held(tx.begin()).await;
    fixture.proxy.heal();
    assert!(tx.commit().await.is_err());
    assert_eq!(fixture.count("select count(*) from notes").await, 0);
    fixture.assert_recovered().await;
}

#[tokio::test]
async fn a_wait_for_a_lock_ends_and_may_be_tried_again() {
    let fixture = Fixture::new().await;
    let mut holder = fixture.database.connect().await.unwrap();
    sqlx::raw_sql("begin; lock table notes")
        .execute(&mut holder)
        .await
        .unwrap();
    let mut tx = database::begin(&fixture.db).await.unwrap();
    let error = insert_note(&mut tx).await.unwrap_err();
    assert!(database::is_transient(&error), "{error}");
    drop(tx);
    sqlx::raw_sql("rollback")
        .execute(&mut holder)
        .await
        .unwrap();
    fixture.assert_recovered().await;
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
