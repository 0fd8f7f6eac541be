//! The promises, as plain functions of a snapshot.

mod ledger;
mod money;
mod orders;
mod queues;
mod stock;

use analysis::model::Check;

use super::Snapshot;
use super::check::each_order;
use ledger::the_ledger_agrees;
use money::{no_money, payment};
use orders::{
    accepted_orders_are_kept, everything_has_its_order, orders_are_accepted,
    orders_are_as_they_were_sent, status,
};
use queues::{is_dead_letter_queue, no_dead_letters, nothing_waits};
use stock::{no_stock, reservation, shipment, stock_is_conserved};

pub use orders::Sent;

/// Checks every promise. `failed` is the number of orders that were requested and then answered
/// with an error, or not at all.
pub fn audit(snapshot: &Snapshot, accepted: &[Sent], failed: u64) -> Vec<Check> {
    let queues = snapshot
        .queues
        .iter()
        .filter(|queue| !is_dead_letter_queue(queue));
    vec![
        orders_are_accepted(accepted),
        accepted_orders_are_kept(snapshot, accepted),
        orders_are_as_they_were_sent(snapshot, accepted),
        each_order(
            "every order reached one status, and no facts contradict it",
            snapshot,
            status,
        ),
        each_order(
            "a confirmed order has one payment of its total",
            snapshot,
            payment,
        ),
        each_order(
            "a confirmed order has one reservation of its lines",
            snapshot,
            reservation,
        ),
        each_order("a confirmed order has one shipment", snapshot, shipment),
        each_order("a cancelled order keeps no money", snapshot, no_money),
        each_order(
            "a cancelled order keeps no stock and is not shipped",
            snapshot,
            no_stock,
        ),
        stock_is_conserved(snapshot),
        the_ledger_agrees(snapshot, failed),
        everything_has_its_order(snapshot),
        no_dead_letters(snapshot),
        nothing_waits("no message is left in a queue", queues),
        nothing_waits("no event is left in an outbox", &snapshot.outboxes),
    ]
}
