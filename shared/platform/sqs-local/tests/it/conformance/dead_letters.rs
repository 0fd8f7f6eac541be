//! Dead letters: where they go, what they keep, and which queues may send them.

use super::*;

/// A dead-letter queue, and a queue whose messages move there after `count` receives.
async fn pair(sqs: &Endpoint, kind: &[(&str, &str)], count: &str) -> (String, String) {
    let dead = sqs.queue(kind).await;
    let policy = policy(&sqs.arn(&dead).await, count);
    let attributes = [
        kind,
        &[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)],
    ]
    .concat();
    (sqs.queue(&attributes).await, dead)
}

fn policy(arn: &str, count: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#)
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letters_unchanged() {
    let sqs = Endpoint::open().await;
    let (url, dead) = pair(&sqs, &[], "\"2\"").await;
    sqs.send(&url, "x").await;
    sqs.receive(&url).await;
    let last = sqs.receive(&url).await.remove(0);
    assert!(sqs.receive(&url).await.is_empty());

    let letter = sqs.receive(&dead).await.remove(0);

    assert_eq!(letter.message_id(), last.message_id());
    assert_eq!(letter.body(), Some("x"));
    for name in [
        "SentTimestamp",
        "ApproximateFirstReceiveTimestamp",
        "SenderId",
    ] {
        assert_eq!(system(&letter, name), system(&last, name), "{name}");
    }
    assert_eq!(system(&letter, "ApproximateReceiveCount"), Some("3"));
    let source = sqs.arn(&url).await;
    assert_eq!(system(&letter, "DeadLetterQueueSourceArn"), Some(&*source));
    assert_eq!(system(&last, "DeadLetterQueueSourceArn"), None);
}

#[tokio::test]
async fn fifo_dead_letters_keep_their_group_and_let_the_next_message_through() {
    let sqs = Endpoint::open().await;
    let (url, dead) = pair(&sqs, &FIFO, "1").await;
    for body in ["first", "second"] {
        sqs.send_to_group(&url, "g", body).await;
    }
    let receive = || sqs.client.receive_message().queue_url(&url).send();
    assert_eq!(bodies(receive().await.unwrap().messages()), ["first"]);
    assert_eq!(bodies(receive().await.unwrap().messages()), ["second"]);
    let letter = sqs.receive(&dead).await.remove(0);
    assert_eq!(letter.body(), Some("first"));
    assert_eq!(system(&letter, "MessageGroupId"), Some("g"));
    let known_by = system(&letter, "MessageDeduplicationId");
    assert_eq!(
        known_by,
        letter.message_id(),
        "and not by the hash of its content"
    );
}

#[tokio::test]
async fn the_sources_of_a_dead_letter_queue_are_listed() {
    let sqs = Endpoint::open().await;
    let (url, dead) = pair(&sqs, &[], "3").await;
    let sources = |url: &str| sqs.client.list_dead_letter_source_queues().queue_url(url);
    assert_eq!(
        sources(&dead).send().await.unwrap().queue_urls(),
        std::slice::from_ref(&url)
    );
    assert!(sources(&url).send().await.unwrap().queue_urls().is_empty());
    sqs.set(&url, &[("RedrivePolicy", "")]).await;
    assert!(sources(&dead).send().await.unwrap().queue_urls().is_empty());
    assert_eq!(sqs.attribute(&url, "RedrivePolicy").await, None);
}

#[tokio::test]
async fn a_count_reads_back_as_a_number() {
    let sqs = Endpoint::open().await;
    let (url, dead) = pair(&sqs, &[], "\"7\"").await;
    let expected = policy(&sqs.arn(&dead).await, "7");
    assert_eq!(sqs.attribute(&url, "RedrivePolicy").await, Some(expected));
}

#[tokio::test]
async fn a_redrive_policy_has_a_form() {
    let sqs = Endpoint::open().await;
    let arn = sqs.arn(&sqs.queue(&[]).await).await;
    let url = sqs.queue(&[]).await;
    let no_map = "InvalidAttributeValue: Invalid value for the parameter RedrivePolicy. Reason: \
                  Redrive policy is not a valid JSON map.";
    for text in ["not json", "[]", "3", "\"x\""] {
        assert_eq!(
            sqs.refused_to_set(&url, "RedrivePolicy", text).await,
            no_map
        );
        assert_eq!(
            sqs.refused_to_create("", &[("RedrivePolicy", text)]).await,
            no_map
        );
    }
    let lacks = |name| format!("Redrive policy does not contain mandatory attribute: {name}.");
    let count = |count| {
        format!(
            "Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both \
             inclusive."
        )
    };
    let more = "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].";
    let topic = arn.replace(":sqs:", ":sns:");
    for (text, reason) in [
        ("{}".into(), lacks("maxReceiveCount")),
        (
            format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#),
            lacks("maxReceiveCount"),
        ),
        (
            r#"{"maxReceiveCount":3}"#.into(),
            lacks("deadLetterTargetArn"),
        ),
        (policy(&arn, "0"), count("0")),
        (policy(&arn, "1001"), count("1001")),
        (policy(&arn, "-1"), count("-1")),
        (policy(&arn, "2.5"), count("2.5")),
        (policy(&arn, "\"many\""), count("many")),
        (
            policy("dead", "3"),
            "Invalid value for deadLetterTargetArn.".into(),
        ),
        (
            policy("arn:aws:sqs:dead", "3"),
            "Dead-letter target ARN should be fully qualified ARN.".into(),
        ),
        (
            policy(&topic, "3"),
            "Only SQS queues are valid resources for deadLetterTargetArn.".into(),
        ),
        (policy(&arn, r#"3,"colour":"blue""#), more.into()),
        (
            policy(&format!("{arn}-gone"), "3"),
            "Dead letter target does not exist.".into(),
        ),
    ] {
        let expected = invalid("RedrivePolicy", &text, &reason);
        assert_eq!(
            sqs.refused_to_set(&url, "RedrivePolicy", &text).await,
            expected
        );
        assert_eq!(
            sqs.refused_to_create("", &[("RedrivePolicy", &text)]).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_dead_letter_queue_is_of_the_same_type_region_and_account() {
    let sqs = Endpoint::open().await;
    let (standard, fifo) = (sqs.queue(&[]).await, sqs.queue(&FIFO).await);
    for (url, other) in [(&standard, &fifo), (&fifo, &standard)] {
        let text = policy(&sqs.arn(other).await, "3");
        let reason = "Dead-letter queue must be same type of queue as the source..";
        let expected = invalid("RedrivePolicy", &text, reason);
        assert_eq!(
            sqs.refused_to_set(url, "RedrivePolicy", &text).await,
            expected
        );
    }
    let arn = sqs.arn(&sqs.queue(&[]).await).await;
    let parts: Vec<_> = arn.split(':').collect();
    let elsewhere = arn.replace(parts[3], "eu-north-1");
    let theirs = arn.replace(parts[4], "999999999999");
    for arn in [elsewhere, theirs] {
        let text = policy(&arn, "3");
        let expected = invalid("RedrivePolicy", &text, "Dead letter target does not exist.");
        assert_eq!(
            sqs.refused_to_set(&standard, "RedrivePolicy", &text).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_dead_letter_queue_decides_which_queues_may_use_it() {
    let sqs = Endpoint::open().await;
    let (dead, url) = (sqs.queue(&[]).await, sqs.queue(&[]).await);
    let (dead_arn, arn) = (sqs.arn(&dead).await, sqs.arn(&url).await);
    let text = policy(&dead_arn, "3");
    let reason = "Queue does not have permission to redrive to this dead-letter queue.";
    let expected = invalid("RedrivePolicy", &text, reason);
    let by =
        |arn: &str| format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{arn}"]}}"#);
    for (allow, is_allowed) in [
        (r#"{"redrivePermission":"denyAll"}"#.into(), false),
        (by(&dead_arn), false),
        (by(&arn), true),
        (r#"{"redrivePermission":"allowAll"}"#.into(), true),
    ] {
        sqs.set(&dead, &[("RedriveAllowPolicy", &allow)]).await;
        assert_eq!(
            sqs.attribute(&dead, "RedriveAllowPolicy").await,
            Some(allow)
        );
        if is_allowed {
            sqs.set(&url, &[("RedrivePolicy", &text)]).await;
        } else {
            assert_eq!(
                sqs.refused_to_set(&url, "RedrivePolicy", &text).await,
                expected
            );
        }
    }
    sqs.set(&dead, &[("RedriveAllowPolicy", "")]).await;
    assert_eq!(sqs.attribute(&dead, "RedriveAllowPolicy").await, None);
}

#[tokio::test]
async fn a_redrive_allow_policy_has_a_form() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let expected = "InvalidAttributeValue: Invalid value for the parameter RedriveAllowPolicy. \
                 Reason: Amazon SQS can't create the redrive allow policy, as it’s in an \
                 unsupported format.";
    for text in [
        "not json",
        "[]",
        "{}",
        r#"{"redrivePermission":"sometimes"}"#,
        r#"{"redrivePermission":"allowAll","colour":"blue"}"#,
        r#"{"redrivePermission":"byQueue","sourceQueueArns":"arn"}"#,
        r#"{"redrivePermission":"byQueue","sourceQueueArns":[1]}"#,
        r#"["allowAll"]"#,
        r#"["byQueue", ["arn:a"]]"#,
    ] {
        assert_eq!(
            sqs.refused_to_set(&url, "RedriveAllowPolicy", text).await,
            expected,
            "{text}"
        );
    }
    let some = "When you specify the byQueue permission type, you must also specify one or more \
                sourceQueueArns values.";
    let most = "The maximum number of source queue ARNs you can specify is 10.";
    let by_queue = "To specify one or more source queue ARNs, you must set redrivePermission to \
                    byQueue.";
    let eleven = ["\"arn:aws:sqs:us-east-1:000000000000:q\""; 11].join(",");
    for (text, reason) in [
        (r#"{"redrivePermission":"byQueue"}"#.into(), some),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#.into(),
            some,
        ),
        (
            format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":[{eleven}]}}"#),
            most,
        ),
        (
            r#"{"redrivePermission":"denyAll","sourceQueueArns":["a"]}"#.into(),
            by_queue,
        ),
        (
            r#"{"redrivePermission":"allowAll","sourceQueueArns":["a"]}"#.into(),
            by_queue,
        ),
    ] {
        let reason = format!("Amazon SQS can't create the redrive allow policy. {reason}");
        let expected = invalid("RedriveAllowPolicy", &text, &reason);
        assert_eq!(
            sqs.refused_to_set(&url, "RedriveAllowPolicy", &text).await,
            expected
        );
    }
}
