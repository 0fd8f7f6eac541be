//! Messages inside of this crate, outgoing and received.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_sqs::types::MessageAttributeValue;
use uuid::Uuid;

use crate::quota::BATCH_BYTES;
use crate::quota::LONGEST_DELAY;
use crate::topology::whole_seconds;

/// The names of our message attributes.
pub(crate) const ID: &str = "message-id";
pub(crate) const KIND: &str = "kind";
pub(crate) const TRACE_PARENT: &str = "traceparent";
pub(crate) const DEAD_LETTER_REASON: &str = "dead-letter-reason";
pub(crate) const DEAD_LETTER_SOURCE: &str = "dead-letter-source";

/// The type of our attributes.
pub(crate) const TEXT: &str = "String";
/// Maximum attributes of a message, an SQS quota.
const MAX_ATTRIBUTES: usize = 10;
/// Maximum characters of a reason, because it counts toward the size of the message.
const MAX_REASON_LENGTH: usize = 1_000;

/// An outgoing message.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) ordering_key: Option<String>,
    pub(crate) trace_parent: Option<String>,
    /// The deduplication id of a message that is moved from another queue; otherwise `id` is used.
    /// For 5 min a FIFO queue ignores other messages with the same one, also one that is redriven.
    pub(crate) deduplication_id: Option<String>,
    /// The attributes that it came with, if it is moved from another queue.
    pub(crate) extra: ExtraAttributes,
    /// When it can be received, if the queue's own delay does not apply.
    pub(crate) due_at: Option<SystemTime>,
    /// The reason, if it becomes a dead letter.
    pub(crate) dead: Option<DeadLetterReason>,
}

/// A received message. `receipt` identifies this receive to the queue.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<String>,
    pub(crate) body: String,
    pub(crate) receipt: String,
    /// The queue's own id of the message, which each send creates.
    pub(crate) queue_id: String,
    /// How often it was received, including this time.
    pub(crate) receive_count: u32,
    pub(crate) sent_at: Option<SystemTime>,
    pub(crate) group: Option<String>,
    pub(crate) trace_parent: Option<String>,
    pub(crate) extra: ExtraAttributes,
    /// The reason, if this runtime made it a dead letter.
    pub(crate) death: Option<DeadLetterReason>,
}

/// The attributes that a message came with. A moved message keeps them.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct ExtraAttributes {
    /// All attributes by name, including ours, except those that give the reason of a dead letter.
    pub(crate) attributes: HashMap<String, MessageAttributeValue>,
    /// The trace header in X-Ray's format.
    pub(crate) trace_header: Option<String>,
    /// Whether no attribute may be added.
    pub(crate) is_full: bool,
}

/// The reason and the source queue of a dead letter.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct DeadLetterReason {
    pub(crate) reason: String,
    pub(crate) source: String,
}

impl ExtraAttributes {
    /// No attributes, for a new message.
    pub(crate) fn new() -> ExtraAttributes {
        ExtraAttributes::default()
    }
}

impl DeadLetterReason {
    /// Makes a reason that SQS accepts: not empty, and without characters that XML does not allow,
    /// such as the colours of a terminal.
    pub(crate) fn new(reason: &str, source: &str) -> DeadLetterReason {
        let is_text = |char: &char| match char {
            '\t' | '\n' | '\r' => true,
            '\u{fffe}' | '\u{ffff}' => false,
            char => *char >= ' ',
        };
        let text = |char| Some(char).filter(is_text).unwrap_or('\u{fffd}');
        let reason: String = reason.chars().take(MAX_REASON_LENGTH).map(text).collect();
        let is_empty = reason.trim().is_empty();
        DeadLetterReason {
            reason: if is_empty {
                "no reason was given".into()
            } else {
                reason
            },
            source: source.to_owned(),
        }
    }
}

impl Outgoing {
    /// Moves a message to another queue: to the dead letters, or back. A FIFO queue recognises a
    /// repeated send of the same move, and accepts another move.
    pub(crate) fn moved(
        delivery: &Delivery,
        queue: String,
        dead: Option<DeadLetterReason>,
    ) -> Outgoing {
        Outgoing {
            id: delivery.id,
            queue,
            kind: delivery.kind.clone().unwrap_or_default(),
            body: delivery.body.clone(),
            ordering_key: delivery.group.clone(),
            trace_parent: delivery.trace_parent.clone(),
            deduplication_id: Some(delivery.queue_id.clone()),
            extra: delivery.extra.clone(),
            due_at: None,
            dead,
        }
    }

    /// Whether it is moved from another queue, with its attributes.
    pub(crate) fn is_moved(&self) -> bool {
        self.deduplication_id.is_some()
    }

    /// Whether there is room for its reason, or for the beginning of it.
    pub(crate) fn has_room_for_reason(&self) -> bool {
        let own = self.own_attributes();
        own.iter().any(|(name, _)| *name == DEAD_LETTER_REASON)
    }

    /// Removes everything that it did not come with.
    pub(crate) fn strip(&mut self) {
        self.dead = None;
        self.extra.is_full = true;
    }

