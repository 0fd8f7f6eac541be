// What the examples of the guide have in common; they include it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use messaging::*;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Serialize, Deserialize)]
struct Parcel {
    number: u64,
}

impl Message for Parcel {
    const KIND: &'static str = "parcel";

    fn destinations(&self) -> Vec<Destination> {
        vec!["parcels".into()]
    }
}

/// Queues in this process, with parcels in one of them.
#[allow(dead_code)]
async fn parcels(count: u64) -> (Local, Transport) {
    let queues = Local::new();
    let transport = Transport::from(queues.clone());
    let spec = QueueSpec::new("parcels");
    transport.ensure(&spec, Provision::Create).await.unwrap();
    let parcels: Vec<_> = (0..count).map(|number| Parcel { number }).collect();
    transport.publish_all(&parcels).await.unwrap();
    (queues, transport)
}
