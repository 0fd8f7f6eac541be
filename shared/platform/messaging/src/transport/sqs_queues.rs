//! Creating queues, and comparing those that are there.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};

use super::Sqs;
use super::sqs_call::failed;
use crate::topology::{QueueKind, whole_seconds};
use crate::{Error, Provision, QueueSpec};

impl Sqs {
    /// Creates what is missing, or only checks; the dead letters first, as the queue names them.
    pub(super) async fn ensure(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        let dead = spec.dead_letter_spec();
        self.ensure_one(&dead, dead_letter_attributes(&dead), how)
            .await?;
        let arn = self.arn(&dead).await?;
        self.ensure_one(spec, attributes(spec, &arn), how).await
    }

    /// Checks a queue and not its dead letters, to which one that only sends needs no right. The
    /// two stand side by side, so their ARNs differ in the name alone.
    pub(super) async fn check_alone(&self, spec: &QueueSpec) -> Result<(), Error> {
        let arn = self.arn(spec).await?;
        let place = arn.rsplit_once(':').map_or("", |(place, _)| place);
        let dead_letters = self.full_name(&spec.dead_letters());
        let wanted = attributes(spec, &format!("{place}:{dead_letters}"));
        self.check(spec, wanted).await
    }

    async fn ensure_one(
        &self,
        spec: &QueueSpec,
        wanted: HashMap<Name, String>,
        how: Provision,
    ) -> Result<(), Error> {
        match self.url(&spec.name).await {
            Err(Error::NoSuchQueue { .. }) if how == Provision::Create => {}
            Err(error) => return Err(error),
            Ok(_) => return self.check(spec, wanted).await,
        }

        let full_name = self.full_name(&spec.name);
        let call = self.client().create_queue().queue_name(&full_name);
        match call.set_attributes(Some(wanted.clone())).send().await {
            Ok(created) => {
                self.remember(&spec.name, created.queue_url.unwrap_or_default());
                Ok(())
            }
            // Somebody else was faster, and meant something else.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_queue_name_exists()) =>
            {
                self.check(spec, wanted).await
            }
            Err(error) => Err(failed("create", &full_name, error)),
        }
    }

    /// Names every setting that is not as wanted.
    async fn check(&self, spec: &QueueSpec, wanted: HashMap<Name, String>) -> Result<(), Error> {
        let found = self.attributes(&spec.name).await?;
        let mut differences: Vec<String> = wanted
            .iter()
            .filter_map(|(name, wanted)| difference(name, found.get(name), wanted))
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

/// Such as `visibility timeout is 30 s, expected 60 s`.
fn difference(name: &Name, found: Option<&String>, wanted: &str) -> Option<String> {
    let found = found.map(String::as_str);
    let (what, unit) = match name {
        Name::VisibilityTimeout => ("visibility timeout", " s"),
        Name::MessageRetentionPeriod => ("retention", " s"),
        Name::DelaySeconds => ("delay", " s"),
        Name::RedrivePolicy => return redrive_difference(found, wanted),
        other => (other.as_str(), ""),
    };
    let is_same = found.is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    let found = found.map_or("not set".to_owned(), |found| format!("{found}{unit}"));
    (!is_same).then(|| format!("{what} is {found}, expected {wanted}{unit}"))
}

/// Servers write the policy each in their own way, so it is compared by what it says.
fn redrive_difference(found: Option<&str>, wanted: &str) -> Option<String> {
    let said = |policy: &str| {
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        let count = &policy["maxReceiveCount"];
        let count = count
            .as_str()
            .map_or_else(|| count.to_string(), str::to_owned);
        let target = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
        format!("{target} after {count} receives")
    };
    let (found, wanted) = (found.map(said), said(wanted));
    match found {
        Some(found) if found == wanted => None,
        Some(found) => Some(format!("dead letters go to {found}, expected {wanted}")),
        None => Some(format!("dead letters are not set, expected {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named_with_both_values() {
        let check = |name, found: Option<&str>, wanted, said: Option<&str>| {
            let found = found.map(str::to_owned);
            assert_eq!(difference(&name, found.as_ref(), wanted).as_deref(), said);
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
    fn a_redrive_policy_is_the_same_however_it_is_written() {
        let wanted = r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":5}"#;
        let spaced = r#"{ "maxReceiveCount": "5", "deadLetterTargetArn": "arn:a" }"#;
        assert_eq!(redrive_difference(Some(spaced), wanted), None);
        assert_eq!(
            redrive_difference(
                Some(r#"{"deadLetterTargetArn":"arn:a","maxReceiveCount":3}"#),
                wanted
            ),
            Some(
                "dead letters go to arn:a after 3 receives, expected arn:a after 5 receives".into()
            )
        );
    }
}
