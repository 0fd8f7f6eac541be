//! TagQueue, UntagQueue and ListQueueTags.

use serde::{Deserialize, Serialize};

use super::{Empty, required};
use crate::error::{Error, Result};
use crate::service::Service;
use crate::settings::Pairs;

/// At most so many tags on a queue (an Amazon quota).
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagQueue {
    queue_url: Option<String>,
    tags: Option<Pairs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagQueue {
    queue_url: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueueTags {
    queue_url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    tags: Pairs,
}

pub(super) fn tag(service: &Service, request: TagQueue) -> Result<Empty> {
    let queue = service.queue(&request.queue_url)?;
    let added = required(request.tags.filter(|tags| !tags.is_empty()), "Tags")?;
    queue.with(|state, _| {
        let mut tags = state.tags.clone();
        tags.extend(added);
        check(&tags, &queue.name)?;
        state.tags = tags;
        Ok(Empty {})
    })
}

pub(super) fn untag(service: &Service, request: &UntagQueue) -> Result<Empty> {
    let queue = service.queue(&request.queue_url)?;
    let keys = required(request.tag_keys.as_ref(), "TagKeys")?;
    if keys.is_empty() {
        let reason = "Tag keys must be between 1 and 128 characters in length.";
        return Err(Error::InvalidParameterValue(reason.into()));
    }
    queue.with(|state, _| state.tags.retain(|key, _| !keys.contains(key)));
    Ok(Empty {})
}

pub(super) fn list(service: &Service, request: &ListQueueTags) -> Result<Tags> {
    let queue = service.queue(&request.queue_url)?;
    Ok(Tags {
        tags: queue.with(|state, _| state.tags.clone()),
    })
}

pub(super) fn check(tags: &Pairs, queue: &str) -> Result<()> {
    if tags.len() > MOST {
        let message = format!("Too many tags added for queue {queue}.");
        return Err(Error::InvalidParameterValue(message));
    }
    Ok(())
}
