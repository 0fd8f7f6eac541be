//! The calls of the runtime to SQS: receive, send, delete and change visibility.

use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};

pub(crate) use super::refusal::failed;
use super::refusal::{self, all_refused, entry_results};
use super::sqs_message::{SYSTEM_ATTRIBUTES, complete, delivery, entry};
use super::{EntryResult, Sqs};
use crate::envelope::{Delivery, Outgoing};
use crate::topology::whole_seconds;
use crate::{Error, telemetry};

impl Sqs {
    pub(super) async fn receive(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let url = self.url(queue).await?;
        let call = self
            .polling_client()
            .receive_message()
            .queue_url(&*url)
            .max_number_of_messages(max as i32)
            .wait_time_seconds(wait.as_secs() as i32)
            .visibility_timeout(whole_seconds(visibility) as i32)
            .set_message_system_attribute_names(Some(SYSTEM_ATTRIBUTES.to_vec()))
            .message_attribute_names("All");
        match call.send().await {
            Ok(answer) => {
                let messages = answer.messages.unwrap_or_default();
                Ok(messages.into_iter().map(delivery).collect())
            }
            Err(error) => {
                self.forget_if_gone(queue, &error);
                telemetry::refused(queue, "receive", refusal::code(&error), 1);
                Err(failed("receive from", &self.full_name(queue), error))
            }
        }
    }

    pub(super) async fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<EntryResult> {
        let results = self.send_call(queue, messages).await;
        let is_final =
            |outcome: &EntryResult| outcome.as_ref().is_err_and(|refused| refused.is_final);
        if messages.len() < 2 || !results.iter().all(is_final) {
            return results;
        }
        // A single message may be the reason, and the answer does not name it.
        let mut results = vec![];
        for message in messages.chunks(1) {
            results.extend(self.send_call(queue, message).await);
        }
        results
    }

    async fn send_call(&self, queue: &str, messages: &[Outgoing]) -> Vec<EntryResult> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(messages.len(), &error.line(), false),
        };
        let entries = messages.iter().enumerate();
        let entries = entries.map(|(n, message)| entry(queue, n, message));
        let call = self.client().send_message_batch().queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => entry_results("send", queue, messages.len(), answer.failed),
            Err(error) => self.refused("send", queue, messages.len(), error),
        }
    }

    pub(super) async fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<EntryResult> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(receipts.len(), &error.line(), false),
        };
        let entries = receipts.iter().enumerate().map(|(n, receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
            complete(entry.receipt_handle(*receipt).build())
        });
        let call = self.client().delete_message_batch().queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => entry_results("delete", queue, receipts.len(), answer.failed),
            Err(error) => self.refused("delete", queue, receipts.len(), error),
        }
    }

    pub(super) async fn change_visibility(
        &self,
        queue: &str,
        receipts: &[(String, Duration)],
    ) -> Vec<EntryResult> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(receipts.len(), &error.line(), false),
        };
        let entries = receipts.iter().enumerate().map(|(n, (receipt, time))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(n.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(whole_seconds(*time) as i32);
            complete(entry.build())
        });
        let call = self
            .client()
            .change_message_visibility_batch()
            .queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => entry_results("change visibility", queue, receipts.len(), answer.failed),
            Err(error) => self.refused("change visibility", queue, receipts.len(), error),
        }
    }

    /// Forgets the address of a missing queue, because a new one may have another address.
    fn forget_if_gone<E: ProvideErrorMetadata, R>(&self, queue: &str, error: &SdkError<E, R>) {
        if refusal::is_gone(error) {
            self.forget(queue);
        }
    }

    fn refused<E, R>(
        &self,
        action: &'static str,
        queue: &str,
        count: usize,
        error: SdkError<E, R>,
    ) -> Vec<EntryResult>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        self.forget_if_gone(queue, &error);
        telemetry::refused(queue, action, refusal::code(&error), count);
        let is_final = refusal::is_of_the_messages(&error);
        let error = failed("reach", &self.full_name(queue), error);
        all_refused(count, &error.line(), is_final)
    }
}
