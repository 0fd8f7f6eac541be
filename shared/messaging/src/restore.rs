//! Queues that vanish while a service runs are created again, with their settings and their dead
//! letters, or waited for where others own them.
//!
//! What was in such a queue is lost; rows of the outbox that it did not take are sent once it is
//! there. Every service creates the queues that it uses: to create one that is there is no error.

use std::future::pending;

use tracing::info;

use crate::{Backoff, Error, Health, Provision, QueueSpec, Transport, telemetry};

/// Runs as long as the service.
pub(crate) async fn restore(
    transport: Transport,
    queues: Vec<QueueSpec>,
    how: Provision,
    health: Health,
) {
    let Some(gone) = transport.gone() else {
        return pending().await;
    };
    let is_gone = |spec: &&QueueSpec| gone.has(&spec.name) || gone.has(&spec.dead_letters());
    loop {
        gone.noticed().await;
        let mut failures = 0;
        loop {
            let missing: Vec<_> = queues.iter().filter(is_gone).collect();
            telemetry::missing(missing.len());
            if missing.is_empty() {
                break;
            }
            for spec in missing {
                restore_one(&transport, spec, how, &health).await;
            }
            if queues.iter().any(|spec| is_gone(&spec)) {
                failures += 1;
                // Amazon creates no queue within 60 s of the deletion of its namesake.
                tokio::time::sleep(Backoff::SERVER.delay(failures)).await;
            }
        }
    }
}

async fn restore_one(transport: &Transport, spec: &QueueSpec, how: Provision, health: &Health) {
    let what = format!("the queue {}", spec.name);
    // Another service may have been faster.
    let mut restored = transport.ensure_again(spec, Provision::Check).await;
    if let (Err(error @ Error::NoSuchQueue { .. }), Provision::Create) = (&restored, how) {
        health.fails(&what, &error.line());
        restored = transport.ensure_again(spec, Provision::Create).await;
        if restored.is_ok() {
            info!(queue = &*spec.name, "created the queue again");
            telemetry::recreated(&spec.name);
        }
    }
    match restored {
        Ok(()) => health.works(&what),
        Err(error) => health.fails(&what, &error.line()),
    }
}
