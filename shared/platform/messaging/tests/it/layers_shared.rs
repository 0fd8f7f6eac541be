//! Layers that several handlers share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{HandlerCall, Local, Runtime, Transport, plain_fn};
use tokio::time::sleep;
use tower::limit::ConcurrencyLimitLayer;
use tower::util::MapRequestLayer;

use crate::fixture::{Arrived, Fixture, quick, until};

/// The number of running handlers, and its maximum.
#[derive(Clone, Default)]
pub struct AtWork(Arc<[AtomicUsize; 2]>);

impl AtWork {
    pub fn begin(self) -> Working {
        let now = self.0[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[1].fetch_max(now, Ordering::SeqCst);
        Working(self)
    }

    pub fn now_and_max(&self) -> (usize, usize) {
        let read = |n: usize| self.0[n].load(Ordering::SeqCst);
        (read(0), read(1))
    }
}

/// Counts a handler until it ends or is dropped.
pub struct Working(AtWork);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_layer_is_around_the_handlers_that_were_added_before_it_and_is_shared() {
    let fixture = Fixture::new().await;
    let (local, seen) = (Local::new(), Arc::new(Mutex::new(vec![])));
    let calls = seen.clone();
    let naming = MapRequestLayer::new(move |call: HandlerCall| {
        calls.lock().unwrap().push(call.queue().to_owned());
        call
    });
    let at_work = AtWork::default();
    let handler = |at_work: &AtWork| {
        let at_work = at_work.clone();
        plain_fn(move |_: Arrived| {
            let at_work = at_work.clone();
            async move {
                let _working = at_work.begin();
                sleep(Duration::from_millis(5)).await;
                Ok(())
            }
        })
    };
    let service = Runtime::new(&fixture.db, local.clone())
        .handle(quick("parcels"), handler(&at_work))
        .handle(quick("weights"), handler(&at_work))
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(naming)
        .handle(quick("later"), handler(&AtWork::default()));
    service.prepare().await.unwrap();
    let transport = Transport::from(local.clone());
    for queue in ["parcels", "weights", "later"] {
        for _ in 0..3 {
            transport.publish(&To(queue.into())).await.unwrap();
        }
    }
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are handled", async || {
        ["parcels", "weights", "later"]
            .iter()
            .all(|queue| local.depth(queue) == 0)
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, [["parcels"; 3], ["weights"; 3]].concat());
    assert_eq!(at_work.now_and_max(), (0, 1), "one limit for both queues");
}

/// A parcel for any queue, with the same kind as [`Arrived`].
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(into = "Arrived", from = "Arrived")]
struct To(String);

impl From<To> for Arrived {
    fn from(_: To) -> Arrived {
        Arrived { parcel: 1 }
    }
}

impl From<Arrived> for To {
    fn from(_: Arrived) -> To {
        To("parcels".into())
    }
}

impl messaging::Message for To {
    const KIND: &'static str = "parcel-arrived";

    fn destinations(&self) -> Vec<messaging::Destination> {
        vec![messaging::Destination::queue(self.0.clone())]
    }
}
