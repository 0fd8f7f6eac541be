//! What an answer of SQS says about an entry of a call: whether to ask again.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use crate::telemetry;

/// What happened to one entry of a batch call.
pub(crate) type EntryResult = Result<(), Refused>;

/// The queue took the call, but not this entry; or it did not take the call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Whether it was the entry that was wrong, so that asking again is no use.
    pub(crate) is_final: bool,
}

/// Codes that speak of an entry itself: contents, size, attributes, ids or receipt.
///
/// Every other code is asked again. Throttling, also that of KMS, and failures of the server pass
/// by themselves; rights, keys and queues can be mended; and of a code that is new nothing is
/// known. `SenderFault` is not read: it is true of a throttled entry and of a missing right, too.
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
/// Codes of a whole call that speak of its messages: of one message for sure, if that is alone.
const OF_THE_MESSAGES: [&str; 3] = [
    "BatchRequestTooLong",
    "InvalidMessageContents",
    "MessageTooLong",
];
/// A missing queue, in the JSON protocol and in the query protocol before it.
const GONE: [&str; 2] = ["QueueDoesNotExist", "NonExistentQueue"];

/// Whether an entry that was refused with this code is refused whenever it comes again.
fn is_of_the_entry(code: &str) -> bool {
    let code = bare(code);
    OF_THE_ENTRY.contains(&code) || OF_THE_MESSAGES.contains(&code)
}

/// Whether a call was refused for the messages in it.
pub(super) fn is_of_the_messages<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| OF_THE_MESSAGES.contains(&bare(code)))
}

/// Whether a call was refused because there is no such queue.
pub(super) fn is_gone<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    code(error).is_some_and(|code| GONE.contains(&bare(code)))
}

/// The code of a whole call, if the server has answered.
pub(super) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error()?.code()
}

/// Every entry in its place: those that are not named as failed have been done.
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

/// The whole call was refused.
pub(super) fn all_refused(count: usize, reason: &str, is_final: bool) -> Vec<EntryResult> {
    let refused = Refused {
        reason: reason.to_owned(),
        is_final,
    };
    vec![Err(refused); count]
}

/// A code without what the protocols put around it: `AWS.SimpleQueueService.` or a namespace with
/// `#` before it, `Exception` behind it. `KMS.` stays.
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
        // What passes by itself.
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
        // What people can mend.
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
        // What is wrong with the message, or with its receipt.
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
