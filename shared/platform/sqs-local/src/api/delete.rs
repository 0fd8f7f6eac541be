//! DeleteMessage and DeleteMessageBatch.

use serde::Deserialize;

use super::batch::{self, BatchAnswer, Done, Entry};
use super::text::Text;
use super::{Empty, required};
use crate::error::{Error, Result};
use crate::host::{Host, State};
use crate::queue::{Receipt, Refusal};
use crate::service::Service;
use crate::time::Time;

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

pub(super) fn one(service: &Service, request: &DeleteMessage<'_>) -> Result<Empty> {
    let queue = service.queue(request.queue_url.as_deref())?;
    queue.with(|state, now| request.delete(service, &queue, state, now))?;
    Ok(Empty {})
}

pub(super) fn batch<'a>(
    service: &Service,
    request: &'a DeleteMessageBatch<'_>,
) -> Result<BatchAnswer<'a, Done<'a>>> {
    let queue = service.queue(request.queue_url.as_deref())?;
    let entries = batch::check(&request.entries)?;
    Ok(queue.with(|state, now| {
        batch::answer_done(entries, |entry| {
            service.chaos.before_entry(&queue.name)?;
            entry.delete(service, &queue, state, now)
        })
    }))
}

impl DeleteMessage<'_> {
    fn delete(&self, service: &Service, queue: &Host, state: &mut State, now: Time) -> Result<()> {
        let handle = required(self.receipt_handle.as_deref(), "ReceiptHandle")?;
        let receipt =
            Receipt::parse(handle).ok_or_else(|| Error::ReceiptHandleIsInvalid(handle.into()))?;
        let deleted = if service.chaos.strikes(&queue.name, |rule| rule.duplicates) {
            state.queue.deliver_again(now, receipt)
        } else if service.habits.old_receipts_delete {
            state.queue.delete_by_any_receipt(now, receipt)
        } else {
            state.queue.delete(now, receipt)
        };
        deleted.map_err(|refusal| refused(refusal, handle))
    }
}

/// Amazon's words for a handle that was not honoured.
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
