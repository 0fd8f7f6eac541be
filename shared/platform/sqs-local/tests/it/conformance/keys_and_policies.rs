//! Queue attributes that are stored and shown, without effect.

use super::*;

#[tokio::test]
async fn messages_are_encrypted_with_one_key_or_the_other() {
    let sqs = Endpoint::open().await;
    let text = "InvalidAttributeName: You can use one type of server-side encryption (SSE) at one \
                 time. You can either enable KMS SSE or SQS SSE.";
    let both = [
        ("KmsMasterKeyId", "alias/mine"),
        ("SqsManagedSseEnabled", "true"),
    ];
    assert_eq!(sqs.refused_to_create("", &both).await, text);
    let url = sqs.queue(&[]).await;
    let set = sqs.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes("KmsMasterKeyId".into(), "alias/mine");
    let set = set.attributes("SqsManagedSseEnabled".into(), "true");
    assert_eq!(refused(set.send().await), text);

    let seen = async || {
        let mut all = sqs.attributes(&url, "All").await;
        let names = [
            "KmsMasterKeyId",
            "KmsDataKeyReusePeriodSeconds",
            "SqsManagedSseEnabled",
        ];
        names.map(|name| all.remove(&name.into()).unwrap_or_default())
    };
    sqs.set(&url, &[("KmsMasterKeyId", "alias/mine")]).await;
    assert_eq!(seen().await, ["alias/mine", "300", "false"]);
    sqs.set(&url, &[("KmsDataKeyReusePeriodSeconds", "600")])
        .await;
    assert_eq!(seen().await, ["alias/mine", "600", "false"]);
    sqs.set(&url, &[("SqsManagedSseEnabled", "true")]).await;
    assert_eq!(seen().await, ["", "", "true"]);
    sqs.set(&url, &[("SqsManagedSseEnabled", "false")]).await;
    assert_eq!(seen().await, ["", "", "false"]);
    sqs.set(
        &url,
        &[
            ("KmsMasterKeyId", "alias/mine"),
            ("SqsManagedSseEnabled", "false"),
        ],
    )
    .await;
    assert_eq!(seen().await, ["alias/mine", "600", "false"]);
    sqs.set(&url, &[("KmsMasterKeyId", "")]).await;
    assert_eq!(seen().await, ["", "", "false"]);
}

#[tokio::test]
async fn a_policy_is_stored_unchanged_and_removed_with_an_empty_one() {
    let sqs = Endpoint::open().await;
    let policy = r#"{ "Version": "2012-10-17", "Statement": [] }"#;
    let url = sqs.queue(&[("Policy", policy)]).await;
    assert_eq!(sqs.attribute(&url, "Policy").await.as_deref(), Some(policy));
    sqs.set(&url, &[("Policy", "")]).await;
    assert_eq!(sqs.attribute(&url, "Policy").await, None);

    let statements = ["{}"; 21].join(",");
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    assert_eq!(
        sqs.refused_to_set(&url, "Policy", &policy).await,
        "OverLimit: 21 statements were found in the submitted policy, max allowed is 20"
    );
}

#[tokio::test]
async fn redrive_policies_read_back_as_compact_json() {
    let sqs = Endpoint::open().await;
    let (dead, url) = (sqs.queue(&[]).await, sqs.queue(&[]).await);
    let arn = sqs.arn(&dead).await;
    let allow = r#"{ "redrivePermission": "byQueue", "sourceQueueArns": ["arn:b", "arn:a"] }"#;
    for count in ["3", "\"3\""] {
        let given =
            format!(r#"{{ "maxReceiveCount" : {count}, "deadLetterTargetArn" : "{arn}" }}"#);
        let set = [("RedrivePolicy", &*given), ("RedriveAllowPolicy", allow)];
        sqs.set(&url, &set).await;
        let expected = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#);
        assert_eq!(sqs.attribute(&url, "RedrivePolicy").await, Some(expected));
    }
    let allow = r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:b","arn:a"]}"#;
    let seen = sqs.attribute(&url, "RedriveAllowPolicy").await;
    assert_eq!(seen.as_deref(), Some(allow));
}

#[tokio::test]
async fn a_queue_created_again_with_policies_of_the_same_meaning_is_the_same_queue() {
    let sqs = Endpoint::open().await;
    let arn = sqs.arn(&sqs.queue(&[]).await).await;
    let name = unique("");
    let create = |redrive: String, allow: &str, policy: &str| {
        let create = sqs.client.create_queue().queue_name(&name);
        let create = create.attributes("RedrivePolicy".into(), redrive);
        let create = create.attributes("RedriveAllowPolicy".into(), allow);
        create.attributes("Policy".into(), policy).send()
    };
    let redrive =
        |count: &str| format!(r#"{{"maxReceiveCount": {count}, "deadLetterTargetArn": "{arn}"}}"#);
    let allow = r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:a","arn:b"]}"#;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Action":["a","b"]}]}"#;
    let first = create(redrive("3"), allow, policy).await.unwrap();

    let allow_again = r#"{"sourceQueueArns": ["arn:b", "arn:a"], "redrivePermission": "byQueue"}"#;
    let policy_again = r#"{"Statement": [{"Action": ["b", "a"]}], "Version": "2012-10-17"}"#;
    let again = create(redrive("\"3\""), allow_again, policy_again).await;

    assert_eq!(again.unwrap().queue_url(), first.queue_url());
    assert_eq!(
        refused(create(redrive("4"), allow, policy).await),
        "QueueAlreadyExists: A queue already exists with the same name and a different value for \
         attribute RedrivePolicy"
    );
}
