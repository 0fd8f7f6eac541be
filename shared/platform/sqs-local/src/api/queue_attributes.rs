//! GetQueueAttributes and SetQueueAttributes, and the checks that they share with CreateQueue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::Empty;
use super::parameters::required;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::settings::{Pairs, Settings};
use crate::shared_queue::{FindQueue as _, SharedQueue};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetQueueAttributes {
    queue_url: Option<String>,
    attributes: Option<Pairs>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

pub(super) fn get(region: &Region, request: &GetQueueAttributes) -> Result<Attributes> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let names = request.attribute_names.as_deref().unwrap_or_default();
    let mut attributes = describe(&queue);
    for name in names {
        if name != "All" && !attributes.contains_key(&**name) && !is_optional(name) {
            return Err(Error::unknown_attribute(name));
        }
    }
    let is_requested = |name: &str| names.iter().any(|n| n == "All" || n == name);
    attributes.retain(|name, _| is_requested(name));
    Ok(Attributes { attributes })
}

pub(super) fn set(region: &Region, request: &SetQueueAttributes) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let changes = request
        .attributes
        .as_ref()
        .filter(|changes| !changes.is_empty());
    let changes = required(changes, "Attribute.Name")?;
    if changes.contains_key("RedrivePolicy") {
        // This reads another queue, so it comes before this queue's lock.
        check_dead_letter_queue(region, &queue.name, &queue.settings().with(changes)?)?;
    }
    queue.configure(|state, now| {
        let settings = state.settings.with(changes)?;
        state.reconfigure(now, settings);
        state.last_modified = now;
        Ok(Empty {})
    })
}

/// Checks that a redrive policy names an existing queue of the same type that allows this queue.
pub(super) fn check_dead_letter_queue(
    region: &Region,
    name: &str,
    settings: &Settings,
) -> Result<()> {
    let Some(policy) = &settings.redrive else {
        return Ok(());
    };
    let invalid = |reason: &str| Err(Error::value("RedrivePolicy", policy, reason));
    let Some(target) = region.queues.by_arn(&policy.target) else {
        return invalid("Dead letter target does not exist.");
    };
    let target = target.settings();
    if target.fifo != settings.fifo {
        // With two full stops, as in Amazon's text.
        return invalid("Dead-letter queue must be same type of queue as the source..");
    }
    if target
        .redrive_allow
        .as_ref()
        .is_some_and(|allow| !allow.allows(&region.queues.arn(name)))
    {
        return invalid("Queue does not have permission to redrive to this dead-letter queue.");
    }
    Ok(())
}

/// The first requested attribute whose value differs in meaning from that of the existing queue.
pub(super) fn first_difference(
    existing: &Settings,
    requested: &Settings,
    attributes: &Pairs,
) -> Option<&'static str> {
    let existing = existing.pairs();
    let is_equal =
        |name: &str, value: &str| existing.get(name).is_some_and(|now| are_equal(now, value));
    let requested = requested.pairs().into_iter();
    requested
        .filter(|(name, _)| attributes.contains_key(*name))
        .find(|(name, value)| !is_equal(name, value))
        .map(|(name, _)| name)
}

/// Whether two values are equal. Policies may differ in white space and in the order of lists.
fn are_equal(one: &str, other: &str) -> bool {
    let normal = |text: &str| serde_json::from_str(text).ok().map(normal_form);
    one == other || (one.starts_with('{') && normal(one) == normal(other))
}

/// A policy with its lists sorted: the order of a list in a policy has no meaning.
fn normal_form(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(normal_form).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => {
            let members = members.into_iter();
            members
                .map(|(name, value)| (name, normal_form(value)))
                .collect()
        }
        other => other,
    }
}

/// All attributes of the queue: those that clients set, and those that the queue computes.
fn describe(queue: &SharedQueue) -> BTreeMap<&'static str, String> {
    queue.with(|state, now| {
        let depth = state.queue.depth(now);
        let mut attributes = state.settings.pairs();
        attributes.extend([
            ("QueueArn", queue.arn.to_string()),
            ("CreatedTimestamp", queue.created.seconds().to_string()),
            (
                "LastModifiedTimestamp",
                state.last_modified.seconds().to_string(),
            ),
            ("ApproximateNumberOfMessages", depth.waiting.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                depth.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                depth.delayed.to_string(),
            ),
        ]);
        attributes
    })
}

/// Attributes that a queue may lack, so that requesting them is no error.
fn is_optional(name: &str) -> bool {
    const OPTIONAL: [&str; 9] = [
        "Policy",
        "RedrivePolicy",
        "RedriveAllowPolicy",
        "FifoQueue",
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "FifoThroughputLimit",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
    ];
    OPTIONAL.contains(&name)
}
