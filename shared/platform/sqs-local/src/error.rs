//! Amazon's errors, each with its two names, its status and its text.
//!
//! Current SDKs read the shape's name from `__type` in the body. SDKs older than the JSON protocol,
//! and the Rust SDK for its typed errors, read the code of the query protocol from the header
//! `x-amzn-query-error`. So both are sent.

use std::borrow::Cow;

use serde_json::json;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(&'static str),
    #[error(
        "You must wait 60 seconds after deleting a queue before you can create another with the \
         same name."
    )]
    QueueDeletedRecently,
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    #[error("The receipt handle \"{0}\" is not valid for this queue.")]
    ReceiptHandleOfAnotherQueue(String),
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
         | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents,
    #[error("One or more parameters are invalid. Reason: Message must be shorter than {0} bytes.")]
    MessageTooLong(usize),
    /// The same for an entry of a batch, with another text.
    #[error(
        "One or more parameters cannot be validated. Reason: Message must be shorter than {0} \
         bytes."
    )]
    EntryTooLong(usize),
    #[error("{0}")]
    OverLimit(String),
    #[error("There should be at least one {0} in the request.")]
    EmptyBatchRequest(&'static str),
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
         can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    #[error("Batch requests cannot be longer than {most} bytes. You have sent {sent} bytes.")]
    BatchRequestTooLong { most: usize, sent: usize },
    #[error("{0}")]
    InvalidAttributeName(String),
    #[error("{0}")]
    InvalidAttributeValue(String),
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(Cow<'static, str>),
    #[error("{0}")]
    ResourceNotFound(String),
    #[error("The action {0} is not valid for this endpoint.")]
    InvalidAction(String),
    #[error("{0}")]
    Serialization(String),
    #[error("The request was denied due to request throttling.")]
    RequestThrottled,
    #[error("The request was denied due to request throttling.")]
    EntryThrottled { blames_sender: bool },
    #[error("We encountered an internal error. Please try again.")]
    InternalError,
    #[error("The request has failed due to a temporary failure of the server.")]
    ServiceUnavailable,
}

impl Error {
    /// "Value {value} for parameter {name} is invalid. Reason: {reason}"
    pub(crate) fn value(name: &str, value: impl std::fmt::Display, reason: &str) -> Error {
        Error::InvalidParameterValue(format!(
            "Value {value} for parameter {name} is invalid. Reason: {reason}"
        ))
    }

    pub(crate) fn missing(parameter: impl Into<Cow<'static, str>>) -> Error {
        Error::MissingParameter(parameter.into())
    }

    pub(crate) fn unknown_attribute(name: &str) -> Error {
        Error::InvalidAttributeName(format!("Unknown Attribute {name}."))
    }

    pub(crate) fn attribute(name: &str) -> Error {
        Error::InvalidAttributeValue(format!("Invalid value for the parameter {name}."))
    }

    pub(crate) fn attribute_because(name: &str, reason: &str) -> Error {
        Error::InvalidAttributeValue(format!(
            "Invalid value for the parameter {name}. Reason: {reason}"
        ))
    }

    /// The name in the JSON protocol.
    fn shape(&self) -> &'static str {
        match self {
            Error::QueueDoesNotExist => "QueueDoesNotExist",
            Error::QueueNameExists(_) => "QueueNameExists",
            Error::QueueDeletedRecently => "QueueDeletedRecently",
            Error::PurgeQueueInProgress(_) => "PurgeQueueInProgress",
            Error::ReceiptHandleIsInvalid(_) => "ReceiptHandleIsInvalid",
            Error::ReceiptHandleOfAnotherQueue(_) => "ReceiptHandleIsInvalid",
            Error::InvalidMessageContents => "InvalidMessageContents",
            Error::OverLimit(_) => "OverLimit",
            Error::EmptyBatchRequest(_) => "EmptyBatchRequest",
            Error::TooManyEntriesInBatchRequest(_) => "TooManyEntriesInBatchRequest",
            Error::BatchEntryIdsNotDistinct(_) => "BatchEntryIdsNotDistinct",
            Error::InvalidBatchEntryId => "InvalidBatchEntryId",
            Error::BatchRequestTooLong { .. } => "BatchRequestTooLong",
            Error::InvalidAttributeName(_) => "InvalidAttributeName",
            Error::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Error::InvalidParameterValue(_) | Error::MessageTooLong(_) | Error::EntryTooLong(_) => {
                "InvalidParameterValueException"
            }
            Error::MissingParameter(_) => "MissingRequiredParameterException",
            Error::ResourceNotFound(_) => "ResourceNotFoundException",
            Error::InvalidAction(_) => "UnknownOperationException",
            Error::Serialization(_) => "SerializationException",
            Error::RequestThrottled | Error::EntryThrottled { .. } => "RequestThrottled",
            Error::InternalError => "InternalFailure",
            Error::ServiceUnavailable => "ServiceUnavailableException",
        }
    }

    /// The code in the query protocol, which failed batch entries have as well.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Error::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Error::QueueNameExists(_) => "QueueAlreadyExists",
            Error::QueueDeletedRecently => "AWS.SimpleQueueService.QueueDeletedRecently",
            Error::PurgeQueueInProgress(_) => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Error::EmptyBatchRequest(_) => "AWS.SimpleQueueService.EmptyBatchRequest",
            Error::TooManyEntriesInBatchRequest(_) => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
            Error::BatchEntryIdsNotDistinct(_) => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Error::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Error::BatchRequestTooLong { .. } => "AWS.SimpleQueueService.BatchRequestTooLong",
            Error::InvalidParameterValue(_) | Error::MessageTooLong(_) | Error::EntryTooLong(_) => {
                "InvalidParameterValue"
            }
            Error::MissingParameter(_) => "MissingParameter",
            Error::InvalidAction(_) => "InvalidAction",
            Error::Serialization(_) => "MalformedInput",
            Error::ServiceUnavailable => "ServiceUnavailable",
            other => other.shape(),
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Error::PurgeQueueInProgress(_) | Error::OverLimit(_) => 403,
            Error::RequestThrottled | Error::EntryThrottled { .. } => 403,
            Error::ReceiptHandleIsInvalid(_) | Error::ReceiptHandleOfAnotherQueue(_) => 404,
            Error::ResourceNotFound(_) => 404,
            Error::InternalError => 500,
            Error::ServiceUnavailable => 503,
            _ => 400,
        }
    }

    /// The namespace of the shape: errors that all services of Amazon share have that of their
    /// framework.
    fn namespace(&self) -> &'static str {
        match self {
            Error::InvalidParameterValue(_)
            | Error::MessageTooLong(_)
            | Error::EntryTooLong(_)
            | Error::MissingParameter(_)
            | Error::InvalidAction(_)
            | Error::Serialization(_)
            | Error::InternalError
            | Error::ServiceUnavailable => "com.amazon.coral.service",
            _ => "com.amazonaws.sqs",
        }
    }

    /// Whether the answer blames the sender.
    pub(crate) fn is_senders_fault(&self) -> bool {
        match self {
            Error::EntryThrottled { blames_sender } => *blames_sender,
            other => other.status() < 500,
        }
    }

    /// The value of `x-amzn-query-error`.
    pub fn query_error(&self) -> String {
        let fault = if self.is_senders_fault() {
            "Sender"
        } else {
            "Receiver"
        };
        format!("{};{fault}", self.code())
    }

    /// The document of the JSON protocol.
    pub fn document(&self) -> Vec<u8> {
        let shape = format!("{}#{}", self.namespace(), self.shape());
        json!({ "__type": shape, "message": self.to_string() })
            .to_string()
            .into_bytes()
    }
}
