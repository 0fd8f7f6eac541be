//! Queue attributes: which ones may be set, and how they read back.

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
    // No other attributes: no policies, and none of FIFO queues.
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
async fn only_the_requested_attributes_are_returned() {
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
    // An attribute that this queue lacks is no error. One that no queue has is an error.
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
async fn values_at_both_ends_of_their_range_are_accepted() {
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
        let text = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
        assert_eq!(
            sqs.refused_to_create("", &[(name, value)]).await,
            text,
            "{value}"
        );
        assert_eq!(sqs.refused_to_set(&url, name, value).await, text, "{value}");
    }
}

#[tokio::test]
async fn unknown_attributes_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for name in ["Colour", "delayseconds", "QueueArn", "CreatedTimestamp"] {
        let text = format!("InvalidAttributeName: Unknown Attribute {name}.");
        assert_eq!(sqs.refused_to_create("", &[(name, "1")]).await, text);
        assert_eq!(sqs.refused_to_set(&url, name, "1").await, text);
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
    for (name, value, text) in [
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
        assert_eq!(sqs.refused_to_create("", &[(name, value)]).await, text);
        assert_eq!(sqs.refused_to_set(&url, name, value).await, text);
    }
    let text = unknown("FifoQueue");
    assert_eq!(sqs.refused_to_set(&url, "FifoQueue", "true").await, text);
}

#[tokio::test]
async fn the_type_of_a_queue_cannot_change() {
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
async fn high_throughput_requires_deduplication_by_group() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let text = "InvalidAttributeValue: Invalid value for the parameter FifoThroughputLimit. \
                 Reason: To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope \
                 must be messageGroup.";
    let (limit, scope) = ("FifoThroughputLimit", "DeduplicationScope");
    assert_eq!(
        sqs.refused_to_set(&url, limit, "perMessageGroupId").await,
        text
    );
    let create = [("FifoQueue", "true"), (limit, "perMessageGroupId")];
    assert_eq!(sqs.refused_to_create(".fifo", &create).await, text);
    for name in [limit, scope] {
        let text = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
        assert_eq!(sqs.refused_to_set(&url, name, "sometimes").await, text);
    }

    sqs.set(&url, &[(scope, "messageGroup")]).await;
    sqs.set(&url, &[(limit, "perMessageGroupId")]).await;
    assert_eq!(sqs.refused_to_set(&url, scope, "queue").await, text);
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
    // With one invalid value, nothing of the request is applied.
    let set = sqs.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes("DelaySeconds".into(), "1");
    let set = set.attributes("VisibilityTimeout".into(), "99999");
    refused(set.send().await);
    assert_eq!(
        sqs.attribute(&url, "DelaySeconds").await.as_deref(),
        Some("7")
    );
}
