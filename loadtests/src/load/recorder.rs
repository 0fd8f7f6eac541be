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
    /// Whether the answer already said what became of the order.
    pub settled: bool,
}

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
    /// A business "no" is an answer; 4xx beside that, 5xx and no answer at all are errors.
    pub fn is_error(&self) -> bool {
        !matches!(self.answer, Ok(200..=299))
    }

    /// As the report counts it: `place_order 201`, or `place_order timed out`.
    pub fn label(&self) -> String {
        match &self.answer {
            Ok(status) => format!("{} {status}", self.operation),
            Err(reason) => format!("{} {reason}", self.operation),
        }
    }
}