    /// The remaining delay in whole seconds, rounded up, at most SQS's maximum.
    pub(crate) fn delay_seconds(&self) -> Option<i32> {
        let due = self.due_at?;
        let left = due.duration_since(SystemTime::now()).unwrap_or_default();
        Some(whole_seconds(left.min(LONGEST_DELAY)) as i32)
    }

    /// The bytes that count toward the size of a batch: the body, and the attributes with their
    /// names and types.
    pub(crate) fn size(&self) -> usize {
        let own = self.own_attributes();
        let own = own.iter().map(|(name, value)| text_size(name, value));
        self.extra_size() + own.sum::<usize>()
    }

    /// The attributes that we add. A moved message keeps its own, so we add only those that have
    /// room: first the reason, shortened if necessary, then the id, by which an inbox recognises
    /// it, then the source.
    pub(crate) fn own_attributes(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let id = (ID, self.id.to_string().into());
        if !self.is_moved() {
            let kind = Some(&self.kind).filter(|kind| !kind.is_empty());
            let kind = kind.map(|kind| (KIND, kind.into()));
            let trace = self.trace_parent.as_ref();
            let trace = trace.map(|trace| (TRACE_PARENT, trace.into()));
            return [Some(id), kind, trace].into_iter().flatten().collect();
        }

        let death = self.dead.as_ref();
        let reason = death.map(|death| (DEAD_LETTER_REASON, death.reason.as_str().into()));
        let source = death.map(|death| (DEAD_LETTER_SOURCE, death.source.as_str().into()));
        let mut places = match self.extra.is_full {
            true => 0,
            false => MAX_ATTRIBUTES.saturating_sub(self.extra.attributes.len()),
        };
        let mut bytes = BATCH_BYTES.saturating_sub(self.extra_size());
        let mut own = vec![];
        for (name, value) in [reason, Some(id), source].into_iter().flatten() {
            let value: Cow<'_, str> = match name {
                DEAD_LETTER_REASON => shortened(value, bytes.saturating_sub(text_size(name, ""))),
                _ => value,
            };
            let size = text_size(name, &value);
            let is_there = self.extra.attributes.contains_key(name);
            if places > 0 && size <= bytes && !value.is_empty() && !is_there {
                places -= 1;
                bytes -= size;
                own.push((name, value));
            }
        }
        own
    }

    /// The bytes of the body and of the attributes that it came with.
    fn extra_size(&self) -> usize {
        let attributes = self.extra.attributes.iter();
        let sizes = attributes.map(|(name, value)| {
            let text = value.string_value().map_or(0, str::len);
            let bytes = value.binary_value().map_or(0, |bytes| bytes.as_ref().len());
            name.len() + value.data_type().len() + text + bytes
        });
        self.body.len() + sizes.sum::<usize>()
    }
}

fn text_size(name: &str, value: &str) -> usize {
    name.len() + TEXT.len() + value.len()
}

/// The beginning of a text, as many whole characters as fit in `bytes`.
fn shortened(text: Cow<'_, str>, bytes: usize) -> Cow<'_, str> {
    match text {
        text if text.len() <= bytes => text,
        Cow::Borrowed(text) => text[..text.floor_char_boundary(bytes)].into(),
        Cow::Owned(text) => text[..text.floor_char_boundary(bytes)].to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead_letter(body: usize, attributes: usize) -> Outgoing {
        let value = MessageAttributeValue::builder().data_type("Number.int");
        let value = value.string_value("7").build().unwrap();
        let named = |n| (format!("name-{n}"), value.clone());
        Outgoing {
            id: Uuid::nil(),
            queue: "parcels-dlq".into(),
            kind: String::new(),
            body: "x".repeat(body),
            ordering_key: None,
            trace_parent: None,
            deduplication_id: Some("1".into()),
            extra: ExtraAttributes {
                attributes: (0..attributes).map(named).collect(),
                ..ExtraAttributes::new()
            },
            due_at: None,
            dead: Some(DeadLetterReason::new("r\u{e9}ason", "parcels")),
        }
    }

    #[test]
    fn own_attributes_are_added_only_where_they_have_room() {
        let check = |body, attributes, names: &[&str]| {
            let letter = dead_letter(body, attributes);
            let own: Vec<_> = letter.own_attributes();
            let own: Vec<_> = own.iter().map(|(name, _)| *name).collect();
            assert_eq!(own, names, "{body} bytes, {attributes} attributes");
            assert!(letter.size() <= BATCH_BYTES);
        };
        check(10, 0, &[DEAD_LETTER_REASON, ID, DEAD_LETTER_SOURCE]);
        check(10, 8, &[DEAD_LETTER_REASON, ID]);
        check(10, 9, &[DEAD_LETTER_REASON]);
        check(10, 10, &[]);
        check(BATCH_BYTES, 0, &[]);
        // There is room for name and type of the reason, and for one character of its text.
        check(BATCH_BYTES - 24, 0, &[]);
        check(BATCH_BYTES - 25, 0, &[DEAD_LETTER_REASON]);
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let check = |bytes, kept| assert_eq!(shortened("r\u{e9}ason".into(), bytes), kept);
        check(0, "");
        check(1, "r");
        check(2, "r");
        check(3, "r\u{e9}");
        check(70, "r\u{e9}ason");
    }
}
