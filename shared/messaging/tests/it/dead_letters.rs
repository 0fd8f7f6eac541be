//! Dead letters keep their reason, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use messaging::dead_letters::{self, Selection};
use messaging::{Fault, Handler, Service};
use sqlx::PgConnection;

use crate::world::{Brought, World, note, quick, sqs, until};

/// Refuses everything until somebody mends it.
struct Broken {
    mended: Arc<AtomicBool>,
}

impl Handler for Broken {
    type Message = Brought;

    async fn handle(&self, tx: &mut PgConnection, brought: Brought) -> Result<(), Fault> {
        if !self.mended.load(Ordering::SeqCst) {
            return Err(Fault::reject(format!("no scales for {}", brought.parcel)));
        }
        Ok(note(tx, "brought", brought.parcel).await?)
    }
}

#[tokio::test]
async fn poison_keeps_its_reason_and_redrive_brings_it_back() {
    let world = World::new().await;
    let (_server, sqs) = sqs().await;
    let mended = Arc::new(AtomicBool::new(false));
    let broken = Broken {
        mended: mended.clone(),
    };
    let service = Service::new(&world.db, sqs.clone()).handle(quick("parcels"), broken);
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((0..15).map(|parcel| Brought { parcel })).await;
    let waiting = async |queue: &str| {
        let depths = dead_letters::list(&sqs).await.unwrap();
        depths
            .iter()
            .find(|depth| depth.queue == queue)
            .map_or(0, |depth| depth.waiting)
    };
    until("all are dead", async || waiting("parcels-dlq").await == 15).await;

    let letters = dead_letters::peek(&sqs, "parcels-dlq", 100).await.unwrap();
    assert_eq!(letters.len(), 15);
    for letter in &letters {
        let reason = letter.reason.as_deref().unwrap();
        assert!(reason.starts_with("no scales for"), "{reason}");
        assert_eq!(letter.source.as_deref(), Some("parcels"));
    }
    assert_eq!(waiting("parcels-dlq").await, 15, "looking takes nothing");

    mended.store(true, Ordering::SeqCst);
    let one = Selection::Ids(vec![letters[4].id]);
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &one, 1_000.0)
        .await
        .unwrap();
    assert_eq!((redriven.moved, redriven.kept), (1, 14));
    until("one is back", async || {
        world.book("brought").await.len() == 1
    })
    .await;

    let all = Selection::All;
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &all, 1_000.0)
        .await
        .unwrap();
    assert_eq!((redriven.moved, redriven.kept), (14, 0));
    until("all are back", async || {
        world.book("brought").await.len() == 15
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
}
