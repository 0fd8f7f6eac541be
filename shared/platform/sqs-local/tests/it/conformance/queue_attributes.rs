//! What may be set on a queue, and how it reads back.

use super::*;

#[tokio::test]
async fn a_new_queue_has_amazons_defaults() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let name = url.rsplit('/').next().unwrap();
    let attributes = sqs.attributes(&url, "All").await;
    for (name, value) in [
        ("DelaySeconds", "0"),
        ("VisibilityTimeout", "30"),
        ("MessageRetentionPeriod", "345600"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("MaximumMessageSize", "1048576"),
        ("SqsManagedSseEnabled", "true"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
    ] {
        assert_eq!(attributes[&name.into()], value, "{name}");
    }
    assert!(attributes[&"QueueArn".into()].ends_with(&format!(":{name}")));
    let created = &attributes[&"CreatedTimestamp".into()];
    assert_eq!(created, &attributes[&"LastModifiedTimestamp".into()]);
    assert_eq!(created.len(), 10, "seconds, not milliseconds");
    // Nothing else: no policies, and nothing of FIFO queues.
    assert_eq!(attributes.len(), 12);
}

#[tokio::test]
async fn a_new_fifo_queue_has_four_attributes_more() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let attributes = sqs.attributes(&url, "All").await;
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        assert_eq!(attributes[&name.into()], value, "{name}");
    }
    assert_eq!(attributes.len(), 16);
}

#[tokio::test]
async fn only_the_attributes_asked_for_are_told() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let get = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).into()).collect();
        let get = sqs.client.get_queue_attributes().queue_url(&url);
        get.set_attribute_names(Some(names)).send()
    };
    let two = get(&["DelaySeconds", "QueueArn"]).await.unwrap();
    assert_eq!(two.attributes().unwrap().len(), 2);
    assert!(get(&[]).await.unwrap().attributes().is_none());
    // What the queue does not have is no mistake; what no queue has is one.
    assert!(
        get(&["RedrivePolicy"])
            .await
            .unwrap()
            .attributes()
            .is_none()
    );
    for names in [&["Colour"][..], &["All", "Colour"], &["Colour", "All"]] {
        let error = refused(get(names).await);
        assert_eq!(error, "InvalidAttributeName: Unknown Attribute Colour.");
    }
}

#[tokio::test]
async fn values_at_both_ends_of_their_range_are_taken() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for (name, least, most) in [
        ("DelaySeconds", "0", "900"),
        ("VisibilityTimeout", "0", "43200"),
        ("MessageRetentionPeriod", "60", "1209600"),
        ("ReceiveMessageWaitTimeSeconds", "0", "20"),
        ("MaximumMessageSize", "1024", "1048576"),
    ] {
        for value in [least, most] {
            sqs.set(&url, &[(name, value)]).await;
            assert_eq!(
                sqs.attribute(&url, name).await.as_deref(),
                Some(value),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn values_out_of_their_range_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for (name, value) in [
        ("DelaySeconds", "901"),
        ("DelaySeconds", "-1"),
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "soon"),
        ("VisibilityTimeout", ""),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("KmsDataKeyReusePeriodSeconds", "59"),
        ("KmsDataKeyReusePeriodSeconds", "86401"),
        ("SqsManagedSseEnabled", "maybe"),
        ("Policy", "not json"),
    ] {
        let words = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
        assert_eq!(
            sqs.refused_to_create("", &[(name, value)]).await,
            words,
            "{value}"
        );
        assert_eq!(
            sqs.refused_to_set(&url, name, value).await,
            words,
            "{value}"
        );
    }
}

#[tokio::test]
async fn unknown_attributes_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for name in ["Colour", "delayseconds", "QueueArn", "CreatedTimestamp"] {
        let words = format!("InvalidAttributeName: Unknown Attribute {name}.");
        assert_eq!(sqs.refused_to_create("", &[(name, "1")]).await, words);
        assert_eq!(sqs.refused_to_set(&url, name, "1").await, words);
    }
    let nothing = sqs.client.set_queue_attributes().queue_url(&url);
    assert_eq!(
        refused(nothing.set_attributes(Some(HashMap::new())).send().await),
        "MissingParameter: The request must contain the parameter Attribute.Name."
    );
}

