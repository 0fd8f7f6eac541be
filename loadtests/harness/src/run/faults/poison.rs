//! Poison: messages that no handler can handle, and requests that are no orders.

use std::time::Duration;

use analysis::model::{Arm, Rate};
use anyhow::{Context, ensure};
use contracts::topology::{INVENTORY, PAYMENT, SHIPPING};
use domain::CustomerId;
use tokio::time::{Instant, interval_at};

use crate::deployment::environment::{DRILL, NO_DRILL};
use crate::deployment::{Deployment, Infrastructure};

/// The queues that are poisoned in turn. Not the order service's: the deploy that ends the
/// experiment would stop it, and customers call it.
const QUEUES: [&str; 3] = [PAYMENT, INVENTORY, SHIPPING];
/// The services that read them.
pub(super) const READERS: [&str; 3] = ["payment-service", "inventory-service", "shipping-service"];
/// Two poison messages, one of each kind, are sent per 20 orders. An order that is shipped has ten
/// messages, so one message in 200 is unreadable, and one in 200 makes its handler panic.
const ORDERS_PER_POISON: f64 = 20.0;
/// The kind of message that makes its handler panic in a drill, as the services' runtime names it.
const PANIC: &str = "drill-panic";
/// Messages of every kind of poison begin like this.
const BEGIN: &str = r#"{"poison":"#;

/// Sends poison for some time. The processes are then set up as a new version would be, which no
/// poison makes panic. Returns how many messages were sent.
///
/// # Errors
/// When they cannot be sent, or a malformed request is answered with anything but 4xx.
pub(super) async fn send(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    rate: Rate,
    length: Duration,
) -> anyhow::Result<u64> {
    let begin = Instant::now();
    let every = Duration::from_secs_f64(ORDERS_PER_POISON / rate.get());
    let mut ticks = interval_at(begin, every);
    let mut sent = 0;
    while ticks.tick().await < begin + length {
        match deployment.arm {
            Arm::Monolith => request(infrastructure, deployment).await?,
            _ => sent += message(deployment, sent).await?,
        }
    }
    for process in &mut deployment.processes {
        process.set(DRILL, NO_DRILL);
    }
    Ok(sent)
}

/// An unreadable message, and one that makes its handler panic. Returns their number.
async fn message(deployment: &Deployment, sent: u64) -> anyhow::Result<u64> {
    let queues = deployment.queues.as_ref();
    let server = &queues.context("the arm has no queues")?.server;
    let queue = QUEUES[(sent / 2) as usize % QUEUES.len()];
    server.send(queue, "event", BEGIN).await?;
    let panicking = format!("{BEGIN}{sent}}}");
    server.send(queue, PANIC, &panicking).await?;
    Ok(2)
}

/// Two requests that are no orders: half a document, and one without lines.
async fn request(infrastructure: &Infrastructure, deployment: &Deployment) -> anyhow::Result<()> {
    let token = infrastructure.tokens(&[CustomerId::new()])?.remove(0);
    for body in [BEGIN, r#"{"lines":[],"payment_method":"tok_ok"}"#] {
        let url = format!("{}/orders", deployment.base_urls[0]);
        let request = infrastructure.http.post(url).bearer_auth(&token);
        let request = request
            .header("content-type", "application/json")
            .header("idempotency-key", "poison")
            .body(body);
        let status = request.send().await?.status();
        ensure!(
            status.is_client_error(),
            "{body} was answered with {status}, expected 4xx"
        );
    }
    Ok(())
}

/// Removes the poison from the dead letters, as an operator does.
///
/// # Errors
/// When not all of it is there, once.
pub(super) async fn remove(deployment: &Deployment, sent: u64) -> anyhow::Result<()> {
    let Some(queues) = deployment.queues.as_ref().filter(|_| sent > 0) else {
        return Ok(());
    };
    let mut removed = 0;
    for queue in QUEUES {
        removed += queues.server.remove(&format!("{queue}-dlq"), BEGIN).await?;
    }
    ensure!(
        removed == sent,
        "{removed} poison messages are dead letters, expected {sent}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    /// With another kind the message would be a dead letter at once, and F8 would still pass.
    #[test]
    fn the_kind_that_panics_is_the_runtimes() {
        assert_eq!(super::PANIC, messaging::drill::PANIC);
    }
}
