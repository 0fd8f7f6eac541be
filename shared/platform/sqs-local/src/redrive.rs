//! Dead letters: which queue takes them, and which queues may choose a queue for theirs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// `{"deadLetterTargetArn": "...", "maxReceiveCount": 3}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedrivePolicy {
    pub(crate) target: String,
    /// 1 to 1,000: a message that was received this often moves at the next receive.
    pub(crate) max_receive_count: u32,
}

impl RedrivePolicy {
    /// Parses the policy; the count may be a number or a string.
    pub(crate) fn parse(text: &str) -> Result<RedrivePolicy> {
        let invalid = |reason: &str| Error::value("RedrivePolicy", text, reason);
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        let Some(members) = policy.as_object() else {
            let reason = "Redrive policy is not a valid JSON map.";
            return Err(Error::attribute_because("RedrivePolicy", reason));
        };
        for name in ["maxReceiveCount", "deadLetterTargetArn"] {
            if policy[name].is_null() {
                return Err(invalid(&format!(
                    "Redrive policy does not contain mandatory attribute: {name}."
                )));
            }
        }

        let count = &policy["maxReceiveCount"];
        let count = count.as_str().map_or(count.to_string(), String::from);
        let in_range = count.parse().ok().filter(|n| (1..=1000).contains(n));
        let max_receive_count = in_range.ok_or_else(|| {
            invalid(&format!(
                "Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both \
                 inclusive."
            ))
        })?;
        let target = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
        match target.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "sqs", _, _, _] => {}
            ["arn", _, _, _, _, _] => {
                let reason = "Only SQS queues are valid resources for deadLetterTargetArn.";
                return Err(invalid(reason));
            }
            ["arn", ..] => {
                let reason = "Dead-letter target ARN should be fully qualified ARN.";
                return Err(invalid(reason));
            }
            _ => return Err(invalid("Invalid value for deadLetterTargetArn.")),
        }
        if members.len() > 2 {
            return Err(invalid(
                "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
            ));
        }
        Ok(RedrivePolicy {
            target: target.into(),
            max_receive_count,
        })
    }
}

/// Compact JSON with the count as a number, in the same form for every input.
impl fmt::Display for RedrivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, count) = (&self.target, self.max_receive_count);
        json!({ "deadLetterTargetArn": target, "maxReceiveCount": count }).fmt(f)
    }
}

/// `{"redrivePermission": "allowAll" | "denyAll" | "byQueue", "sourceQueueArns": [...]}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedriveAllowPolicy {
    permission: Permission,
    /// With `byQueue`: the ARNs of the allowed queues.
    sources: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Permission {
    AllowAll,
    DenyAll,
    ByQueue,
}

/// The most queues in a policy `byQueue` (an Amazon quota).
const MOST_SOURCES: usize = 10;

impl RedriveAllowPolicy {
    pub(crate) fn parse(text: &str) -> Result<RedriveAllowPolicy> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Members {
            redrive_permission: Permission,
            source_queue_arns: Option<Vec<String>>,
        }
        let members: Members = strict_json::from_str(text).map_err(|_| {
            let reason = "Amazon SQS can't create the redrive allow policy, as it’s in an \
                          unsupported format.";
            Error::attribute_because("RedriveAllowPolicy", reason)
        })?;

        let invalid = |reason: &str| {
            let reason = format!("Amazon SQS can't create the redrive allow policy. {reason}");
            Err(Error::value("RedriveAllowPolicy", text, &reason))
        };
        let sources = members.source_queue_arns.unwrap_or_default();
        match members.redrive_permission {
            Permission::ByQueue if sources.is_empty() => invalid(
                "When you specify the byQueue permission type, you must also specify one or more \
                 sourceQueueArns values.",
            ),
            Permission::ByQueue if sources.len() > MOST_SOURCES => {
                invalid("The maximum number of source queue ARNs you can specify is 10.")
            }
            Permission::AllowAll | Permission::DenyAll if !sources.is_empty() => invalid(
                "To specify one or more source queue ARNs, you must set redrivePermission to \
                 byQueue.",
            ),
            permission => Ok(RedriveAllowPolicy {
                permission,
                sources,
            }),
        }
    }

    /// Whether the queue with this ARN may use the policy's queue as its dead-letter queue.
    pub(crate) fn allows(&self, source: &str) -> bool {
        match self.permission {
            Permission::AllowAll => true,
            Permission::DenyAll => false,
            Permission::ByQueue => self.sources.iter().any(|queue| queue == source),
        }
    }
}

/// Compact JSON, in the same form for every input.
impl fmt::Display for RedriveAllowPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut policy = json!({ "redrivePermission": self.permission });
        if !self.sources.is_empty() {
            policy["sourceQueueArns"] = json!(self.sources);
        }
        policy.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

    #[test]
    fn the_count_may_be_a_number_or_a_string_from_1_to_1000() {
        let check = |count: &str, expected: Option<u32>| {
            let text = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":{count}}}"#);
            let parsed = RedrivePolicy::parse(&text)
                .ok()
                .map(|policy| policy.max_receive_count);
            assert_eq!(parsed, expected, "{count}");
        };
        check("3", Some(3));
        check("\"3\"", Some(3));
        check("1000", Some(1000));
        check("1001", None);
        check("0", None);
        check("2.5", None);
        check("\"many\"", None);
    }

    #[test]
    fn a_count_given_as_a_string_reads_back_as_a_number() {
        let given = format!(r#"{{"maxReceiveCount":"3","deadLetterTargetArn":"{ARN}"}}"#);
        let text = RedrivePolicy::parse(&given).unwrap().to_string();
        let expected = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":3}}"#);
        assert_eq!(text, expected);
    }

    #[test]
    fn a_policy_decides_which_queues_may_send_dead_letters() {
        let check = |text: &str, expected: Option<bool>| {
            let allows = RedriveAllowPolicy::parse(text)
                .ok()
                .map(|policy| policy.allows("arn:q"));
            assert_eq!(allows, expected, "{text}");
        };
        check(r#"{"redrivePermission":"allowAll"}"#, Some(true));
        check(r#"{"redrivePermission":"denyAll"}"#, Some(false));
        check(
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:q"]}"#,
            Some(true),
        );
        check(
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:p"]}"#,
            Some(false),
        );
        check(r#"{"redrivePermission":"byQueue"}"#, None);
        check(r#"{"redrivePermission":"some"}"#, None);
    }
}
