//! SendMessage and SendMessageBatch.

mod body;
mod draft;
mod request;

use serde::Deserialize;
use sqs_queue::Time;

use self::draft::Draft;
use self::request::{SendMessage, Sent};
use super::batch::{self, BatchAnswer};
use super::text::{Text, sequence_number};
use crate::error::{Error, Result};
use crate::region::Region;
use crate::settings::MOST_BYTES;
use crate::shared_queue::State;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessageBatch<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    entries: Option<Vec<SendMessage<'a>>>,
}

pub(super) fn one<'a>(
    region: &Region,
    request: &'a SendMessage<'_>,
    trace: Option<&str>,
) -> Result<Sent<'a>> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let settings = queue.settings();
    request.check_group(&settings)?;

    let draft = request.draft(region, &settings, trace)?;
    Ok(queue.with(|state, now| draft.send(state, now)))
}

pub(super) fn batch<'a>(
    region: &Region,
    request: &'a SendMessageBatch<'_>,
    trace: Option<&str>,
) -> Result<BatchAnswer<'a, Sent<'a>>> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let settings = queue.settings();
    let entries = batch::check(&request.entries)?;
    entries
        .iter()
        .try_for_each(|entry| entry.check_group(&settings))?;
    let sent = entries.iter().map(SendMessage::size).sum();
    if sent > MOST_BYTES {
        return Err(Error::BatchRequestTooLong {
            most: MOST_BYTES,
            sent,
        });
    }

    // The slow work is done before the queue's lock is taken.
    let drafts: Vec<_> = entries
        .iter()
        .map(|entry| entry.draft(region, &settings, trace))
        .collect();
    let mut drafts = drafts.into_iter();
    Ok(queue.with(|state, now| {
        batch::answer(entries, |_| {
            let draft = drafts.next().ok_or(Error::InternalError)??;
            let send = || Ok(draft.send(state, now));
            region.faults.on_entry(&queue.name, send)
        })
    }))
}

impl<'a> Draft<'a> {
    fn send(mut self, state: &mut State, now: Time) -> Sent<'a> {
        let (id, sequence) = state.queue.send(now, self.content, self.delay);
        self.answer.message_id = id;
        if state.settings.fifo {
            self.answer.sequence_number = Some(sequence_number(sequence));
        }
        self.answer
    }
}
