//! Queue attributes: what a client may set, within which range, and how it reads back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// The largest message and the largest batch (an Amazon quota since August 2025).
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// Attributes by name, as they cross the wire.
pub type Pairs = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub fifo: bool,
    /// How long every message waits before it can be received: 0 to 15 minutes.
    pub delay: Duration,
    /// How long a received message is hidden from others: 0 to 12 hours.
    pub visibility_timeout: Duration,
    /// How long an unread message is kept: 1 minute to 14 days.
    pub retention: Duration,
    /// How long a receive waits for a message: 0 to 20 seconds.
    pub wait: Duration,
    /// 1 KiB to 1 MiB.
    pub maximum_message_size: usize,
    pub redrive: Option<RedrivePolicy>,
    pub redrive_allow: Option<RedriveAllowPolicy>,
    /// FIFO: without an id, the body's SHA-256 is the deduplication id.
    pub content_based_deduplication: bool,
    pub deduplication_scope: Scope,
    pub throughput_limit: Scope,
    /// An access policy, kept and shown but never enforced.
    pub policy: Option<String>,
    /// Encryption settings, kept and shown without effect.
    pub encryption: Pairs,
}

/// Whether something holds for the whole FIFO queue or for each message group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Queue,
    MessageGroup,
}

impl Settings {
    /// Amazon's defaults.
    pub fn new(fifo: bool) -> Settings {
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
            encryption: Pairs::new(),
        }
    }

    /// These settings with `pairs` changed. An empty value takes a policy away.
    ///
    /// # Errors
    /// An unknown name, or a value out of its range.
    pub fn with(&self, pairs: &Pairs) -> Result<Settings> {
        let mut settings = self.clone();
        for (name, value) in pairs {
            settings.set(name.trim(), value)?;
        }
        if settings.throughput_limit == Scope::MessageGroup
            && settings.deduplication_scope == Scope::Queue
        {
            return Err(Error::InvalidAttributeValue("FifoThroughputLimit".into()));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let invalid = || Error::InvalidAttributeValue(name.into());
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
            "Policy" => self.policy = optional(value, |text| check_json(text).ok_or_else(invalid))?,
            "FifoQueue" if self.fifo && flag()? => {}
            "FifoQueue" if self.fifo => return Err(invalid()),
            "ContentBasedDeduplication" if self.fifo => self.content_based_deduplication = flag()?,
            "DeduplicationScope" if self.fifo => {
                self.deduplication_scope = match value {
                    "queue" => Scope::Queue,
                    "messageGroup" => Scope::MessageGroup,
                    _ => return Err(invalid()),
                }
            }
            "FifoThroughputLimit" if self.fifo => {
                self.throughput_limit = match value {
                    "perQueue" => Scope::Queue,
                    "perMessageGroupId" => Scope::MessageGroup,
                    _ => return Err(invalid()),
                }
            }
            "KmsMasterKeyId" => self.encrypt(name, value, value),
            "KmsDataKeyReusePeriodSeconds" => {
                number(60, 86_400)?;
                self.encrypt(name, value, value);
            }
            "SqsManagedSseEnabled" => {
                let flag = flag()?.to_string();
                self.encrypt(name, value, &flag);
            }
            _ => return Err(Error::InvalidAttributeName(name.into())),
        }
        Ok(())
    }

    fn encrypt(&mut self, name: &str, given: &str, kept: &str) {
        if given.is_empty() {
            self.encryption.remove(name);
        } else {
            self.encryption.insert(name.into(), kept.into());
        }
    }

    /// Every attribute that has a value, by name.
    pub fn pairs(&self) -> BTreeMap<&'static str, String> {
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
        self.add_encryption(&mut pairs);
        pairs
    }

    /// A key of the client's own switches Amazon's off; without either, Amazon's is on.
    fn add_encryption(&self, pairs: &mut BTreeMap<&'static str, String>) {
        let get = |name| self.encryption.get(name).cloned();
        let managed = get("SqsManagedSseEnabled");
        match get("KmsMasterKeyId") {
            Some(key) if managed.as_deref() != Some("true") => {
                let reuse = get("KmsDataKeyReusePeriodSeconds");
                pairs.insert("KmsMasterKeyId", key);
                pairs.insert(
                    "KmsDataKeyReusePeriodSeconds",
                    reuse.unwrap_or("300".into()),
                );
                pairs.insert("SqsManagedSseEnabled", false.to_string());
            }
            _ => {
                pairs.insert("SqsManagedSseEnabled", managed.unwrap_or("true".into()));
            }
        }
    }

    /// How many messages may be in flight at a time (Amazon's quotas).
    pub fn in_flight_limit(&self) -> usize {
        if self.fifo { 20_000 } else { 120_000 }
    }
}

fn optional<T>(value: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    if value.is_empty() {
        Ok(None)
    } else {
        parse(value).map(Some)
    }
}

fn check_json(text: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(text)
        .ok()?
        .is_object()
        .then(|| text.to_string())
}
