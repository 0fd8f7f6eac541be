//! The record of what the generator sent and received.

use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

/// The kinds of request that the generator sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Request {
    PlaceOrder,
    GetProduct,
    GetOrder,
    GetHistory,
    ListOrders,
    /// Follows on an order and is not in the schedule.
    CancelOrder,
    /// Polls whether an order is settled, and is not in the schedule.
    AwaitOrder,
}

impl Request {
    pub fn name(self) -> &'static str {
        match self {
            Request::PlaceOrder => "place_order",
            Request::GetProduct => "get_product",
            Request::GetOrder => "get_order",
            Request::GetHistory => "get_history",
            Request::ListOrders => "list_orders",
            Request::CancelOrder => "cancel_order",
            Request::AwaitOrder => "await_order",
        }
    }
}

/// One request that was sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub request: Request,
    /// When it was due, since the beginning of the load.
    pub due: Duration,
    /// How late it was sent.
    pub send_delay: Duration,
    /// From the moment it was due to its answer.
    pub latency: Duration,
    /// The HTTP status, or what failed below HTTP.
    pub answer: Result<u16, String>,
    /// The accepted order, for a request that placed one.
    pub order: Option<Accepted>,
}

/// An order that the shop accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub id: Uuid,
    /// The number of the customer who placed it.
    pub customer: usize,
    /// The number of the operation, from which its content can be derived again.
    pub number: usize,
    /// Whether the order was settled in the answer.
    pub settled: bool,
    /// Whether the customer cancels it.
    pub cancel: bool,
}

/// All outcomes, in the order of the answers.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Outcome>>);

impl Recorder {
    pub fn record(&self, outcome: Outcome) {
        self.lock().push(outcome);
    }

    pub fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Outcome>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Outcome {
    /// Whether the request failed. A business "no" is an answer, and so is "too late to cancel".
    /// Every other 4xx, 5xx and a missing answer are errors.
    pub fn is_error(&self) -> bool {
        match self.answer {
            Ok(409) => self.request != Request::CancelOrder,
            Ok(status) => !(200..300).contains(&status),
            Err(_) => true,
        }
    }

    /// Whether the request was one of the schedule.
    pub fn is_scheduled(&self) -> bool {
        ![Request::CancelOrder, Request::AwaitOrder].contains(&self.request)
    }

    pub fn is_order(&self) -> bool {
        self.request == Request::PlaceOrder
    }

    /// The request and its answer in the report: `place_order 201`, or `place_order timed out`.
    pub fn label(&self) -> String {
        match &self.answer {
            Ok(status) => format!("{} {status}", self.request.name()),
            Err(reason) => format!("{} {reason}", self.request.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_late_to_cancel_is_an_answer_and_any_other_conflict_is_an_error() {
        let check = |request, answer: Result<u16, &str>, expected: bool| {
            let outcome = Outcome {
                request,
                due: Duration::ZERO,
                send_delay: Duration::ZERO,
                latency: Duration::ZERO,
                answer: answer.map_err(str::to_owned),
                order: None,
            };
            assert_eq!(outcome.is_error(), expected, "{}", outcome.label());
        };
        check(Request::CancelOrder, Ok(409), false);
        check(Request::CancelOrder, Ok(404), true);
        check(Request::PlaceOrder, Ok(201), false);
        check(Request::PlaceOrder, Ok(409), true);
        check(Request::PlaceOrder, Ok(503), true);
        check(Request::PlaceOrder, Err("timed out"), true);
    }
}
