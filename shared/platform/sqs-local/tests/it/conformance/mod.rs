//! The behaviour of any SQS, through Amazon's own SDK. Error codes and texts equal Amazon's
//! exactly.

mod batches;
mod dead_letters;
mod fifo;
mod fifo_groups;
mod keys_and_policies;
mod message_attributes;
mod move_tasks;
mod purges_and_deletes;
mod queue_attributes;
mod queues;
mod receiving;
mod sending;
mod tags_and_permissions;
mod visibility;

use std::collections::HashMap;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};

use super::support::{Endpoint, unique};

impl Endpoint {
    async fn send(&self, url: &str, body: &str) {
        let send = self.client.send_message().queue_url(url);
        send.message_body(body).send().await.unwrap();
    }

    /// Sends a message and returns its sequence number.
    async fn send_to_group(&self, url: &str, group: &str, body: &str) -> String {
        let send = self.client.send_message().queue_url(url).message_body(body);
        let sent = send.message_group_id(group).send().await.unwrap();
        sent.sequence_number.unwrap()
    }

    /// Receives up to ten messages with all their attributes, and waits a moment for the first.
    async fn receive(&self, url: &str) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(url);
        let receive = receive.wait_time_seconds(1).max_number_of_messages(10);
        let receive = receive.message_attribute_names("All");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, url: &str, message: &Message) {
        let delete = self.client.delete_message().queue_url(url);
        delete.receipt_handle(handle(message)).send().await.unwrap();
    }

    async fn change(&self, url: &str, message: &Message, seconds: i32) {
        let change = self.client.change_message_visibility().queue_url(url);
        let change = change.receipt_handle(handle(message));
        change.visibility_timeout(seconds).send().await.unwrap();
    }

    async fn attributes(&self, url: &str, name: &str) -> HashMap<QueueAttributeName, String> {
        let get = self.client.get_queue_attributes().queue_url(url);
        let answer = get.attribute_names(name.into()).send().await.unwrap();
        answer.attributes.unwrap_or_default()
    }

    async fn attribute(&self, url: &str, name: &str) -> Option<String> {
        self.attributes(url, name).await.remove(&name.into())
    }

    async fn arn(&self, url: &str) -> String {
        self.attribute(url, "QueueArn").await.unwrap()
    }

    /// The error of creating a queue with this attribute.
    async fn refused_to_create(&self, suffix: &str, attributes: &[(&str, &str)]) -> String {
        let mut create = self.client.create_queue().queue_name(unique(suffix));
        for (name, value) in attributes {
            create = create.attributes((*name).into(), *value);
        }
        refused(create.send().await)
    }

    /// The error of setting an attribute of this queue.
    async fn refused_to_set(&self, url: &str, name: &str, value: &str) -> String {
        let set = self.client.set_queue_attributes().queue_url(url);
        refused(set.attributes(name.into(), value).send().await)
    }

    async fn set(&self, url: &str, attributes: &[(&str, &str)]) {
        let mut set = self.client.set_queue_attributes().queue_url(url);
        for (name, value) in attributes {
            set = set.attributes((*name).into(), *value);
        }
        set.send().await.unwrap();
    }
}

const FIFO: [(&str, &str); 2] = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];

fn handle(message: &Message) -> &str {
    message.receipt_handle().unwrap()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|m| m.body().unwrap()).collect()
}

fn system<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let name = MessageSystemAttributeName::from(name);
    message.attributes()?.get(&name).map(String::as_str)
}

/// The error as `Code: text`.
fn refused<T, E, R>(result: Result<T, SdkError<E, R>>) -> String
where
    E: ProvideErrorMetadata + std::fmt::Debug,
    R: std::fmt::Debug,
{
    let Err(error) = result else {
        panic!("it was not refused")
    };
    let code = error
        .code()
        .unwrap_or_else(|| panic!("no answer: {error:?}"));
    format!("{code}: {}", error.message().unwrap_or_default())
}

/// "Value ... for parameter ... is invalid."
fn invalid(parameter: &str, value: &str, reason: &str) -> String {
    format!(
        "InvalidParameterValue: Value {value} for parameter {parameter} is invalid. \
         Reason: {reason}"
    )
}
