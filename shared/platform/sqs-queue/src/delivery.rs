//! Messages that leave a queue: to a consumer, or to another queue.

use std::sync::Arc;

use crate::changes::Origin;
use crate::message::{Content, History, Message, Sequence};
use crate::receipt::Receipt;
use crate::time::Time;

/// A message on its way to a consumer.
#[derive(Debug)]
pub struct Delivery<P> {
    pub content: Arc<Content<P>>,
    pub history: History,
    pub sequence: Sequence,
    pub receipt: Receipt,
}

/// A message on its way from one queue to another.
#[derive(Debug)]
pub struct Departure<P> {
    pub content: Arc<Content<P>>,
    pub history: History,
    pub entered: Time,
    pub from: Origin,
}

impl<P> Delivery<P> {
    /// The message with the receipt of its latest receive.
    pub(crate) fn new(queue: u64, sequence: Sequence, message: &Message<P>) -> Delivery<P> {
        Delivery {
            content: message.content.clone(),
            history: message.history.clone(),
            sequence,
            receipt: Receipt {
                queue,
                message: sequence,
                receive: message.receive,
            },
        }
    }
}

/// Cheap, and possible for every payload: the content is shared.
impl<P> Clone for Delivery<P> {
    fn clone(&self) -> Delivery<P> {
        Delivery {
            content: self.content.clone(),
            history: self.history.clone(),
            sequence: self.sequence,
            receipt: self.receipt,
        }
    }
}
