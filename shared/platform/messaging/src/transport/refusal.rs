//! Refusals and errors of SQS: which of them a retry may solve.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use crate::{Error, telemetry};

/// The result of one entry of a batch call.
pub(crate) type EntryResult = Result<(), Refused>;

/// The refusal of an entry, or of the whole call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Whether the entry itself is wrong, so that a retry is useless.
    pub(crate) is_final: bool,
}

/// Codes for a wrong entry: its contents, size, attributes, ids or receipt.
///
/// Every other code is retried. Throttling, also that of KMS, and server failures are transient;
/// people can correct rights, keys and queues; and a new code is unknown. `SenderFault` is not
/// used, because it is also true for a throttled entry and for a missing right.
/// Source: the errors of the three batch actions and of their single forms, SQS API reference.
const OF_THE_ENTRY: [&str; 10] = [
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "InvalidIdFormat",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "MessageNotInflight",
    "MissingParameter",
    "MissingRequiredParameter",
    "ReceiptHandleIsInvalid",
];
/// Codes of a whole call for wrong messages. If the call has one message, it is that one.
const OF_THE_MESSAGES: [&str; 3] = [
    "BatchRequestTooLong",
    "InvalidMessageContents",
    "MessageTooLong",
];
/// Codes for a missing queue, in the JSON protocol and in the older query protocol.
const GONE: [&str; 2] = ["QueueDoesNotExist", "NonExistentQueue"];

/// Whether an entry with this code would be refused again.
fn is_of_the_entry(code: &str) -> bool {
    let code = bare(code);
    OF_THE_ENTRY.contains(&code) || OF_THE_MESSAGES.contains(&code)
}

/// Whether a call was refused because of its messages.
pub(super) fn is_of_the_messages<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| OF_THE_MESSAGES.contains(&bare(code)))
}

/// Whether a call was refused because the queue does not exist.
pub(super) fn is_gone<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| GONE.contains(&bare(code)))
}

/// The error code of a whole call, if the server has answered.
pub(super) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error()?.code()
}

/// The results of all entries, in order. An entry that is not named as failed has succeeded.
pub(super) fn entry_results(
    action: &'static str,
    queue: &str,
    count: usize,
    failed: Vec<BatchResultErrorEntry>,
) -> Vec<EntryResult> {
    let mut outcomes = vec![Ok(()); count];
    for entry in failed {
        telemetry::refused(queue, action, Some(&entry.code), 1);
        let reason = format!("{}: {}", entry.code, entry.message.unwrap_or_default());
        let is_final = is_of_the_entry(&entry.code);
        let place = entry.id.parse().ok();
        if let Some(outcome) = place.and_then(|n: usize| outcomes.get_mut(n)) {
            *outcome = Err(Refused { reason, is_final });
        }
    }
    outcomes
}

/// The results of a call that was refused as a whole.
pub(super) fn all_refused(count: usize, reason: &str, is_final: bool) -> Vec<EntryResult> {
    let refused = Refused {
        reason: reason.to_owned(),
        is_final,
    };
    vec![Err(refused); count]
}

/// An error of the SDK as an error of the runtime, in one line.
pub(crate) fn failed<E, R>(action: &'static str, queue: &str, error: SdkError<E, R>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let reason = match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("unknown error");
            format!("{code}: {}", service.message().unwrap_or("no message"))
        }
        None => {
            let mut reason = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                reason = format!("{reason}: {error}");
                cause = error.source();
            }
            reason
        }
    };
    Error::Sqs {
        action,
        queue: queue.to_owned(),
        reason,
    }
}

/// A code without the parts that protocols add: the prefix `AWS.SimpleQueueService.` or a namespace
/// with `#`, and the suffix `Exception`. `KMS.` stays.
fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    code.strip_suffix("Exception").unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id).code(code);
        entry.sender_fault(sender_fault).build().unwrap()
    }

    #[test]
    fn only_what_is_wrong_with_an_entry_itself_is_final() {
        let check = |codes: &[&str], is_final| {
            for code in codes {
                for sender_fault in [false, true] {
                    let failed = vec![entry("1", code, sender_fault)];
                    let results = entry_results("send", "q", 2, failed);
                    assert_eq!(results[0], Ok(()));
                    let refused = results[1].as_ref().unwrap_err();
                    assert_eq!(refused.is_final, is_final, "{code}, {sender_fault}");
                }
            }
        };
        // Transient.
        check(
            &[
                "RequestThrottled",
                "ThrottlingException",
                "KMS.ThrottlingException",
                "KmsThrottled",
                "OverLimit",
                "ServiceUnavailable",
                "InternalError",
                "InternalFailure",
                "RequestExpired",
            ],
            false,
        );
        // People can correct it.
        check(
            &[
                "AccessDenied",
                "AccessDeniedException",
                "KMS.AccessDeniedException",
                "KMS.DisabledException",
                "KMS.InvalidKeyUsageException",
                "KMS.InvalidStateException",
                "KMS.NotFoundException",
                "KMS.OptInRequired",
                "KmsDisabled",
                "InvalidClientTokenId",
                "InvalidSecurity",
                "InvalidAddress",
                "OptInRequired",
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                "AWS.SimpleQueueService.QueueDeletedRecently",
                "AWS.SimpleQueueService.UnsupportedOperation",
            ],
            false,
        );
        check(&["", "SomethingNew"], false);
        // The message or its receipt is wrong.
        check(
            &[
                "InvalidMessageContents",
                "InvalidParameterValue",
                "InvalidParameterValueException",
                "com.amazon.coral.service#InvalidParameterValueException",
                "InvalidAttributeValue",
                "MissingParameter",
                "AWS.SimpleQueueService.BatchRequestTooLong",
                "ReceiptHandleIsInvalid",
                "AWS.SimpleQueueService.MessageNotInflight",
                "MessageNotInflight",
                "InvalidIdFormat",
            ],
            true,
        );
    }
}
