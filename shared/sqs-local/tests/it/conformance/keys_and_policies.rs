//! Queue attributes that are kept and shown, and have no effect here.

use super::*;

#[tokio::test]
async fn messages_are_encrypted_with_one_key_or_the_other() {
    let sqs = Endpoint::open().await;
    let words = "InvalidAttributeName: You can use one type of server-side encryption (SSE) at one \
                 time. You can either enable KMS SSE or SQS SSE.";
    let both = [
        ("KmsMasterKeyId", "alias/mine"),
        ("SqsManagedSseEnabled", "true"),
    ];
    assert_eq!(sqs.refused_to_create("", &both).await, words);
    let url = sqs.queue(&[]).await;
    let set = sqs.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes("KmsMasterKeyId".into(), "alias/mine");
    let set = set.attributes("SqsManagedSseEnabled".into(), "true");
    assert_eq!(refused(set.send().await), words);

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
async fn a_policy_is_kept_as_it_is_given_and_taken_away_with_an_empty_one() {
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
