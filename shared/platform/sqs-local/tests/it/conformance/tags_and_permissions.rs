//! Tags and permissions.

use serde_json::{Value, json};

use super::*;

async fn tags(sqs: &Endpoint, url: &str) -> HashMap<String, String> {
    let list = sqs.client.list_queue_tags().queue_url(url).send().await;
    list.unwrap().tags.unwrap_or_default()
}

#[tokio::test]
async fn tags_are_added_overwritten_and_removed() {
    let sqs = Endpoint::open().await;
    let create = sqs.client.create_queue().queue_name(unique(""));
    let create = create
        .tags("team", "shop")
        .tags("Team", "other")
        .send()
        .await;
    let url = create.unwrap().queue_url.unwrap();
    let tag = sqs.client.tag_queue().queue_url(&url);
    tag.tags("env", "test")
        .tags("team", "")
        .send()
        .await
        .unwrap();
    let untag = sqs.client.untag_queue().queue_url(&url);
    untag
        .tag_keys("Team")
        .tag_keys("never set")
        .send()
        .await
        .unwrap();
    let expected = [("env", "test"), ("team", "")].map(|(k, v)| (k.into(), v.into()));
    assert_eq!(tags(&sqs, &url).await, HashMap::from(expected));
}

#[tokio::test]
async fn a_queue_without_tags_lists_none() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let list = sqs.client.list_queue_tags().queue_url(&url).send().await;
    assert!(list.unwrap().tags.is_none());
}

#[tokio::test]
async fn tags_have_limits() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let name = url.rsplit('/').next().unwrap();
    let tag = |tags: HashMap<String, String>| {
        let tag = sqs.client.tag_queue().queue_url(&url);
        tag.set_tags(Some(tags)).send()
    };
    let one = |key: &str, value: &str| HashMap::from([(key.to_string(), value.to_string())]);
    let count = |count: usize| (0..count).map(|i| (i.to_string(), String::new())).collect();
    tag(count(50)).await.unwrap();
    let invalid = |text: &str| format!("InvalidParameterValue: {text}");
    let too_many = invalid(&format!("Too many tags added for queue {name}."));
    let wrong_key = invalid("Tag keys must be between 1 and 128 characters in length.");
    for (tags, text) in [
        (one("one more", ""), too_many),
        (one("", "x"), wrong_key.clone()),
        (one(&"x".repeat(129), "x"), wrong_key.clone()),
        (
            one("1", &"x".repeat(257)),
            invalid("Tag values must be between 0 and 256 characters in length."),
        ),
        (
            one("aws:1", "x"),
            invalid("Tag keys must not begin with aws:, which is reserved."),
        ),
        (
            HashMap::new(),
            "MissingParameter: The request must contain the parameter Tags.".into(),
        ),
    ] {
        assert_eq!(refused(tag(tags).await), text);
    }
    let untag = sqs
        .client
        .untag_queue()
        .queue_url(&url)
        .set_tag_keys(Some(vec![]));
    assert_eq!(refused(untag.send().await), wrong_key);
    assert_eq!(tags(&sqs, &url).await.len(), 50);
}

#[tokio::test]
async fn permissions_are_statements_of_the_queues_policy() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let arn = sqs.arn(&url).await;
    let add = sqs.client.add_permission().queue_url(&url).label("one");
    let add = add
        .aws_account_ids("111111111111")
        .actions("ReceiveMessage");
    add.send().await.unwrap();
    let add = sqs.client.add_permission().queue_url(&url).label("two");
    let add = add
        .aws_account_ids("111111111111")
        .aws_account_ids("222222222222");
    add.actions("SendMessage")
        .actions("GetQueueUrl")
        .send()
        .await
        .unwrap();
    let policy = sqs.attribute(&url, "Policy").await.unwrap();
    let root = |account: &str| format!("arn:aws:iam::{account}:root");
    assert_eq!(
        serde_json::from_str::<Value>(&policy).unwrap(),
        json!({
            "Version": "2008-10-17",
            "Id": format!("{arn}/SQSDefaultPolicy"),
            "Statement": [
                {
                    "Sid": "one",
                    "Effect": "Allow",
                    "Principal": { "AWS": root("111111111111") },
                    "Action": "SQS:ReceiveMessage",
                    "Resource": arn,
                },
                {
                    "Sid": "two",
                    "Effect": "Allow",
                    "Principal": { "AWS": [root("111111111111"), root("222222222222")] },
                    "Action": ["SQS:SendMessage", "SQS:GetQueueUrl"],
                    "Resource": arn,
                },
            ],
        })
    );

    for label in ["one", "two"] {
        let remove = sqs.client.remove_permission().queue_url(&url).label(label);
        remove.send().await.unwrap();
    }
    assert_eq!(sqs.attribute(&url, "Policy").await, None);
}

#[tokio::test]
async fn a_permission_is_added_to_a_policy_that_was_set() {
    let sqs = Endpoint::open().await;
    let policy = r#"{"Version":"2012-10-17","Id":"mine","Statement":{"Sid":"old"}}"#;
    let url = sqs.queue(&[("Policy", policy)]).await;
    let add = sqs.client.add_permission().queue_url(&url).label("new");
    let add = add.aws_account_ids("111111111111").actions("*");
    add.send().await.unwrap();
    let policy = sqs.attribute(&url, "Policy").await.unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    assert_eq!(policy["Statement"][0]["Sid"], "old");
    assert_eq!(policy["Statement"][1]["Action"], "SQS:*");
}

#[tokio::test]
async fn permissions_have_rules() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let add = |label: &str, accounts: &[&str], actions: &[&str]| {
        let owned = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect());
        let add = sqs.client.add_permission().queue_url(&url).label(label);
        let add = add.set_aws_account_ids(owned(accounts));
        add.set_actions(owned(actions)).send()
    };
    let account = ["111111111111"];
    add("taken", &account, &["SendMessage"]).await.unwrap();
    let eight = [
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    ];
    let unverified = "Unable to verify.";
    let label = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                 length.";
    let owner = "Only the queue owner is allowed to invoke this action.";
    for (result, text) in [
        (
            add("taken", &account, &["SendMessage"]).await,
            invalid("Label", "taken", "Already exists."),
        ),
        (
            add("no spaces", &account, &["SendMessage"]).await,
            invalid("Label", "no spaces", label),
        ),
        (
            add("a", &[], &["SendMessage"]).await,
            invalid("PrincipalId", "[]", unverified),
        ),
        (
            add("a", &["me"], &["SendMessage"]).await,
            invalid("PrincipalId", "[me]", unverified),
        ),
        (
            add("a", &account, &["CreateQueue"]).await,
            invalid("ActionName", "SQS:CreateQueue", owner),
        ),
        (
            add("a", &account, &eight).await,
            "OverLimit: 8 Actions were found, maximum allowed is 7.".into(),
        ),
        (
            add("a", &account, &[]).await,
            "MissingParameter: The request must contain the parameter Actions.".into(),
        ),
    ] {
        assert_eq!(refused(result), text);
    }
    let remove = sqs
        .client
        .remove_permission()
        .queue_url(&url)
        .label("none")
        .send()
        .await;
    let reason = "can't find label on existing policy.";
    assert_eq!(refused(remove), invalid("Label", "none", reason));
    for reason in ["", "can't find label."] {
        let remove = sqs.client.remove_permission().queue_url(&url);
        let removed = remove.label("taken").send().await;
        match reason {
            "" => drop(removed.unwrap()),
            _ => assert_eq!(refused(removed), invalid("Label", "taken", reason)),
        }
    }
}
