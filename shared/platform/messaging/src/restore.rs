//! Queues that vanish while a service runs are created again, with their settings and their dead
//! letters, or waited for where others own them.
//!
//! What was in such a queue is lost; rows of the outbox that it did not take are sent once it is
//! there. Every service creates the queues that it uses: to create one that is there is no error.

use std::future::pending;

use tracing::info;

use crate::{Backoff, Error, Health, Provision, QueueSpec, Transport, telemetry};

/// A queue that a service uses.
pub(crate) struct UsedQueue {
    pub(crate) spec: QueueSpec,
    /// Whether the service reads it, and so sends to its dead letters.
    pub(crate) is_read: bool,
}

impl UsedQueue {
    /// Creates or checks it.
    pub(crate) async fn ensure(&self, transport: &Transport, how: Provision) -> Result<(), Error> {
        if self.is_read {
            transport.ensure(&self.spec, how).await
        } else {
            transport.ensure_target(&self.spec, how).await
        }
    }
}

/// Runs as long as the service.
pub(crate) async fn restore(
    transport: Transport,
    queues: Vec<UsedQueue>,
    how: Provision,
    health: Health,
) {
    let Some(gone) = transport.gone() else {
        return pending().await;
    };
    let is_gone = |queue: &&UsedQueue| {
        let spec = &queue.spec;
        gone.has(&spec.name) || queue.is_read && gone.has(&spec.dead_letters())
    };
    loop {
        gone.noticed().await;
        let mut failures = 0;
        loop {
            let missing: Vec<_> = queues.iter().filter(is_gone).collect();
            telemetry::missing(missing.len());
            if missing.is_empty() {
                break;
            }
            for queue in missing {
                restore_one(&transport, queue, how, &health).await;
            }
            if queues.iter().any(|queue| is_gone(&queue)) {
                failures += 1;
                // Amazon creates no queue within 60 s of the deletion of its namesake.
                tokio::time::sleep(Backoff::SERVER.delay(failures)).await;
            }
        }
    }
}

async fn restore_one(transport: &Transport, queue: &UsedQueue, how: Provision, health: &Health) {
    let name = &*queue.spec.name;
    let what = format!("the queue {name}");
    transport.look_up_again(&queue.spec);
    // Another service may have been faster.
    let mut restored = queue.ensure(transport, Provision::Check).await;
    if let (Err(error @ Error::NoSuchQueue { .. }), Provision::Create) = (&restored, how) {
        health.fails(&what, &error.line());
        restored = queue.ensure(transport, Provision::Create).await;
        if restored.is_ok() {
            info!(queue = name, "created the queue again");
            telemetry::recreated(name);
        }
    }
    match restored {
        Ok(()) => health.works(&what),
        Err(error) => health.fails(&what, &error.line()),
    }
}
