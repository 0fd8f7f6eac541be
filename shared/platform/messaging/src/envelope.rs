//! Messages as this crate sees them, on their way out and received.

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
pub(crate) const DEATH_REASON: &str = "dead-letter-reason";
pub(crate) const DEATH_SOURCE: &str = "dead-letter-source";

/// The type of our attributes.
pub(crate) const TEXT: &str = "String";
/// The most attributes of a message: an SQS quota.
const ATTRIBUTES: usize = 10;
/// Characters of a reason that are kept: it counts toward the size of the message.
const REASON_LENGTH: usize = 1_000;

/// A message on its way out.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) ordering_key: Option<String>,
    pub(crate) trace_parent: Option<String>,
    /// What a FIFO queue knows it by, if it is moved from another queue, and not by `id`: for five
    /// minutes it takes no other message with the same, not even one that comes back from the dead
    /// letters.
    pub(crate) deduplication_id: Option<String>,
    /// What it came with, if it is moved from another queue.
    pub(crate) extra: ExtraAttributes,
    /// When readers may see it, if not by the queue's own delay.
    pub(crate) due_at: Option<SystemTime>,
    /// Why it is a dead letter, if it is one.
    pub(crate) dead: Option<DeadLetterReason>,
}

/// A message as received. `receipt` is what proves to the queue that we hold it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<String>,
    pub(crate) body: String,
    pub(crate) receipt: String,
    /// The queue's own id of the message, new whenever it is sent.
    pub(crate) queue_id: String,
    /// How often it was received, this time included.
    pub(crate) receive_count: u32,
    pub(crate) sent_at: Option<SystemTime>,
    pub(crate) group: Option<String>,
    pub(crate) trace_parent: Option<String>,
    pub(crate) extra: ExtraAttributes,
    /// Why it is a dead letter, if it is one and we made it one.
    pub(crate) death: Option<DeadLetterReason>,
}

/// What a message came with. A message that is moved keeps all of it.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct ExtraAttributes {
    /// All attributes by name, ours among them, but for those that say why it is a dead letter.
    pub(crate) attributes: HashMap<String, MessageAttributeValue>,
    /// The trace as X-Ray writes it.
    pub(crate) trace_header: Option<String>,
    /// Whether nothing may be added to it.
    pub(crate) is_full: bool,
}

/// Why and from where a message came to the dead letters.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct DeadLetterReason {
    pub(crate) reason: String,
    pub(crate) source: String,
}

impl ExtraAttributes {
    /// Of a message that begins here.
    pub(crate) fn new() -> ExtraAttributes {
        ExtraAttributes::default()
    }
}

impl DeadLetterReason {
    /// SQS takes no empty attribute, and neither the colours of a terminal nor any other sign
    /// that XML has no place for.
    pub(crate) fn new(reason: &str, source: &str) -> DeadLetterReason {
        let is_text = |char: &char| match char {
            '\t' | '\n' | '\r' => true,
            '\u{fffe}' | '\u{ffff}' => false,
            char => *char >= ' ',
        };
        let text = |char| Some(char).filter(is_text).unwrap_or('\u{fffd}');
        let reason: String = reason.chars().take(REASON_LENGTH).map(text).collect();
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
    /// A message on to another queue: to the dead letters, or back from there. Sent once more, it
    /// is the same to a FIFO queue; moved once more, it is another.
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

    /// Whether it came from another queue, where it has got all of its attributes.
    pub(crate) fn is_moved(&self) -> bool {
        self.deduplication_id.is_some()
    }

    /// Whether there is room for its reason, or for the beginning of it.
    pub(crate) fn tells_its_reason(&self) -> bool {
        let own = self.own_attributes();
        own.iter().any(|(name, _)| *name == DEATH_REASON)
    }

    /// Takes everything away that it did not come with.
    pub(crate) fn strip(&mut self) {
        self.dead = None;
        self.extra.is_full = true;
    }

    /// The remaining delay in whole seconds, rounded up and at most SQS's longest.
    pub(crate) fn delay_seconds(&self) -> Option<i32> {
        let due = self.due_at?;
        let left = due.duration_since(SystemTime::now()).unwrap_or_default();
        Some(whole_seconds(left.min(LONGEST_DELAY)) as i32)
    }

    /// What counts toward the size of a batch: the body, and the attributes with their names and
    /// types.
    pub(crate) fn size(&self) -> usize {
        let own = self.own_attributes();
        let own = own.iter().map(|(name, value)| text_size(name, value));
        self.extra_size() + own.sum::<usize>()
    }

    /// The attributes that we give it. A message that is moved keeps what it came with, so it gets
    /// only what there is room for: first the reason, shortened if need be, then the id, by which
    /// an inbox knows it again.
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
        let reason = death.map(|death| (DEATH_REASON, death.reason.as_str().into()));
        let source = death.map(|death| (DEATH_SOURCE, death.source.as_str().into()));
        let mut places = match self.extra.is_full {
            true => 0,
            false => ATTRIBUTES.saturating_sub(self.extra.attributes.len()),
        };
        let mut bytes = BATCH_BYTES.saturating_sub(self.extra_size());
        let mut own = vec![];
        for (name, value) in [reason, Some(id), source].into_iter().flatten() {
            let value: Cow<'_, str> = match name {
                DEATH_REASON => shortened(value, bytes.saturating_sub(text_size(name, ""))),
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

    /// The body, and the attributes that it came with.
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

/// As many whole characters as have room in `bytes`.
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
    fn what_came_stays_and_what_is_added_has_room() {
        let check = |body, attributes, names: &[&str]| {
            let letter = dead_letter(body, attributes);
            let own: Vec<_> = letter.own_attributes();
            let own: Vec<_> = own.iter().map(|(name, _)| *name).collect();
            assert_eq!(own, names, "{body} bytes, {attributes} attributes");
            assert!(letter.size() <= BATCH_BYTES);
        };
        check(10, 0, &[DEATH_REASON, ID, DEATH_SOURCE]);
        check(10, 8, &[DEATH_REASON, ID]);
        check(10, 9, &[DEATH_REASON]);
        check(10, 10, &[]);
        check(BATCH_BYTES, 0, &[]);
        // The name and the type of the reason have room, and of the reason itself one character.
        check(BATCH_BYTES - 24, 0, &[]);
        check(BATCH_BYTES - 25, 0, &[DEATH_REASON]);
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
