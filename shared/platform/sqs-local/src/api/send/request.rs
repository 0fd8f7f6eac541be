//! The request and the answer of a send.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::body::Body;
use crate::api::batch::Entry;
use crate::api::text::Text;
use crate::attributes::Attributes;
use crate::md5::Md5;

/// A SendMessage request, or an entry of a batch, which has an id instead of the queue's URL.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendMessage<'a> {
    #[serde(borrow)]
    pub(super) queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message_body: Option<Body<'a>>,
    pub(super) delay_seconds: Option<i64>,
    pub(super) message_attributes: Option<Attributes>,
    pub(super) message_system_attributes: Option<Attributes>,
    pub(super) message_group_id: Option<String>,
    pub(super) message_deduplication_id: Option<String>,
}

impl Entry for SendMessage<'_> {
    const KIND: &'static str = "SendMessageBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Sent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) message_id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    pub(super) md5_of_body: Md5,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) md5_of_attributes: Option<Md5>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) md5_of_system_attributes: Option<Md5>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence_number: Option<String>,
}
