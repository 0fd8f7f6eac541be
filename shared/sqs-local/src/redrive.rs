//! Dead letters: which queue takes the messages another gave up, and which queues may ask it to.

use std::fmt;

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// `{"deadLetterTargetArn": "...", "maxReceiveCount": 3}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// As it was given, but with the count as a number.
    text: String,
    pub target: String,
    /// 1 to 1,000: a message received this often moves at the next receive.
    pub max_receive_count: u32,
}

impl RedrivePolicy {
    /// Reads the policy; the count may be a number or a string.
    pub fn parse(text: &str) -> Result<RedrivePolicy> {
        let invalid = |reason: &str| Error::value("RedrivePolicy", text, reason);
        let policy: Value = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| invalid("Redrive policy is not a valid JSON map."))?;

        let target = policy["deadLetterTargetArn"]
            .as_str()
            .filter(|target| !target.is_empty());
        let target = target.ok_or_else(|| {
            invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let is_text = policy["maxReceiveCount"].is_string();
        let count = match &policy["maxReceiveCount"] {
            Value::Null => {
                let reason =
                    "Redrive policy does not contain mandatory attribute: maxReceiveCount.";
                return Err(invalid(reason));
            }
            Value::String(count) => count.clone(),
            count => count.to_string(),
        };
        let in_range = count.parse().ok().filter(|n| (1..=1000).contains(n));
        let max_receive_count = in_range.ok_or_else(|| {
            invalid(&format!(
                "Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both \
                 inclusive."
            ))
        })?;
        let text = match is_text {
            true => json!({"deadLetterTargetArn": target, "maxReceiveCount": max_receive_count})
                .to_string(),
            false => text.into(),
        };
        Ok(RedrivePolicy {
            text,
            target: target.into(),
            max_receive_count,
        })
    }
}

impl fmt::Display for RedrivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `{"redrivePermission": "allowAll" | "denyAll" | "byQueue", "sourceQueueArns": [...]}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveAllowPolicy {
    text: String,
    sources: Sources,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sources {
    All,
    None,
    Some(Vec<String>),
}

impl RedriveAllowPolicy {
    pub fn parse(text: &str) -> Result<RedriveAllowPolicy> {
        let invalid = |reason: &str| Error::value("RedriveAllowPolicy", text, reason);
        let policy: Value = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| invalid("Amazon SQS can't create the redrive allow policy."))?;

        let queues = policy.get("sourceQueueArns").map(|queues| {
            let queues = queues.as_array().map(Vec::as_slice).unwrap_or_default();
            queues
                .iter()
                .filter_map(|queue| queue.as_str().map(String::from))
                .collect::<Vec<_>>()
        });
        let sources = match (policy["redrivePermission"].as_str(), queues) {
            (Some("allowAll"), None) => Sources::All,
            (Some("denyAll"), None) => Sources::None,
            (Some("byQueue"), Some(queues)) if (1..=10).contains(&queues.len()) => {
                Sources::Some(queues)
            }
            _ => return Err(invalid("Amazon SQS can't create the redrive allow policy.")),
        };
        Ok(RedriveAllowPolicy {
            text: text.into(),
            sources,
        })
    }

    /// Whether the queue with this ARN may name the policy's queue as its dead-letter queue.
    pub fn allows(&self, source: &str) -> bool {
        match &self.sources {
            Sources::All => true,
            Sources::None => false,
            Sources::Some(queues) => queues.iter().any(|queue| queue == source),
        }
    }
}

impl fmt::Display for RedriveAllowPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_may_be_a_number_or_a_string_from_1_to_1000() {
        let check = |count: &str, expected: Option<u32>| {
            let text = format!(r#"{{"deadLetterTargetArn":"a","maxReceiveCount":{count}}}"#);
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
        let policy = RedrivePolicy::parse(r#"{"maxReceiveCount":"3","deadLetterTargetArn":"a"}"#);
        let text = policy.unwrap().to_string();
        assert_eq!(text, r#"{"deadLetterTargetArn":"a","maxReceiveCount":3}"#);
    }

    #[test]
    fn a_queue_says_who_may_send_it_dead_letters() {
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
