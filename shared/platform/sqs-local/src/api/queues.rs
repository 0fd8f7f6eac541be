//! Creating, finding, listing, purging and deleting queues.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::document::Empty;
use super::parameters::{is_name, required};
use super::queue_attributes::{check_dead_letter_queue, first_difference};
use super::tags;
use crate::data::Record;
use crate::error::{Error, Result};
use crate::head::Head;
use crate::region::Region;
use crate::settings::{Pairs, Settings};
use crate::shared_queue::{FindQueue as _, SharedQueue};

/// The shortest time between two purges.
const PURGE_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateQueue {
    queue_name: Option<String>,
    attributes: Option<Pairs>,
    #[serde(rename = "tags")]
    tags: Option<Pairs>,
}

/// The request of an action on a whole queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    queue_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueUrl {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueUrl {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_url: Option<String>,
    queue_name_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The only answer in which Amazon begins a member with a small letter.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sources {
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Creates a queue. An existing queue is returned if no requested attribute differs.
pub(super) fn create(region: &Region, request: CreateQueue, head: &Head<'_>) -> Result<QueueUrl> {
    let name = required(request.queue_name, "QueueName")?;
    let attributes = request.attributes.unwrap_or_default();
    let tags = request.tags.unwrap_or_default();
    let fifo = check_name(&name, &attributes)?;
    let settings = Settings::new(fifo).with(&attributes)?;
    tags::check(&tags, &name)?;
    check_dead_letter_queue(region, &name, &settings)?;

    let make = || {
        let others = Arc::downgrade(&region.queues);
        let arn = region.queues.arn(&name);
        let (settings, tags) = (settings.clone(), tags.clone());
        SharedQueue::new(&name, &arn, settings, tags, others, &region.backing)
    };
    let now = region.backing.clock.now();
    let (queue, is_new) = region.queues.get_or_insert(&name, now, make)?;
    if !is_new && let Some(different) = first_difference(&queue.settings(), &settings, &attributes)
    {
        return Err(Error::QueueNameExists(different));
    }
    Ok(QueueUrl {
        queue_url: region.url(head, &queue),
    })
}

pub(super) fn delete(region: &Region, request: &Named) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let (now, reserve) = (region.backing.clock.now(), !region.leniency.reuse_names);
    // Closed first, so that what is stored of a new queue of that name comes later.
    queue.close();
    region.queues.remove(&queue.name, now, reserve);
    if reserve && let Some(journal) = &region.backing.journal {
        journal.push(Record::NameReserved(queue.arn.clone(), now));
    }
    Ok(Empty {})
}

pub(super) fn get_url(region: &Region, request: &GetQueueUrl, head: &Head<'_>) -> Result<QueueUrl> {
    let name = required(request.queue_name.as_deref(), "QueueName")?;
    if name.is_empty() {
        let message =
            "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    let owner = request.owner.as_deref();
    if owner.is_some_and(|owner| *owner != *region.account) {
        return Err(Error::QueueDoesNotExist);
    }
    let queue = region.queues.get(name).ok_or(Error::QueueDoesNotExist)?;
    Ok(QueueUrl {
        queue_url: region.url(head, &queue),
    })
}

pub(super) fn list(region: &Region, request: &List, head: &Head<'_>) -> Result<Listed> {
    let prefix = request.queue_name_prefix.as_deref().unwrap_or("");
    let (queue_urls, next_token) = page(region, request, head, prefix, |_| true)?;
    Ok(Listed {
        queue_urls,
        next_token,
    })
}

/// The queues that send their dead letters to this one.
pub(super) fn sources(region: &Region, request: &List, head: &Head<'_>) -> Result<Sources> {
    let target = region.queue(request.queue_url.as_deref())?;
    let is_source = |queue: &SharedQueue| {
        queue.settings().redrive.as_ref().is_some_and(|policy| {
            region
                .queues
                .by_arn(&policy.target)
                .is_some_and(|queue| Arc::ptr_eq(&queue, &target))
        })
    };
    let (queue_urls, next_token) = page(region, request, head, "", is_source)?;
    Ok(Sources {
        queue_urls,
        next_token,
    })
}

pub(super) fn purge(region: &Region, request: &Named) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    queue.configure(|state, now| {
        if state
            .last_purge
            .is_some_and(|last| now < last + PURGE_INTERVAL)
        {
            return Err(Error::PurgeQueueInProgress(queue.name.clone()));
        }
        state.last_purge = Some(now);
        state.queue.purge();
        Ok(Empty {})
    })
}

/// Checks the name of a queue. Returns whether it is that of a FIFO queue.
fn check_name(name: &str, attributes: &Pairs) -> Result<bool> {
    let wants_fifo = attributes
        .get("FifoQueue")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let stem = name.strip_suffix(".fifo");
    let is_valid = name.len() <= 80 && is_name(stem.unwrap_or(name));

    let invalid = |reason: &str| Err(Error::InvalidParameterValue(reason.into()));
    match (stem, wants_fifo) {
        (None, true) => invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length.",
        ),
        (None, false) if is_valid => Ok(false),
        (Some(_), true) if is_valid => Ok(true),
        _ => invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ),
    }
}

/// One page of queue URLs, and the token of the next page: the last name in base64.
fn page(
    region: &Region,
    request: &List,
    head: &Head<'_>,
    prefix: &str,
    filter: impl Fn(&SharedQueue) -> bool,
) -> Result<(Vec<String>, Option<String>)> {
    let most = request.max_results.unwrap_or(1000);
    if !(1..=1000).contains(&most) {
        return Err(Error::InvalidParameterValue(
            "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer \
             between 1 and 1000."
                .into(),
        ));
    }
    let after = request.next_token.as_ref().map(|token| {
        let name = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
        name.and_then(|name| String::from_utf8(name).ok())
            .ok_or_else(|| Error::value("NextToken", token, "Invalid token."))
    });
    let mut queues = region.queues.list(prefix, after.transpose()?.as_deref());
    queues.retain(|queue| filter(queue));

    let is_last = queues.len() <= most as usize;
    queues.truncate(most as usize);
    let last = queues
        .last()
        .filter(|_| !is_last && request.max_results.is_some());
    let next_token = last.map(|queue| BASE64_URL_SAFE_NO_PAD.encode(&queue.name));
    Ok((
        queues.iter().map(|queue| region.url(head, queue)).collect(),
        next_token,
    ))
}
