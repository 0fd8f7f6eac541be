//! Queue attributes: what a client may set, within which range, and how it reads back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sqs_queue::Scope;

use crate::error::{Error, Result};
use crate::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// The most bytes of a message and of a batch (an Amazon quota since August 2025).
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// Attributes by name, as they cross the wire.
pub(crate) type Pairs = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) fifo: bool,
    /// How long every message waits before it can be received: 0 to 15 minutes.
    pub(crate) delay: Duration,
    /// How long a received message is hidden from other receives: 0 to 12 hours.
    pub(crate) visibility_timeout: Duration,
    /// How long a message is kept: 1 minute to 14 days.
    pub(crate) retention: Duration,
    /// How long a receive waits for a message: 0 to 20 seconds.
    pub(crate) wait: Duration,
    /// 1 KiB to 1 MiB.
    pub(crate) maximum_message_size: usize,
    pub(crate) redrive: Option<RedrivePolicy>,
    pub(crate) redrive_allow: Option<RedriveAllowPolicy>,
    /// FIFO: whether the body's SHA-256 is the deduplication id of a message without one.
    pub(crate) content_based_deduplication: bool,
    pub(crate) deduplication_scope: Scope,
    pub(crate) throughput_limit: Scope,
    /// An access policy. It is stored and shown, but not enforced.
    pub(crate) policy: Option<String>,
    /// Stored and shown, without effect.
    pub(crate) encryption: Encryption,
    /// How long a data key may be reused: 1 minute to 24 hours.
    pub(crate) key_reuse: Duration,
}

/// Whose key encrypts messages at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    None,
    /// Amazon's key.
    Managed,
    /// The client's key, by its id in KMS.
    Key(String),
}

impl Settings {
    /// Amazon's defaults.
    pub(crate) fn new(fifo: bool) -> Settings {
        Settings {
            fifo,
            delay: Duration::ZERO,
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_secs(4 * 24 * 60 * 60),
            wait: Duration::ZERO,
            maximum_message_size: MOST_BYTES,
            redrive: None,
            redrive_allow: None,
            content_based_deduplication: false,
            deduplication_scope: Scope::Queue,
            throughput_limit: Scope::Queue,
            policy: None,
            encryption: Encryption::Managed,
            key_reuse: Duration::from_secs(300),
        }
    }

    /// The settings that decide what the queue does with its messages.
    pub(crate) fn of_queue(&self) -> sqs_queue::Settings {
        sqs_queue::Settings {
            fifo: self.fifo,
            delay: self.delay,
            visibility_timeout: self.visibility_timeout,
            retention: self.retention,
            deduplication_scope: self.deduplication_scope,
        }
    }

    /// These settings with `pairs` changed. An empty value removes a policy.
    ///
    /// # Errors
    /// For an unknown name, or a value out of its range.
    pub(crate) fn with(&self, pairs: &Pairs) -> Result<Settings> {
        let mut settings = self.clone();
        for (name, value) in pairs {
            // The tests of moto send `VisibilityTimeout ` with a space at the end.
            settings.set(name.trim(), value)?;
        }
        settings.check_together(pairs)?;
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let invalid = || Error::attribute(name);
        let number = |least: u64, most: u64| {
            let number = value.parse().ok().filter(|n| (least..=most).contains(n));
            number.ok_or_else(invalid)
        };
        let seconds = |least, most| Ok(Duration::from_secs(number(least, most)?));
        let flag = || match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(invalid()),
        };
        let scope = |queue: &str, group: &str| match value {
            _ if value == queue => Ok(Scope::Queue),
            _ if value == group => Ok(Scope::MessageGroup),
            _ => Err(invalid()),
        };

