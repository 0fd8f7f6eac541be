//! TagQueue, UntagQueue and ListQueueTags.

use serde::{Deserialize, Serialize};

use super::document::Empty;
use super::parameters::required;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::settings::Pairs;

/// The most tags of a queue (an Amazon quota).
const MOST: usize = 50;

const WRONG_KEY: &str = "Tag keys must be between 1 and 128 characters in length.";

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

pub(super) fn tag(region: &Region, request: TagQueue) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let added = required(request.tags.filter(|tags| !tags.is_empty()), "Tags")?;
    queue.configure(|state, _| {
        let mut tags = state.tags.clone();
        tags.extend(added);
        check(&tags, &queue.name)?;
        state.tags = tags;
        Ok(Empty {})
    })
}

pub(super) fn untag(region: &Region, request: &UntagQueue) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let keys = required(request.tag_keys.as_ref(), "TagKeys")?;
    if keys.is_empty() {
        return Err(Error::InvalidParameterValue(WRONG_KEY.into()));
    }
    queue.configure(|state, _| state.tags.retain(|key, _| !keys.contains(key)));
    Ok(Empty {})
}

pub(super) fn list(region: &Region, request: &ListQueueTags) -> Result<Tags> {
    let queue = region.queue(request.queue_url.as_deref())?;
    Ok(Tags {
        tags: queue.with(|state, _| state.tags.clone()),
    })
}

pub(super) fn check(tags: &Pairs, queue: &str) -> Result<()> {
    let invalid = |message: &str| Err(Error::InvalidParameterValue(message.into()));
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) {
            return invalid(WRONG_KEY);
        }
        if value.chars().count() > 256 {
            return invalid("Tag values must be between 0 and 256 characters in length.");
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return invalid("Tag keys must not begin with aws:, which is reserved.");
        }
    }
    if tags.len() > MOST {
        let message = format!("Too many tags added for queue {queue}.");
        return Err(Error::InvalidParameterValue(message));
    }
    Ok(())
}
