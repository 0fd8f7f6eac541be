//! Faults that a test injects into calls about messages. Each of them happens at Amazon.
//!
//! What decides that a call fails is the caller's: a plan in a test, a random draw in a server.
//! What the fault then does to the call is decided here, so it is the same in both.

use std::time::Duration;

use crate::queue::Queue;
use crate::receipt::{Receipt, Refusal};
use crate::receive::{Receive, Received};
use crate::time::Time;

/// A call about one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueCall {
    Send,
    Delete,
    /// Heartbeats, backoffs and returns.
    ChangeVisibility,
}

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CallFault {
    /// It succeeds.
    #[default]
    None,
    /// It fails, and a retry may succeed.
    Refused,
    /// It fails for good: the receipt is no longer valid.
    Stale,
    /// It succeeds, and the caller gets an error.
    Ambiguous,
}

impl CallFault {
    /// Makes the call, or not, and returns its result, or an error in its place.
    ///
    /// # Errors
    /// That of the call, or `error` for the fault.
    pub fn inject<T, E>(
        self,
        call: impl FnOnce() -> Result<T, E>,
        error: impl FnOnce(CallFault) -> E,
    ) -> Result<T, E> {
        if !self.is_carried_out() {
            return Err(error(self));
        }
        let result = call()?;
        self.answer(result, error)
    }

    /// Whether the queue carries the call out.
    pub fn is_carried_out(self) -> bool {
        matches!(self, CallFault::None | CallFault::Ambiguous)
    }

    /// The answer of a call that was carried out, as it reaches the caller.
    ///
    /// # Errors
    /// When the answer is lost.
    pub fn answer<T, E>(self, answer: T, error: impl FnOnce(CallFault) -> E) -> Result<T, E> {
        match self {
            CallFault::None => Ok(answer),
            fault => Err(error(fault)),
        }
    }
}

/// Receives out of order: the first `skip` messages come last. Those for which there is no room
/// stay in the queue. A FIFO queue keeps its order.
pub fn receive_out_of_order<P>(
    queue: &mut Queue<P>,
    now: Time,
    request: &Receive,
    skip: usize,
) -> Received<P> {
    if skip == 0 || queue.settings().fifo {
        return queue.receive(now, request);
    }
    let wider = Receive {
        max: request.max + skip,
        ..request.clone()
    };
    let mut received = queue.receive(now, &wider);
    let deliveries = &mut received.deliveries;
    let count = deliveries.len();
    deliveries.rotate_left(skip.min(count.saturating_sub(1)));
    let surplus = deliveries.split_off(request.max.min(count));
    queue.take_back(now, &surplus);
    received
}

/// Answers a delete with success and makes the message visible again instead, as a standard queue
/// may: it promises "at least once". A FIFO queue deletes it.
///
/// # Errors
/// As [`Queue::delete`].
pub fn deliver_again<P>(queue: &mut Queue<P>, now: Time, receipt: Receipt) -> Result<(), Refusal> {
    if queue.settings().fifo {
        return queue.delete(now, receipt);
    }
    let made_visible = queue.change_visibility(now, receipt, Duration::ZERO);
    made_visible.or_else(|_| queue.delete(now, receipt))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Content, Settings};

    fn queue(messages: u64) -> Queue<u64> {
        let mut queue = Queue::new(1, Settings::new(false));
        for payload in 1..=messages {
            let content = Content {
                id: Default::default(),
                group: None,
                deduplication_id: None,
                payload,
            };
            queue.send(Time(0), Arc::new(content), None);
        }
        queue
    }

    fn received(messages: u64, max: usize, skip: usize) -> (Vec<u64>, usize) {
        let mut queue = queue(messages);
        let request = Receive {
            max,
            ..Receive::default()
        };
        let received = receive_out_of_order(&mut queue, Time(0), &request, skip);
        let payloads = received.deliveries.iter().map(|d| d.content.payload);
        (payloads.collect(), queue.depth(Time(0)).waiting)
    }

    #[test]
    fn the_messages_passed_over_come_last_or_stay() {
        assert_eq!(received(5, 10, 3), (vec![4, 5, 1, 2, 3], 0));
        assert_eq!(received(5, 2, 3), (vec![4, 5], 3));
        assert_eq!(received(2, 1, 10), (vec![2], 1));
        assert_eq!(received(1, 1, 10), (vec![1], 0));
        assert_eq!(received(0, 1, 10), (vec![], 0));
    }

    #[test]
    fn a_message_that_stays_was_not_received() {
        let mut queue = queue(2);
        let one = Receive {
            max: 1,
            ..Receive::default()
        };
        receive_out_of_order(&mut queue, Time(0), &one, 1);
        let first = queue.receive(Time(0), &one).deliveries;
        assert_eq!(
            (first[0].content.payload, first[0].history.receive_count),
            (1, 1)
        );
    }

    #[test]
    fn a_message_comes_again_after_its_delete() {
        let mut queue = queue(1);
        let one = Receive {
            max: 1,
            ..Receive::default()
        };
        for receives in 1..=2 {
            let received = queue.receive(Time(0), &one).deliveries;
            assert_eq!(received[0].history.receive_count, receives);
            deliver_again(&mut queue, Time(0), received[0].receipt).unwrap();
        }
    }

    #[test]
    fn a_fault_decides_what_is_done_and_what_the_caller_hears() {
        let check = |fault: CallFault, is_done: bool, result: Result<(), CallFault>| {
            let mut done = false;
            let injected = fault.inject(
                || {
                    done = true;
                    Ok(())
                },
                |fault| fault,
            );
            assert_eq!((done, injected), (is_done, result), "{fault:?}");
        };
        check(CallFault::None, true, Ok(()));
        check(CallFault::Refused, false, Err(CallFault::Refused));
        check(CallFault::Stale, false, Err(CallFault::Stale));
        check(CallFault::Ambiguous, true, Err(CallFault::Ambiguous));
    }
}
