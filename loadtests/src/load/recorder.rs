//! What the generator saw.

use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

/// One request that was sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub operation: &'static str,
    /// When it was due, since the beginning of the run.
    pub due: Duration,
    /// How late it was sent.
    pub lag: Duration,
    /// From when it was due to its answer.
    pub latency: Duration,
    /// The HTTP status, or what went wrong below HTTP.
    pub answer: Result<u16, String>,
    /// The order that was accepted.
    pub order: Option<Accepted>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub id: Uuid,
    /// The number of the customer who placed it.
    pub customer: usize,
    /// The number of the operation, from which what was ordered can be read again.
    pub number: usize,
    /// Whether the answer already said what became of the order.
    pub settled: bool,
    /// Whether the customer asked for it to be cancelled.
    pub cancel: bool,
}

/// What follows on an order and takes no turn of its own.
pub const CANCEL: &str = "cancel_order";
pub const AWAIT: &str = "await_order";

/// Everything the generator saw, in the order of the answers.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Outcome>>);

impl Recorder {
    pub fn note(&self, outcome: Outcome) {
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
    /// A business "no" is an answer, as "too late to cancel" is; 4xx beside that, 5xx and no answer
    /// at all are errors.
    pub fn is_error(&self) -> bool {
        match self.answer {
            Ok(409) => self.operation != CANCEL,
            Ok(status) => !(200..300).contains(&status),
            Err(_) => true,
        }
    }

    /// Whether it took a turn in the schedule.
    pub fn took_turn(&self) -> bool {
        ![CANCEL, AWAIT].contains(&self.operation)
    }

    /// As the report counts it: `place_order 201`, or `place_order timed out`.
    pub fn label(&self) -> String {
        match &self.answer {
            Ok(status) => format!("{} {status}", self.operation),
            Err(reason) => format!("{} {reason}", self.operation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_late_to_cancel_is_an_answer_and_any_other_conflict_an_error() {
        let check = |operation, answer: Result<u16, &str>, expected: bool| {
            let outcome = Outcome {
                operation,
                due: Duration::ZERO,
                lag: Duration::ZERO,
                latency: Duration::ZERO,
                answer: answer.map_err(str::to_owned),
                order: None,
            };
            assert_eq!(outcome.is_error(), expected, "{}", outcome.label());
        };
        check(CANCEL, Ok(409), false);
        check(CANCEL, Ok(404), true);
        check("place_order", Ok(201), false);
        check("place_order", Ok(409), true);
        check("place_order", Ok(503), true);
        check("place_order", Err("timed out"), true);
    }
}
