//! Placing and the sweep claim an order under one key, so exactly one of them wins, however late
//! the other comes.

use std::time::Duration;

use chassis::Problem;
use domain::{Payment, Status};
use monolith::Error;
use monolith::dispatch::dispatch_due;
use monolith::payment_due::send_due;
use monolith::place_order::place_order;
use monolith::sweep::sweep;
use payment_provider as provider;
use sandbox::testing::until;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};

use crate::fixture::{Fixture, LONG, key, order};

/// Makes every COMMIT of an order wait until the returned connection is closed, as Postgres does
/// while a synchronous standby is away.
async fn hold_commits(fixture: &Fixture) -> PgConnection {
    let mut holder = fixture.connect().await;
    let trigger = "
        create function wait_for_the_standby() returns trigger language plpgsql as $$
            begin perform pg_advisory_xact_lock_shared(1); return null; end
        $$;
        create constraint trigger late_commit after insert on orders
            deferrable initially deferred
            for each row execute function wait_for_the_standby();
        select pg_advisory_lock(1)";
    sqlx::raw_sql(trigger).execute(&mut holder).await.unwrap();
    holder
}

/// Waits until a COMMIT waits for the lock of [`hold_commits`].
async fn commit_is_held(fixture: &Fixture) {
    let mut watch = fixture.connect().await;
    let held = "select exists (
                    select from pg_locks join pg_database on pg_database.oid = pg_locks.database
                    where datname = current_database() and locktype = 'advisory' and not granted)";
    let is_held = async || {
        let held = sqlx::query_scalar(held).fetch_one(&mut watch);
        held.await.unwrap()
    };
    until("a commit is held", is_held).await;
}

#[tokio::test]
async fn a_commit_that_outlasts_the_sweep_keeps_its_money() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let holder = hold_commits(&fixture).await;
    let order = order();
    let (shop, placing) = (fixture.shop.clone(), order.clone());
    let placing = tokio::spawn(async move { place_order(&shop, placing, &key("once")).await });
    commit_is_held(&fixture).await;

    sweep(&fixture.shop, Duration::ZERO).await.unwrap();
    send_due(&fixture.shop).await.unwrap();
    holder.close().await.unwrap();

    let placed = placing.await.unwrap().unwrap().unwrap();
    assert_eq!(placed.status(), Status::Confirmed);
    dispatch_due(&fixture.shop).await.unwrap();
    send_due(&fixture.shop).await.unwrap();
    assert_eq!(fixture.money(&order), Some(provider::Status::Captured));
    assert_eq!(fixture.payment(&order).await, Some(Payment::Captured));
    assert_eq!(fixture.record(&placed).await.status(), Status::Dispatched);
}

/// The client has left, or the time limit of its request has ended, while the COMMIT waits.
#[tokio::test]
async fn a_commit_that_outlasts_its_request_keeps_its_money() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let holder = hold_commits(&fixture).await;
    let order = order();
    let (shop, placing) = (fixture.shop.clone(), order.clone());
    let placing = tokio::spawn(async move { place_order(&shop, placing, &key("once")).await });
    commit_is_held(&fixture).await;
    placing.abort();
    placing.await.unwrap_err();

    sweep(&fixture.shop, Duration::ZERO).await.unwrap();
    send_due(&fixture.shop).await.unwrap();
    holder.close().await.unwrap();

    fixture.until_committed(&order).await;
    dispatch_due(&fixture.shop).await.unwrap();
    send_due(&fixture.shop).await.unwrap();
    assert_eq!(fixture.money(&order), Some(provider::Status::Captured));
    assert_eq!(fixture.payment(&order).await, Some(Payment::Captured));
}

/// One of two replicas is frozen between the provider's answer and its transaction.
#[tokio::test]
async fn a_replica_that_thaws_after_the_sweep_places_nothing() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let mut frozen = fixture.shop.clone();
    frozen.db = PgPoolOptions::new()
        .max_connections(1)
        .connect(fixture.url())
        .await
        .unwrap();
    let ice = database::lend(&frozen.db).await.unwrap();
    let order = order();
    let placing = order.clone();
    let placing = tokio::spawn(async move { place_order(&frozen, placing, &key("once")).await });
    fixture
        .until_money_is(&order, provider::Status::Authorized)
        .await;

    assert_eq!(sweep(&fixture.shop, Duration::ZERO).await.unwrap(), 1);
    send_due(&fixture.shop).await.unwrap();
    assert_eq!(fixture.money(&order), Some(provider::Status::Voided));
    drop(ice);

    let lost = placing.await.unwrap().unwrap_err();
    assert!(matches!(lost, Error::Voided), "{lost:?}");
    assert_eq!(Problem::from(lost).status(), 503);
    assert_eq!(fixture.money(&order), Some(provider::Status::Voided));
    assert_eq!(fixture.count("select count(*) from orders").await, 0);
    assert_eq!(fixture.count("select count(*) from shipments").await, 0);
    assert_eq!(fixture.reserved().await, 0);
}

/// The row says what is owed, so a sweep that dies after its commit has lost nothing.
#[tokio::test]
async fn an_orphan_that_was_claimed_is_voided_once_the_provider_answers() {
    let fixture = Fixture::open(LONG).await;
    let orphan = order();
    fixture.shop.provider.authorize(&orphan).await.unwrap();
    fixture.fails(1.0);
    assert_eq!(sweep(&fixture.shop, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 0);
    assert_eq!(fixture.payment(&orphan).await, Some(Payment::VoidDue));

    fixture.fails(0.0);
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 1);
    assert_eq!(fixture.money(&orphan), Some(provider::Status::Voided));
    assert_eq!(fixture.payment(&orphan).await, Some(Payment::Voided));
}

#[tokio::test]
async fn either_the_order_or_the_sweep_wins() {
    let fixture = Fixture::open(Duration::ZERO).await;
    for n in 0..20 {
        let order = order();
        let key = key(&n.to_string());
        let placing = place_order(&fixture.shop, order.clone(), &key);
        let sweeping = async {
            while fixture.money(&order).is_none() {
                tokio::task::yield_now().await;
            }
            sweep(&fixture.shop, Duration::ZERO).await.unwrap();
        };
        let (placed, ()) = tokio::join!(placing, sweeping);
        dispatch_due(&fixture.shop).await.unwrap();
        send_due(&fixture.shop).await.unwrap();

        let agreed = match placed {
            Ok(_) => (Payment::Captured, provider::Status::Captured),
            Err(_) => (Payment::Voided, provider::Status::Voided),
        };
        let found = (fixture.payment(&order).await, fixture.money(&order));
        assert_eq!(found, (Some(agreed.0), Some(agreed.1)));
    }
}
