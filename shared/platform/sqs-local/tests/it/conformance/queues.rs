//! Creating, finding and listing queues.

use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;

use super::*;

pub(super) const NO_QUEUE: &str =
    "AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.";

#[tokio::test]
async fn a_missing_queue_is_a_typed_error() {
    let sqs = Endpoint::open().await;
    let get = sqs.client.get_queue_url().queue_name(unique(""));
    let error = get.send().await.unwrap_err().into_service_error();
    assert!(
        matches!(error, GetQueueUrlError::QueueDoesNotExist(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn every_action_on_a_missing_queue_has_the_same_error() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await + "-missing";
    let c = &sqs.client;
    let errors = [
        refused(c.delete_queue().queue_url(&url).send().await),
        refused(c.purge_queue().queue_url(&url).send().await),
        refused(c.get_queue_attributes().queue_url(&url).send().await),
        refused(c.list_queue_tags().queue_url(&url).send().await),
        refused(c.tag_queue().queue_url(&url).tags("a", "b").send().await),
        refused(c.untag_queue().queue_url(&url).tag_keys("a").send().await),
        refused(
            c.list_dead_letter_source_queues()
                .queue_url(&url)
                .send()
                .await,
        ),
        refused(
            c.send_message()
                .queue_url(&url)
                .message_body("x")
                .send()
                .await,
        ),
        refused(c.receive_message().queue_url(&url).send().await),
        refused(
            c.delete_message()
                .queue_url(&url)
                .receipt_handle("x")
                .send()
                .await,
        ),
    ];
    for error in errors {
        assert_eq!(error, NO_QUEUE);
    }
}

#[tokio::test]
async fn a_queue_of_another_account_is_not_found() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let name = url.rsplit('/').next().unwrap();
    let get = sqs.client.get_queue_url().queue_name(name);
    let other = get.queue_owner_aws_account_id("999999999999").send().await;
    assert!(refused(other).starts_with("AWS.SimpleQueueService.NonExistentQueue: "));

    let (rest, _) = url.rsplit_once('/').unwrap();
    let (host, account) = rest.rsplit_once('/').unwrap();
    let receive = |url: String| sqs.client.receive_message().queue_url(url).send();
    let theirs = receive(format!("{host}/999999999999/{name}")).await;
    assert_eq!(refused(theirs), NO_QUEUE);

    let get = sqs.client.get_queue_url().queue_name(name);
    let own = get.queue_owner_aws_account_id(account).send().await;
    assert_eq!(own.unwrap().queue_url, Some(url));
}

#[tokio::test]
async fn an_empty_name_is_not_looked_up() {
    let sqs = Endpoint::open().await;
    let get = sqs.client.get_queue_url().queue_name("").send().await;
    assert_eq!(
        refused(get),
        "InvalidParameterValue: Value for parameter QueueName is invalid. Reason: Must specify a \
         queue name."
    );
}

#[tokio::test]
async fn names_have_rules() {
    let sqs = Endpoint::open().await;
    let create = |name: &str| sqs.client.create_queue().queue_name(name);
    let text = "InvalidParameterValue: Can only include alphanumeric characters, hyphens, or \
                 underscores. 1 to 80 in length";
    for name in [
        "",
        "no/slash",
        "no space",
        "ünïcode",
        &"x".repeat(81),
        "only-fifo.fifo",
    ] {
        assert_eq!(refused(create(name).send().await), text, "{name}");
    }
    let too_long = unique(&"x".repeat(76)) + ".fifo";
    for name in [&too_long, ".fifo"] {
        let fifo = create(name).attributes("FifoQueue".into(), "true");
        assert_eq!(refused(fifo.send().await), text, "{name}");
    }

    let no_suffix = create("no-suffix").attributes("FifoQueue".into(), "true");
    assert_eq!(
        refused(no_suffix.send().await),
        "InvalidParameterValue: The name of a FIFO queue can only include alphanumeric \
         characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
    );

    let longest = format!("{}{}", unique("_-"), "x".repeat(80));
    create(&longest[..80]).send().await.unwrap();
}

#[tokio::test]
async fn creating_a_queue_again_succeeds_unless_an_attribute_differs() {
    let sqs = Endpoint::open().await;
    let name = unique("");
    let create = |seconds: &str| {
        let create = sqs.client.create_queue().queue_name(&name);
        create.attributes(QueueAttributeName::VisibilityTimeout, seconds)
    };
    let first = create("10").send().await.unwrap();
    assert_eq!(
        create("10").send().await.unwrap().queue_url,
        first.queue_url
    );

    let error = create("11").send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_name_exists(), "{error:?}");
    assert_eq!(
        refused(create("11").send().await),
        "QueueAlreadyExists: A queue already exists with the same name and a different value for \
         attribute VisibilityTimeout"
    );

    // Only requested attributes are compared, and tags never are.
    let plain = || sqs.client.create_queue().queue_name(&name);
    assert_eq!(plain().send().await.unwrap().queue_url, first.queue_url);
    let tagged = plain().tags("team", "shop").send().await.unwrap();
    assert_eq!(tagged.queue_url, first.queue_url);
    let default = plain().attributes("DelaySeconds".into(), "0").send().await;
    assert_eq!(default.unwrap().queue_url, first.queue_url);
    assert!(
        sqs.attributes(&first.queue_url.unwrap(), "All")
            .await
            .contains_key(&"QueueArn".into())
    );
}

#[tokio::test]
async fn booleans_are_read_in_any_case() {
    let sqs = Endpoint::open().await;
    let name = unique(".fifo");
    for (fifo, content_based) in [("true", "TRUE"), ("True", "true"), ("TRUE", "True")] {
        let create = sqs.client.create_queue().queue_name(&name);
        let create = create.attributes("FifoQueue".into(), fifo);
        let create = create.attributes("ContentBasedDeduplication".into(), content_based);
        let url = create.send().await.unwrap().queue_url.unwrap();
        let kept = sqs.attribute(&url, "ContentBasedDeduplication").await;
        assert_eq!(kept.as_deref(), Some("true"));
    }
}

#[tokio::test]
async fn a_queue_is_found_by_its_name() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let name = url.rsplit('/').next().unwrap();
    let found = sqs
        .client
        .get_queue_url()
        .queue_name(name)
        .send()
        .await
        .unwrap();
    assert_eq!(found.queue_url(), Some(&*url));
}

