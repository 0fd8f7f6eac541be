//! Promises about messages: none is left in a queue or an outbox.

use analysis::model::Check;

use crate::audit::check::check;

pub(super) fn nothing_waits<'a>(
    promise: &str,
    places: impl IntoIterator<Item = (&'a String, &'a u64)>,
) -> Check {
    check(promise, places, |(name, waiting)| {
        (*waiting > 0).then(|| format!("{waiting} in {name}"))
    })
}

pub(super) fn is_dead_letter_queue(queue: &(&String, &u64)) -> bool {
    queue.0.ends_with("-dlq")
}
