//! Creation of queues, and comparison of existing ones with their specification.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};

use super::Sqs;
use super::refusal::failed;
use crate::topology::{QueueKind, whole_seconds};
use crate::{Error, Provision, QueueSpec};

impl Sqs {
    /// Creates or checks a queue. Its dead-letter queue comes first, because the queue refers to
    /// it.
    pub(super) async fn ensure(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        let dead = spec.dead_letter_spec();
        self.ensure_one(&dead, dead_letter_attributes(&dead), how)
            .await?;
        let arn = self.arn(&dead).await?;
        self.ensure_one(spec, attributes(spec, &arn), how).await
    }

    /// Checks a queue without its dead-letter queue, to which a service that only sends needs no
    /// right. Both are in the same account and region, so their ARNs differ only in the name.
    pub(super) async fn check_alone(&self, spec: &QueueSpec) -> Result<(), Error> {
        let arn = self.arn(spec).await?;
        let place = arn.rsplit_once(':').map_or("", |(place, _)| place);
        let dead_letters = self.full_name(&spec.dead_letters());
        let expected = attributes(spec, &format!("{place}:{dead_letters}"));
        self.check(spec, expected).await
    }

    async fn ensure_one(
        &self,
        spec: &QueueSpec,
        expected: HashMap<Name, String>,
        how: Provision,
    ) -> Result<(), Error> {
        match self.url(&spec.name).await {
            Err(Error::NoSuchQueue { .. }) if how == Provision::Create => {}
            Err(error) => return Err(error),
            Ok(_) => return self.check(spec, expected).await,
        }

        let full_name = self.full_name(&spec.name);
        let call = self.client().create_queue().queue_name(&full_name);
        match call.set_attributes(Some(expected.clone())).send().await {
            Ok(created) => {
                self.remember(&spec.name, created.queue_url.unwrap_or_default());
                Ok(())
            }
            // Another service has created it meanwhile, with other settings.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_queue_name_exists()) =>
            {
                self.check(spec, expected).await
            }
            Err(error) => Err(failed("create", &full_name, error)),
        }
    }

    /// Compares the settings of a queue with the expected ones.
    async fn check(&self, spec: &QueueSpec, expected: HashMap<Name, String>) -> Result<(), Error> {
        let found = self.attributes(&spec.name).await?;
        let mut differences: Vec<String> = expected
            .iter()
            .filter_map(|(name, expected)| difference(name, found.get(name), expected))
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        differences.sort();
        Err(Error::Differs {
            queue: self.full_name(&spec.name),
            differences,
        })
    }

    async fn arn(&self, spec: &QueueSpec) -> Result<String, Error> {
        let mut attributes = self.attributes(&spec.name).await?;
        Ok(attributes.remove(&Name::QueueArn).unwrap_or_default())
    }

    pub(crate) async fn attributes(&self, queue: &str) -> Result<HashMap<Name, String>, Error> {
        let url = self.url(queue).await?;
        let call = self.client().get_queue_attributes().queue_url(&*url);
        let found = call.attribute_names(Name::All).send().await;
        let found = found.map_err(|error| failed("look at", &self.full_name(queue), error))?;
        Ok(found.attributes.unwrap_or_default())
    }
}

fn attributes(spec: &QueueSpec, dead_letter_arn: &str) -> HashMap<Name, String> {
    let redrive = json!({
        "deadLetterTargetArn": dead_letter_arn,
        "maxReceiveCount": spec.max_receive_count(),
    });
    let mut attributes = dead_letter_attributes(spec);
    attributes.insert(Name::DelaySeconds, seconds(spec.delay));
    attributes.insert(Name::RedrivePolicy, redrive.to_string());
    attributes
}

fn dead_letter_attributes(spec: &QueueSpec) -> HashMap<Name, String> {
    let mut attributes = HashMap::from([
        (
            Name::VisibilityTimeout,
            seconds(spec.whole_visibility_timeout()),
        ),
        (Name::MessageRetentionPeriod, seconds(spec.retention)),
    ]);
    if spec.kind() == QueueKind::Fifo {
        attributes.insert(Name::FifoQueue, "true".into());
    }
    attributes
}

fn seconds(time: Duration) -> String {
    whole_seconds(time).to_string()
}

/// The difference of a setting, such as `visibility timeout is 30 s, expected 60 s`.
fn difference(name: &Name, found: Option<&String>, expected: &str) -> Option<String> {
    let found = found.map(String::as_str);
    let (what, unit) = match name {
        Name::VisibilityTimeout => ("visibility timeout", " s"),
        Name::MessageRetentionPeriod => ("retention", " s"),
        Name::DelaySeconds => ("delay", " s"),
        Name::RedrivePolicy => return redrive_difference(found, expected),
        other => (other.as_str(), ""),
    };
    let is_same = found.is_some_and(|found| found.eq_ignore_ascii_case(expected));
    let found = found.map_or("not set".to_owned(), |found| format!("{found}{unit}"));
    (!is_same).then(|| format!("{what} is {found}, expected {expected}{unit}"))
}

/// The difference of a redrive policy. It is compared by content, because servers format it
/// differently.
fn redrive_difference(found: Option<&str>, expected: &str) -> Option<String> {
    let describe = |policy: &str| {
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        let count = &policy["maxReceiveCount"];
        let count = count
            .as_str()
            .map_or_else(|| count.to_string(), str::to_owned);
        let target = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
        format!("{target} after {count} receives")
    };
    let (found, expected) = (found.map(describe), describe(expected));
    match found {
        Some(found) if found == expected => None,
        Some(found) => Some(format!("dead letters go to {found}, expected {expected}")),
        None => Some(format!("dead letters are not set, expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named_with_both_values() {
        let check = |name, found: Option<&str>, expected, text: Option<&str>| {
            let found = found.map(str::to_owned);
            assert_eq!(difference(&name, found.as_ref(), expected).as_deref(), text);
        };
        check(
            Name::VisibilityTimeout,
            Some("30"),
            "60",
            Some("visibility timeout is 30 s, expected 60 s"),
        );
        check(
            Name::DelaySeconds,
            None,
            "5",
            Some("delay is not set, expected 5 s"),
        );
        check(Name::DelaySeconds, Some("5"), "5", None);
        check(Name::FifoQueue, Some("True"), "true", None);
    }

    #[test]
    fn a_redrive_policy_is_compared_by_content() {
        let expected = r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":5}"#;
        let spaced = r#"{ "maxReceiveCount": "5", "deadLetterTargetArn": "arn:a" }"#;
        assert_eq!(redrive_difference(Some(spaced), expected), None);
        assert_eq!(
            redrive_difference(
                Some(r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":3}"#),
                expected
            ),
            Some(
                "dead letters go to arn:a after 3 receives, expected arn:a after 5 receives".into()
            )
        );
    }
}
