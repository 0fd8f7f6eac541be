//! DeleteMessage and DeleteMessageBatch.

use serde::Deserialize;
use sqs_queue::faults::deliver_again;
use sqs_queue::{Receipt, Refusal, Time};

use super::batch::{self, BatchAnswer, Done, Entry};
use super::document::Empty;
use super::parameters::required;
use super::text::Text;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::shared_queue::{SharedQueue, State};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessage<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    receipt_handle: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessageBatch<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    entries: Option<Vec<DeleteMessage<'a>>>,
}

impl Entry for DeleteMessage<'_> {
    const KIND: &'static str = "DeleteMessageBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

pub(super) fn one(region: &Region, request: &DeleteMessage<'_>) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    queue.with(|state, now| request.delete(region, &queue, state, now))?;
    Ok(Empty {})
}

pub(super) fn batch<'a>(
    region: &Region,
    request: &'a DeleteMessageBatch<'_>,
) -> Result<BatchAnswer<'a, Done<'a>>> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let entries = batch::check(&request.entries)?;
    Ok(queue.with(|state, now| {
        batch::answer_done(entries, |entry| {
            let delete = || entry.delete(region, &queue, state, now);
            region.faults.on_entry(&queue.name, delete)
        })
    }))
}

impl DeleteMessage<'_> {
    fn delete(
        &self,
        region: &Region,
        queue: &SharedQueue,
        state: &mut State,
        now: Time,
    ) -> Result<()> {
        let handle = required(self.receipt_handle.as_deref(), "ReceiptHandle")?;
        let receipt =
            Receipt::parse(handle).ok_or_else(|| Error::ReceiptHandleIsInvalid(handle.into()))?;
        let comes_again = region
            .faults
            .occurs(&queue.name, |faults| faults.duplicates);
        let deleted = if comes_again {
            deliver_again(&mut state.queue, now, receipt)
        } else if region.leniency.old_receipts_delete {
            state.queue.delete_by_any_receipt(now, receipt)
        } else {
            state.queue.delete(now, receipt)
        };
        deleted.map_err(|refusal| refused(refusal, handle))
    }
}

/// Amazon's error for a rejected receipt handle.
pub(super) fn refused(refusal: Refusal, handle: &str) -> Error {
    let invalid = |reason| Error::value("ReceiptHandle", handle, reason);
    match refusal {
        Refusal::WrongQueue => Error::ReceiptHandleOfAnotherQueue(handle.into()),
        Refusal::Expired => invalid("The receipt handle has expired."),
        Refusal::Gone => {
            invalid("Message does not exist or is not available for visibility timeout change.")
        }
        Refusal::TooLong(visibility) => Error::value(
            "VisibilityTimeout",
            visibility.as_secs(),
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].",
        ),
    }
}
