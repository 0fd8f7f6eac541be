//! Savepoints, and transactions next to the one of the handler.

use messaging::{Fault, Handler, Local, Outbox, Runtime, Tx};

use crate::fixture::{Arrived, Fixture, Weighed, quick, record, until};

/// Pushes in a savepoint that it rolls back, and in one that it commits.
struct Undecided;

impl Handler for Undecided {
    type Message = Arrived;

    async fn handle(&self, tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        let mut savepoint = tx.savepoint().await?;
        savepoint.push(&Weighed { parcel: -1 })?;
        savepoint.rollback().await?;
        let mut savepoint = tx.savepoint().await?;
        savepoint.push(&Weighed {
            parcel: arrived.parcel,
        })?;
        savepoint.commit().await?;
        Ok(())
    }
}

#[tokio::test]
async fn messages_of_a_rolled_back_savepoint_are_not_sent() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone())
        .queues([quick("weights")])
        .handle(quick("parcels"), Undecided);
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push([Arrived { parcel: 7 }]).await;
    until("it is published", async || local.depth("weights") > 0).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(local.peek("weights"), [r#"{"parcel":7}"#]);
}

#[tokio::test]
async fn messages_of_a_savepoint_keep_their_place_in_the_transaction() {
    let fixture = Fixture::new().await;
    let mut tx = Outbox::new(&fixture.db).begin().await.unwrap();
    tx.push(&Weighed { parcel: 1 }).unwrap();
    let mut kept = tx.savepoint().await.unwrap();
    kept.push(&Weighed { parcel: 2 }).unwrap();
    let mut dropped = kept.savepoint().await.unwrap();
    dropped.push(&Weighed { parcel: -1 }).unwrap();
    record(&mut dropped, "dropped", 1).await.unwrap();
    drop(dropped);
    kept.push(&Weighed { parcel: 3 }).unwrap();
    record(&mut kept, "kept", 1).await.unwrap();
    kept.commit().await.unwrap();
    tx.push(&Weighed { parcel: 4 }).unwrap();
    tx.commit().await.unwrap();

    let pushed = "select (body::jsonb ->> 'parcel')::int from outbox order by position";
    let pushed: Vec<i32> = sqlx::query_scalar(pushed)
        .fetch_all(&fixture.db)
        .await
        .unwrap();
    assert_eq!(pushed, [1, 2, 3, 4]);
    assert_eq!(
        (
            fixture.records("dropped").await,
            fixture.records("kept").await
        ),
        (vec![], vec![1])
    );
}

/// Publishes each parcel in a separate transaction, which commits for even ones.
struct Independent(Outbox);

impl Handler for Independent {
    type Message = Arrived;

    async fn handle(&self, _: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        let mut own = self.0.begin().await?;
        let Arrived { parcel } = arrived;
        own.push(&Weighed { parcel })?;
        match parcel % 2 {
            0 => own.commit().await?,
            _ => own.rollback().await?,
        }
        Ok(())
    }
}

#[tokio::test]
async fn messages_of_another_transaction_are_sent_if_that_one_commits() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone())
        .queues([quick("weights")])
        .handle(
            quick("parcels"),
            Independent(Outbox::new(&fixture.connect().await)),
        );
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push((1..5).map(|parcel| Arrived { parcel })).await;
    until("all are done", async || {
        fixture.count("inbox").await == 4 && fixture.count("outbox").await == 0
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut published = local.peek("weights");
    published.sort();
    assert_eq!(published, [r#"{"parcel":2}"#, r#"{"parcel":4}"#]);
}