#[tokio::test]
async fn queues_are_listed_by_prefix_and_page_by_page() {
    let sqs = Endpoint::open().await;
    let prefix = unique("");
    for i in 0..5 {
        let create = sqs.client.create_queue();
        create
            .queue_name(format!("{prefix}-{i}"))
            .send()
            .await
            .unwrap();
    }
    let (mut urls, mut pages, mut token) = (Vec::new(), 0, None);
    loop {
        let list = sqs.client.list_queues().queue_name_prefix(&prefix);
        let list = list.max_results(2).set_next_token(token);
        let page = list.send().await.unwrap();
        urls.extend(page.queue_urls.unwrap_or_default());
        pages += 1;
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    urls.sort();
    urls.dedup();
    assert_eq!((urls.len(), pages), (5, 3));

    // Without a limit there is one page and no token.
    let all = sqs
        .client
        .list_queues()
        .queue_name_prefix(&prefix)
        .send()
        .await
        .unwrap();
    assert_eq!((all.queue_urls().len(), all.next_token()), (5, None));
    let exact = sqs
        .client
        .list_queues()
        .queue_name_prefix(&prefix)
        .max_results(5);
    assert_eq!(exact.send().await.unwrap().next_token(), None);
    let none = sqs
        .client
        .list_queues()
        .queue_name_prefix(unique("no-such-prefix"));
    assert!(none.send().await.unwrap().queue_urls.is_none());
}

#[tokio::test]
async fn a_page_has_one_to_a_thousand_queues() {
    let sqs = Endpoint::open().await;
    for results in [0, 1001, -1] {
        let list = sqs.client.list_queues().max_results(results).send().await;
        assert_eq!(
            refused(list),
            "InvalidParameterValue: Value for parameter MaxResults is invalid. Reason: MaxResults \
             must be an integer between 1 and 1000."
        );
    }
    let junk = sqs
        .client
        .list_queues()
        .next_token("?")
        .max_results(1)
        .send()
        .await;
    assert!(refused(junk).starts_with("InvalidParameterValue: "));
}