#[tokio::test]
async fn a_standard_queue_has_no_attributes_of_a_fifo_queue() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let unknown = |name| format!("InvalidAttributeName: Unknown Attribute {name}.");
    let only = |name| {
        format!(
            "InvalidAttributeName: You can specify the {name} only when FifoQueue is set to true."
        )
    };
    for (name, value, words) in [
        ("FifoQueue", "false", unknown("FifoQueue")),
        (
            "ContentBasedDeduplication",
            "true",
            unknown("ContentBasedDeduplication"),
        ),
        ("DeduplicationScope", "queue", only("DeduplicationScope")),
        (
            "FifoThroughputLimit",
            "perQueue",
            only("FifoThroughputLimit"),
        ),
    ] {
        assert_eq!(sqs.refused_to_create("", &[(name, value)]).await, words);
        assert_eq!(sqs.refused_to_set(&url, name, value).await, words);
    }
    let words = unknown("FifoQueue");
    assert_eq!(sqs.refused_to_set(&url, "FifoQueue", "true").await, words);
}

#[tokio::test]
async fn the_type_of_a_queue_stays() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    sqs.set(&url, &[("FifoQueue", "true")]).await;
    assert_eq!(
        sqs.refused_to_set(&url, "FifoQueue", "false").await,
        "InvalidAttributeValue: Invalid value for the parameter FifoQueue. Reason: Modifying queue \
         type is not supported."
    );
}

#[tokio::test]
async fn high_throughput_wants_deduplication_by_group() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let words = "InvalidAttributeValue: Invalid value for the parameter FifoThroughputLimit. \
                 Reason: To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope \
                 must be messageGroup.";
    let (limit, scope) = ("FifoThroughputLimit", "DeduplicationScope");
    assert_eq!(
        sqs.refused_to_set(&url, limit, "perMessageGroupId").await,
        words
    );
    let create = [("FifoQueue", "true"), (limit, "perMessageGroupId")];
    assert_eq!(sqs.refused_to_create(".fifo", &create).await, words);
    for name in [limit, scope] {
        let words = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
        assert_eq!(sqs.refused_to_set(&url, name, "sometimes").await, words);
    }

    sqs.set(&url, &[(scope, "messageGroup")]).await;
    sqs.set(&url, &[(limit, "perMessageGroupId")]).await;
    assert_eq!(sqs.refused_to_set(&url, scope, "queue").await, words);
    sqs.set(&url, &[(scope, "queue"), (limit, "perQueue")])
        .await;
    let high = [
        ("FifoQueue", "true"),
        (scope, "messageGroup"),
        (limit, "perMessageGroupId"),
    ];
    let url = sqs.queue(&high).await;
    assert_eq!(
        sqs.attribute(&url, limit).await.as_deref(),
        Some("perMessageGroupId")
    );
}

#[tokio::test]
async fn setting_an_attribute_leaves_the_others_and_moves_the_time_of_change() {
    let sqs = Endpoint::open().await;
    let url = sqs
        .queue(&[("DelaySeconds", "7"), ("VisibilityTimeout", "8")])
        .await;
    sqs.set(&url, &[("VisibilityTimeout", "9")]).await;
    let attributes = sqs.attributes(&url, "All").await;
    assert_eq!(attributes[&"DelaySeconds".into()], "7");
    assert_eq!(attributes[&"VisibilityTimeout".into()], "9");
    let time = |name: &str| attributes[&name.into()].parse::<u64>().unwrap();
    assert!(time("LastModifiedTimestamp") >= time("CreatedTimestamp"));
    // One bad value, and nothing of the request is done.
    let set = sqs.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes("DelaySeconds".into(), "1");
    let set = set.attributes("VisibilityTimeout".into(), "99999");
    refused(set.send().await);
    assert_eq!(
        sqs.attribute(&url, "DelaySeconds").await.as_deref(),
        Some("7")
    );
}
