// The common part of the guide's examples, which include it.

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

/// Creates queues in this process, with `count` parcels.
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
