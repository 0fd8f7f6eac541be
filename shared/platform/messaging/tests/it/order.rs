//! Messages of one key have the order of the commits, also of overlapping transactions.

use messaging::{Destination, Local, Message, Runtime};
use serde::{Deserialize, Serialize};

use crate::fixture::{Fixture, quick, record, until};

#[derive(Serialize, Deserialize)]
struct Numbered {
    key: String,
    n: i32,
}

impl Message for Numbered {
    const KIND: &'static str = "numbered";

    fn destinations(&self) -> Vec<Destination> {
        vec!["later".into()]
    }

    fn ordering_key(&self) -> Option<String> {
        Some(self.key.clone())
    }
}

fn numbered(key: &str, n: i32) -> Numbered {
    let key = key.to_owned();
    Numbered { key, n }
}

fn sent(local: &Local) -> Vec<i32> {
    let bodies = local.peek("later");
    let sent = bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap());
    sent.map(|Numbered { n, .. }| n).collect()
}

/// Makes each commit of a transaction with a record wait for lock 42, after its messages are
/// inserted.
async fn hold_commits(fixture: &Fixture) {
    let hold = "create function hold() returns trigger language plpgsql as
                $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
                create constraint trigger hold after insert on records
                deferrable initially deferred for each row execute function hold()";
    sqlx::raw_sql(hold).execute(&fixture.db).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_pushed_first_and_commits_last_is_not_overtaken() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone()).queues([quick("later")]);
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    hold_commits(&fixture).await;
    let mut holder = fixture.db.begin().await.unwrap();
    let hold = sqlx::query("select pg_advisory_xact_lock(42)");
    hold.execute(&mut *holder).await.unwrap();
    let waiting = async || {
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                       where d.datname = current_database()
                         and l.locktype = 'advisory' and not l.granted";
        let waiting = sqlx::query_scalar::<_, i64>(waiting).fetch_one(&fixture.db);
        waiting.await.unwrap()
    };

    let mut first = outbox.begin().await.unwrap();
    record(&mut first, "held", 1).await.unwrap();
    first.push(&numbered("a", 1)).unwrap();
    let first = tokio::spawn(first.commit());
    until("the first is held in its commit", async || {
        waiting().await == 1
    })
    .await;
    let mut second = outbox.begin().await.unwrap();
    second.push(&numbered("a", 2)).unwrap();
    let second = tokio::spawn(second.commit());
    until("the second waits, or overtakes", async || {
        waiting().await == 2 || !sent(&local).is_empty()
    })
    .await;
    // Another key continues meanwhile.
    let mut other = outbox.begin().await.unwrap();
    other.push(&numbered("b", 3)).unwrap();
    other.commit().await.unwrap();
    until("the other key is sent", async || sent(&local).contains(&3)).await;

    holder.rollback().await.unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    until("all are sent", async || fixture.count("outbox").await == 0).await;
    assert_eq!(sent(&local), [3, 1, 2]);
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn messages_of_overlapping_transactions_have_the_order_of_the_commits() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone()).queues([quick("later")]);
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    let mut first = outbox.begin().await.unwrap();
    first.push(&numbered("a", 1)).unwrap();
    let mut second = outbox.begin().await.unwrap();
    second.push(&numbered("a", 2)).unwrap();
    second.commit().await.unwrap();
    first.commit().await.unwrap();
    until("all are sent", async || fixture.count("outbox").await == 0).await;
    assert_eq!(sent(&local), [2, 1]);
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn transactions_that_push_the_same_keys_in_any_order_do_not_deadlock() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let outbox = Runtime::new(&fixture.db, local).outbox();
    let pushing = (0..8).map(|task| {
        let outbox = outbox.clone();
        tokio::spawn(async move {
            for n in 0..25 {
                let mut tx = outbox.begin().await.unwrap();
                let keys = ["a", "b", "c"];
                let keys = (0..3).map(|k| keys[(k + task) % 3]);
                keys.for_each(|key| tx.push(&numbered(key, n)).unwrap());
                tx.commit().await.unwrap();
            }
        })
    });
    for pushed in pushing.collect::<Vec<_>>() {
        pushed.await.unwrap();
    }
    assert_eq!(fixture.count("outbox").await, 8 * 25 * 3);
}
