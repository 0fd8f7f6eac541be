//! The steps of a schedule: everything that can happen next.

/// One thing that happens. A `pick` chooses among what is there, from the first
/// (0) to the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A customer places an order.
    Place(Basket),
    /// A relay sends one row of an outbox. A crash may keep the row, so it is sent again.
    Relay { pick: u16, row_is_kept: bool },
    /// The payment service receives a message and calls the provider, before its transaction.
    Call { pick: u16, answer: Answer },
    /// A service handles up to `batch` messages of one queue in one transaction.
    Deliver { pick: u16, batch: u8, end: End },
    /// The delay of one message ends.
    EndDelay { pick: u16 },
    /// A customer requests the cancellation of an order.
    Cancel { pick: u16 },
    /// A service looks for what is overdue.
    Republish(Overdue),
    /// A queue loses a message for good or, if it is purged, all of its messages.
    Lose { pick: u16, is_purged: bool },
}

/// What a customer orders. An empty basket is no order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Basket {
    pub kettles: u8,
    pub teapots: u8,
    /// Whether the provider declines the customer's card.
    pub is_declined: bool,
}

/// What the payment service receives from the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The result.
    Received,
    /// An error: the provider has done nothing.
    Refused,
    /// Nothing, or an error, although the provider has done its work.
    Lost,
}

/// How the handling of a message ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With the commit and the deletion of the message.
    Deleted,
    /// The process dies after the commit, or its lease is lost, or the queue delivers a duplicate:
    /// the message comes again.
    Kept,
    /// The process dies before the commit, or the lease is lost: nothing has happened.
    RolledBack,
}

/// What a service finds overdue in its own tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overdue {
    /// Orders that have not ended, and requests to cancel without an answer.
    Orders(Age),
    /// Authorizations without an answer.
    Payments,
    /// Shipments whose cancellation window has ended.
    Dispatches,
    /// Cancelled shipments.
    Cancellations,
}

/// The age of every order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Age {
    /// Older than an order may stay unsettled.
    Unsettled,
    /// Older than every other limit, too.
    Expired,
}
