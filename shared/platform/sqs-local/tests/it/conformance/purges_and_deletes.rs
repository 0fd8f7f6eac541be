//! Purging and deleting queues.

use super::queues::NO_QUEUE;
use super::*;

#[tokio::test]
async fn a_purge_removes_every_message_in_every_state() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "in flight").await;
    let flying = sqs.receive(&url).await.remove(0);
    sqs.send(&url, "waiting").await;
    let delayed = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("delayed");
    delayed.delay_seconds(900).send().await.unwrap();

    let purge = || sqs.client.purge_queue().queue_url(&url).send();
    purge().await.unwrap();

    let counts = sqs.attributes(&url, "All").await;
    for state in ["", "NotVisible", "Delayed"] {
        let name = format!("ApproximateNumberOfMessages{state}");
        assert_eq!(counts[&name.as_str().into()], "0", "{name}");
    }
    let change = sqs.client.change_message_visibility().queue_url(&url);
    let change = change.receipt_handle(handle(&flying)).visibility_timeout(0);
    assert!(refused(change.send().await).contains("Message does not exist"));
    let name = url.rsplit('/').next().unwrap();
    assert_eq!(
        refused(purge().await),
        format!(
            "AWS.SimpleQueueService.PurgeQueueInProgress: Only one PurgeQueue operation on {name} \
             is allowed every 60 seconds."
        )
    );
}

#[tokio::test]
async fn a_purge_clears_the_deduplication_memory() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    sqs.send_to_group(&url, "g", "again").await;
    sqs.client
        .purge_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    sqs.send_to_group(&url, "g", "again").await;
    assert_eq!(bodies(&sqs.receive(&url).await), ["again"]);
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_its_name_is_reserved_for_a_minute() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let name = url.rsplit('/').next().unwrap();
    sqs.client
        .delete_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();

    let receive = sqs.client.receive_message().queue_url(&url).send().await;
    assert_eq!(refused(receive), NO_QUEUE);
    let again = sqs.client.delete_queue().queue_url(&url).send().await;
    assert_eq!(refused(again), NO_QUEUE);
    let list = sqs
        .client
        .list_queues()
        .queue_name_prefix(name)
        .send()
        .await;
    assert!(list.unwrap().queue_urls().is_empty());
    let create = sqs.client.create_queue().queue_name(name).send().await;
    assert_eq!(
        refused(create),
        "AWS.SimpleQueueService.QueueDeletedRecently: You must wait 60 seconds after deleting a \
         queue before you can create another with the same name."
    );
}
