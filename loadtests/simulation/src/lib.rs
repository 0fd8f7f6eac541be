//! The services as a model that runs in microseconds: it follows orders through any sequence of
//! deliveries, crashes and losses, and checks every promise when nothing is left to do.
//!
//! What decides is the real code: the `decide` of every handler, the rules of `domain`, the table
//! of queues, the payment provider's ledger and the audit. What surrounds it is modelled: tables in
//! place of SQL, [queues](queues) that deliver in any order, and a [transaction](service) in place
//! of the runtime's.
//!
//! Invariants:
//! - a run is a function of its steps: it has no clock, no thread and no random number. A delay has
//!   ended when a [`Step`] says so;
//! - every step is possible at any time. One that finds nothing to do does nothing, so a part of a
//!   schedule is a schedule, too, and a failing one can be made shorter;
//! - a schedule that loses no message must settle without a republished event.

mod customer;
mod defect;
mod handling;
mod message;
mod outbox;
mod overdue;
mod promises;
mod provider;
mod queues;
mod run;
mod service;
mod shop;
mod step;
mod story;
mod tables;

pub use defect::Defect;
pub use run::{Broken, Ending, run};
pub use step::{Age, Answer, Basket, End, Overdue, Step};
