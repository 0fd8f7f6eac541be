//! Promises about messages: none is left in a queue or an outbox.

use analysis::model::Check;

use crate::audit::Snapshot;
use crate::audit::check::check;
use crate::audit::history::with_history;

pub(super) fn nothing_waits<'a>(
    promise: &str,
    places: impl IntoIterator<Item = (&'a String, &'a u64)>,
) -> Check {
    check(promise, places, |(name, waiting)| {
        (*waiting > 0).then(|| format!("{waiting} in {name}"))
    })
}

pub(super) fn no_dead_letters(snapshot: &Snapshot) -> Check {
    let queues = snapshot.queues.iter().filter(is_dead_letter_queue);
    let promise = "no message is in a dead-letter queue";
    check(promise, queues, |(name, waiting)| {
        let letters = snapshot.dead_letters.iter();
        let first = letters
            .filter(|letter| letter.queue == *name)
            .find_map(|letter| {
                let reason = letter.reason.as_deref().unwrap_or("without a reason");
                let complaint = format!("has a dead letter: {reason}");
                Some(with_history(snapshot, letter.order?, &complaint))
            });
        let first = first.map(|first| format!(": {first}")).unwrap_or_default();
        (*waiting > 0).then(|| format!("{waiting} in {name}{first}"))
    })
}

pub(super) fn is_dead_letter_queue(queue: &(&String, &u64)) -> bool {
    queue.0.ends_with("-dlq")
}
