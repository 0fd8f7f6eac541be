//! The recreation of queues that vanish while a service runs, with settings and dead-letter queues.
//! With [`Provision::Check`] the service waits until another party creates them.
//!
//! The messages of a vanished queue are lost. Rows of the outbox that it did not accept are sent
//! once it exists again. Several services may create the same queue, which is not an error.

use std::future::pending;

use tracing::info;

use crate::{Backoff, Error, Health, Provision, QueueSpec, Transport, telemetry};

/// A queue that a service uses.
pub(crate) struct UsedQueue {
    pub(crate) spec: QueueSpec,
    /// Whether the service reads it, and therefore sends to its dead letters.
    pub(crate) is_read: bool,
}

impl UsedQueue {
    /// Creates or checks the queue.
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
                // Amazon refuses to create a queue within 60 s of the deletion of one with the same
                // name.
                tokio::time::sleep(Backoff::SERVER.delay(failures)).await;
            }
        }
    }
}

async fn restore_one(transport: &Transport, queue: &UsedQueue, how: Provision, health: &Health) {
    let name = &*queue.spec.name;
    let what = format!("the queue {name}");
    transport.look_up_again(&queue.spec);
    // Another service may have created it already.
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