        match name {
            "DelaySeconds" => self.delay = seconds(0, 900)?,
            "VisibilityTimeout" => self.visibility_timeout = seconds(0, 43_200)?,
            "MessageRetentionPeriod" => self.retention = seconds(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait = seconds(0, 20)?,
            "MaximumMessageSize" => {
                self.maximum_message_size = number(1024, MOST_BYTES as u64)? as usize;
            }
            "RedrivePolicy" => self.redrive = optional(value, RedrivePolicy::parse)?,
            "RedriveAllowPolicy" => {
                self.redrive_allow = optional(value, RedriveAllowPolicy::parse)?;
            }
            "Policy" => self.policy = optional(value, check_policy)?,
            "FifoQueue" if self.fifo && !flag()? => {
                let reason = "Modifying queue type is not supported.";
                return Err(Error::attribute_because(name, reason));
            }
            "FifoQueue" if self.fifo => {}
            "ContentBasedDeduplication" if self.fifo => self.content_based_deduplication = flag()?,
            "DeduplicationScope" if self.fifo => {
                self.deduplication_scope = scope("queue", "messageGroup")?;
            }
            "FifoThroughputLimit" if self.fifo => {
                self.throughput_limit = scope("perQueue", "perMessageGroupId")?;
            }
            "DeduplicationScope" | "FifoThroughputLimit" => {
                return Err(Error::InvalidAttributeName(format!(
                    "You can specify the {name} only when FifoQueue is set to true."
                )));
            }
            "KmsMasterKeyId" if value.is_empty() => self.encryption = Encryption::None,
            "KmsMasterKeyId" => self.encryption = Encryption::Key(value.into()),
            "KmsDataKeyReusePeriodSeconds" => self.key_reuse = seconds(60, 86_400)?,
            "SqsManagedSseEnabled" if flag()? => self.encryption = Encryption::Managed,
            "SqsManagedSseEnabled" if self.encryption == Encryption::Managed => {
                self.encryption = Encryption::None;
            }
            "SqsManagedSseEnabled" => {}
            _ => return Err(Error::unknown_attribute(name)),
        }
        Ok(())
    }

    /// Checks the rules that concern more than one attribute.
    fn check_together(&self, changes: &Pairs) -> Result<()> {
        if self.throughput_limit == Scope::MessageGroup && self.deduplication_scope == Scope::Queue
        {
            let reason = "To set FifoThroughputLimit to perMessageGroupId, the \
                          DeduplicationScope must be messageGroup.";
            return Err(Error::attribute_because("FifoThroughputLimit", reason));
        }
        let names_a_key = changes
            .get("KmsMasterKeyId")
            .is_some_and(|key| !key.is_empty());
        if names_a_key && self.encryption == Encryption::Managed {
            return Err(Error::InvalidAttributeName(
                "You can use one type of server-side encryption (SSE) at one time. You can either \
                 enable KMS SSE or SQS SSE."
                    .into(),
            ));
        }
        Ok(())
    }

    /// All attributes that have a value, by name.
    pub(crate) fn pairs(&self) -> BTreeMap<&'static str, String> {
        let seconds = |span: Duration| span.as_secs().to_string();
        let mut pairs = BTreeMap::from([
            ("DelaySeconds", seconds(self.delay)),
            ("MaximumMessageSize", self.maximum_message_size.to_string()),
            ("MessageRetentionPeriod", seconds(self.retention)),
            ("ReceiveMessageWaitTimeSeconds", seconds(self.wait)),
            ("VisibilityTimeout", seconds(self.visibility_timeout)),
        ]);
        if let Some(redrive) = &self.redrive {
            pairs.insert("RedrivePolicy", redrive.to_string());
        }
        if let Some(allow) = &self.redrive_allow {
            pairs.insert("RedriveAllowPolicy", allow.to_string());
        }
        if let Some(policy) = &self.policy {
            pairs.insert("Policy", policy.clone());
        }
        if self.fifo {
            let per = |scope, queue: &str, group: &str| match scope {
                Scope::Queue => queue.to_string(),
                Scope::MessageGroup => group.to_string(),
            };
            let deduplication = per(self.deduplication_scope, "queue", "messageGroup");
            let limit = per(self.throughput_limit, "perQueue", "perMessageGroupId");
            pairs.insert("FifoQueue", true.to_string());
            pairs.insert(
                "ContentBasedDeduplication",
                self.content_based_deduplication.to_string(),
            );
            pairs.insert("DeduplicationScope", deduplication);
            pairs.insert("FifoThroughputLimit", limit);
        }
        if let Encryption::Key(key) = &self.encryption {
            pairs.insert("KmsMasterKeyId", key.clone());
            pairs.insert("KmsDataKeyReusePeriodSeconds", seconds(self.key_reuse));
        }
        let is_managed = self.encryption == Encryption::Managed;
        pairs.insert("SqsManagedSseEnabled", is_managed.to_string());
        pairs
    }
}

fn optional<T>(value: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    if value.is_empty() {
        Ok(None)
    } else {
        parse(value).map(Some)
    }
}

/// The most statements in an access policy (an Amazon quota).
const MOST_STATEMENTS: usize = 20;

/// Returns an access policy unchanged if it has the form of one.
fn check_policy(text: &str) -> Result<String> {
    let invalid = || Error::attribute("Policy");
    let policy: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    if !policy.is_object() {
        return Err(invalid());
    }
    match policy["Statement"].as_array().map_or(0, Vec::len) {
        0..=MOST_STATEMENTS => Ok(text.into()),
        count => Err(Error::OverLimit(format!(
            "{count} statements were found in the submitted policy, max allowed is \
             {MOST_STATEMENTS}"
        ))),
    }
}
