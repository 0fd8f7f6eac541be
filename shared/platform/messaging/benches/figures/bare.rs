//! The SDK alone: loops of receive and delete, without limits, order or retries.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use messaging::Sqs;

use crate::letters::Letter;

/// The system attributes that the consumer requests.
const SYSTEM: [MessageSystemAttributeName; 2] = [
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::SentTimestamp,
];

/// Runs `loops` concurrent loops until `messages` messages are deleted. If `reads`, it requests the
/// attributes with kind and receive count, and decodes each message, as a handler has to.
pub(crate) async fn bare(
    sqs: &Sqs,
    loops: usize,
    messages: usize,
    reads: bool,
) -> anyhow::Result<()> {
    let client = sqs.client();
    let found = client.get_queue_url().queue_name("letters").send().await?;
    let url = found.queue_url.unwrap_or_default();
    let left = AtomicUsize::new(messages);
    let tasks = (0..loops).map(|_| async {
        while left.load(Ordering::Relaxed) > 0 {
            let receive = client
                .receive_message()
                .queue_url(&url)
                .max_number_of_messages(10)
                .set_message_attribute_names(reads.then(|| vec!["All".to_owned()]))
                .set_message_system_attribute_names(reads.then(|| SYSTEM.to_vec()));
            let received = receive.send().await?.messages.unwrap_or_default();
            if received.is_empty() {
                continue;
            }
            for message in received.iter().filter(|_| reads) {
                let body = message.body.as_deref().unwrap_or_default();
                std::hint::black_box(serde_json::from_str::<Letter>(body)?);
            }
            let entries = received.iter().enumerate().map(|(n, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
                entry
                    .set_receipt_handle(message.receipt_handle.clone())
                    .build()
            });
            let entries = entries.collect::<Result<_, _>>()?;
            let delete = client.delete_message_batch().queue_url(&url);
            delete.set_entries(Some(entries)).send().await?;
            left.fetch_sub(received.len(), Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(tasks).await?;
    Ok(())
}
