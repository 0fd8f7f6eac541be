//! ChangeMessageVisibility and ChangeMessageVisibilityBatch.

use std::time::Duration;

use serde::Deserialize;
use sqs_queue::{LONGEST_VISIBILITY, Receipt, Time};

use super::batch::{self, BatchAnswer, Done, Entry};
use super::delete::refused;
use super::document::Empty;
use super::parameters::required;
use super::text::Text;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::shared_queue::State;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeMessageVisibility<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    receipt_handle: Option<Text<'a>>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeMessageVisibilityBatch<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    entries: Option<Vec<ChangeMessageVisibility<'a>>>,
}

impl Entry for ChangeMessageVisibility<'_> {
    const KIND: &'static str = "ChangeMessageVisibilityBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

pub(super) fn one(region: &Region, request: &ChangeMessageVisibility<'_>) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    queue.with(|state, now| request.change(state, now))?;
    Ok(Empty {})
}

pub(super) fn batch<'a>(
    region: &Region,
    request: &'a ChangeMessageVisibilityBatch<'_>,
) -> Result<BatchAnswer<'a, Done<'a>>> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let entries = batch::check(&request.entries)?;
    Ok(queue.with(|state, now| {
        batch::answer_done(entries, |entry| {
            let change = || entry.change(state, now);
            region.faults.on_entry(&queue.name, change)
        })
    }))
}

impl ChangeMessageVisibility<'_> {
    fn change(&self, state: &mut State, now: Time) -> Result<()> {
        let handle = required(self.receipt_handle.as_deref(), "ReceiptHandle")?;
        let seconds = required(self.visibility_timeout, "VisibilityTimeout")?;
        let visibility = u64::try_from(seconds).map(Duration::from_secs);
        let visibility = visibility
            .ok()
            .filter(|v| *v <= LONGEST_VISIBILITY)
            .ok_or_else(|| {
                let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
                Error::value("VisibilityTimeout", seconds, reason)
            })?;
        let receipt =
            Receipt::parse(handle).ok_or_else(|| Error::ReceiptHandleIsInvalid(handle.into()))?;
        state
            .queue
            .change_visibility(now, receipt, visibility)
            .map_err(|refusal| refused(refusal, handle))
    }
}
