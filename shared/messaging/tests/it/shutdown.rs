//! Ending: at any instant, in time, and with nothing stranded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::Local;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::world::{bring, plainly, until};

const PARCELS: usize = 60;

#[tokio::test(start_paused = true)]
async fn stopping_at_any_instant_strands_nothing() {
    for instant in 0..150 {
        let instant = Duration::from_millis(instant);
        let local = Local::new();
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let work = move |parcel: i32| {
            let done = counted.clone();
            async move {
                sleep(Duration::from_millis(5 + parcel as u64 % 20)).await;
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let first = plainly(&local, work.clone()).await.in_flight(17);
        bring(&local, 0..PARCELS as i32).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(first.run(stop.clone()));
        sleep(instant).await;
        stop.cancel();
        let drained = running.await.unwrap();
        assert_eq!(drained.lost, 0, "{drained} at {instant:?}");
        let left = PARCELS - drained.handled as usize;
        assert_eq!(local.depth("parcels"), left, "{drained} at {instant:?}");

        // Whatever is left can be received at once, and not after a visibility timeout.
        let since = Instant::now();
        let second = plainly(&local, work).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(second.run(stop.clone()));
        until("the rest is done", async || local.depth("parcels") == 0).await;
        assert!(
            since.elapsed() < Duration::from_secs(1),
            "stranded at {instant:?}"
        );
        stop.cancel();
        running.await.unwrap();
        assert_eq!(
            done.load(Ordering::SeqCst),
            PARCELS,
            "each once, at {instant:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_handler_holds_up_nobody_and_no_deadline() {
    let local = Local::new();
    let consumer = plainly(&local, |parcel| async move {
        if parcel == 3 {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let consumer = consumer.await;
    bring(&local, 0..30).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("the others are done", async || local.depth("parcels") == 1).await;

    let since = Instant::now();
    stop.cancel();
    let drained = running.await.unwrap();
    assert!(
        since.elapsed() <= Duration::from_secs(30),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(
        (drained.handled, drained.released, drained.lost),
        (29, 1, 0),
        "{drained}"
    );
}
