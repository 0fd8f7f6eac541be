//! What a client sends, and the queue types for it.

use std::sync::Arc;

use serde_json::value::RawValue;
use sqs_queue::Time;

use crate::attributes::Attributes;
use crate::md5::Md5;

/// The parts of a message that the queue stores without looking at them.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// The body as a JSON string. It goes out exactly as it came in, never unescaped in between.
    pub(crate) body: Box<RawValue>,
    /// Of the body's UTF-8 bytes.
    pub(crate) md5: Md5,
    pub(crate) attributes: Attributes,
    pub(crate) trace_header: Option<String>,
    pub(crate) sender: Arc<str>,
    pub(crate) sent: Time,
}

pub(crate) type Queue = sqs_queue::Queue<Payload>;
pub(crate) type Content = sqs_queue::Content<Payload>;
pub(crate) type Delivery = sqs_queue::Delivery<Payload>;
pub(crate) type Departure = sqs_queue::Departure<Payload>;
pub(crate) type Received = sqs_queue::Received<Payload>;
