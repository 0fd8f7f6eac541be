//! Amazon's errors, each with its two names, its status and its words.
//!
//! An SDK of today reads the shape's name from `__type` in the body; one that is older than the
//! JSON protocol, and the Rust SDK for its typed errors, read the code of the query protocol from
//! the header `x-amzn-query-error`. So both are sent.

use serde_json::json;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(&'static str),
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    #[error("The receipt handle \"{0}\" is not valid for this queue.")]
    ReceiptHandleOfAnotherQueue(String),
    #[error(
        "Value {0} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is \
         not available for visibility timeout change."
    )]
    MessageNotInflight(String),
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
         | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents,
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
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    #[error("{0}")]
    ResourceNotFound(&'static str),
    #[error("{0}")]
    UnsupportedOperation(&'static str),
    #[error("The action {0} is not valid for this endpoint.")]
    InvalidAction(String),
    #[error("{0}")]
    Serialization(String),
    #[error("The request was denied due to request throttling.")]
    RequestThrottled,
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

    /// The shape's name, the query protocol's code and the HTTP status.
    fn names(&self) -> (&'static str, &'static str, u16) {
        match self {
            Error::QueueDoesNotExist => (
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                400,
            ),
            Error::QueueNameExists(_) => ("QueueNameExists", "QueueAlreadyExists", 400),
            Error::PurgeQueueInProgress(_) => (
                "PurgeQueueInProgress",
                "AWS.SimpleQueueService.PurgeQueueInProgress",
                403,
            ),
            Error::ReceiptHandleIsInvalid(_) | Error::ReceiptHandleOfAnotherQueue(_) => {
                ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404)
            }
            Error::MessageNotInflight(_) => (
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
                400,
            ),
            Error::InvalidMessageContents => {
                ("InvalidMessageContents", "InvalidMessageContents", 400)
            }
            Error::OverLimit(_) => ("OverLimit", "OverLimit", 403),
            Error::EmptyBatchRequest(_) => (
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
                400,
            ),
            Error::TooManyEntriesInBatchRequest(_) => (
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                400,
            ),
            Error::BatchEntryIdsNotDistinct(_) => (
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                400,
            ),
            Error::InvalidBatchEntryId => (
                "InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                400,
            ),
            Error::BatchRequestTooLong { .. } => (
                "BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
                400,
            ),
            Error::InvalidAttributeName(_) => ("InvalidAttributeName", "InvalidAttributeName", 400),
            Error::InvalidAttributeValue(_) => {
                ("InvalidAttributeValue", "InvalidAttributeValue", 400)
            }
            Error::InvalidParameterValue(_) => (
                "InvalidParameterValueException",
                "InvalidParameterValue",
                400,
            ),
            Error::MissingParameter(_) => {
                ("MissingRequiredParameterException", "MissingParameter", 400)
            }
            Error::ResourceNotFound(_) => (
                "ResourceNotFoundException",
                "ResourceNotFoundException",
                404,
            ),
            Error::UnsupportedOperation(_) => (
                "UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
                400,
            ),
            Error::InvalidAction(_) => ("UnknownOperationException", "InvalidAction", 400),
            Error::Serialization(_) => ("SerializationException", "MalformedInput", 400),
            Error::RequestThrottled => ("RequestThrottled", "RequestThrottled", 403),
            Error::InternalError => ("InternalFailure", "InternalFailure", 500),
            Error::ServiceUnavailable => ("ServiceUnavailableException", "ServiceUnavailable", 503),
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.names().2
    }

    /// The code of the query protocol, which batch entries carry as well.
    pub(crate) fn code(&self) -> &'static str {
        self.names().1
    }

    pub(crate) fn is_senders_fault(&self) -> bool {
        self.status() < 500
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
        let shape = format!("com.amazonaws.sqs#{}", self.names().0);
        json!({ "__type": shape, "message": self.to_string() })
            .to_string()
            .into_bytes()
    }
}
