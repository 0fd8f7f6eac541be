//! The page on real processes: both arms, their databases and queues.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/shops.rs"]
mod shops;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use fixture::Fixture;

/// One start for all claims, since it takes some seconds.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_and_controls_both_sides() {
    let page = Fixture::start().await;
    other_pages_and_calls_without_the_token_are_refused(&page).await;
    an_order_is_settled_at_both_sides_and_its_journey_is_known(&page).await;
    its_calls_to_databases_and_to_the_provider_are_seen(&page).await;
    an_order_from_outside_is_counted_and_has_a_journey(&page).await;
    a_reader_that_was_away_gets_what_it_has_missed(&page).await;
    a_killed_part_is_down_until_it_is_restarted_and_its_orders_wait(&page, "payment-service").await;
    a_killed_part_is_down_until_it_is_restarted_and_its_orders_wait(&page, "sqs").await;
    a_paused_postgres_is_seen_at_both_sides_until_all_is_healed(&page).await;
    a_poison_message_becomes_a_dead_letter_that_can_be_moved_and_removed(&page).await;
    a_load_changes_its_rate_and_its_scenario_and_every_promise_is_kept(&page).await;
    page.stop().await;
}

async fn other_pages_and_calls_without_the_token_are_refused(page: &Fixture) {
    let check = async |path: &str, headers: &[(&str, &str)], expected: StatusCode| {
        let mut request = page.http.get(format!("{}{path}", page.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), expected, "{path} {headers:?}");
    };
    let token = ("x-twofold-token", page.token.as_str());
    let in_query = format!("/api/setup?token={}", page.token);
    check("/", &[], StatusCode::OK).await;
    check("/api/setup", &[token], StatusCode::OK).await;
    check("/api/setup", &[], StatusCode::UNAUTHORIZED).await;
    check(
        "/api/setup",
        &[("x-twofold-token", "0")],
        StatusCode::UNAUTHORIZED,
    )
    .await;
    check(&in_query, &[], StatusCode::UNAUTHORIZED).await;
    check("/", &[("host", "evil.example")], StatusCode::FORBIDDEN).await;
    let origin = ("origin", "http://evil.example");
    check("/api/setup", &[token, origin], StatusCode::FORBIDDEN).await;
    check(
        "/api/setup",
        &[token, ("origin", &page.url)],
        StatusCode::OK,
    )
    .await;
}

async fn an_order_is_settled_at_both_sides_and_its_journey_is_known(page: &Fixture) {
    for (arm, order) in page.place().await {
        let settled = page.ever("order", |event| {
            event["id"] == order.as_str() && event["status"] == "confirmed"
        });
        settled.await;
        let path = format!("/api/journey?arm={arm}&order={order}");
        let journey = page
            .eventually(&path, |journey| journey["complete"] == true)
            .await;
        let kinds: Vec<&str> = spans(&journey)
            .map(|span| span["kind"].as_str().unwrap())
            .collect();
        assert!(
            kinds.contains(&"transaction") && kinds.contains(&"call"),
            "{journey:#}"
        );
        let queues = kinds.iter().filter(|kind| **kind == "wait").count();
        assert_eq!(queues > 0, arm == "A3", "{journey:#}");
        for span in spans(&journey) {
            assert!(
                span["begin_ms"].as_f64() <= span["end_ms"].as_f64(),
                "{span}"
            );
        }
        let facts = journey["history"].as_array().unwrap().len();
        assert!(facts >= 4, "{journey:#}");
    }
}

fn spans(journey: &Value) -> impl Iterator<Item = &Value> {
    journey["spans"].as_array().unwrap().iter()
}

async fn its_calls_to_databases_and_to_the_provider_are_seen(page: &Fixture) {
    let mut missing = vec![
        ("A0", "monolith", "shop"),
        ("A0", "monolith", "provider"),
        ("A3", "order-service", "orders"),
        ("A3", "inventory-service", "inventory"),
        ("A3", "payment-service", "provider"),
    ];
    page.ever("tick", |tick| {
        missing.retain(|(arm, from, to)| {
            let mut flows = tick["arms"][arm]["flows"].as_array().unwrap().iter();
            !flows.any(|flow| flow["from"] == *from && flow["to"] == *to)
        });
        missing.is_empty()
    })
    .await;
}

async fn an_order_from_outside_is_counted_and_has_a_journey(page: &Fixture) {
    for arm in ["A0", "A3"] {
        let order = page.place_outside(arm).await;
        let settled = page.ever("order", |event| {
            event["id"] == order.as_str() && event["status"] == "confirmed"
        });
        settled.await;
        let path = format!("/api/journey?arm={arm}&order={order}");
        let journey = page
            .eventually(&path, |journey| journey["complete"] == true)
            .await;
        assert!(
            journey["history"].as_array().unwrap().len() >= 4,
            "{journey:#}"
        );
    }
}

async fn a_reader_that_was_away_gets_what_it_has_missed(page: &Fixture) {
    let first = page.events_after(None, 2).await;
    let last: u64 = first[1].id.unwrap();
    // Another reader sees these.
    page.events_after(None, 3).await;
    let missed = page.events_after(Some(last), 3).await;
    let ids: Vec<u64> = missed.iter().map(|event| event.id.unwrap()).collect();
    assert_eq!(ids, [last + 1, last + 2, last + 3]);
    // The number of an earlier start is not ours.
    let lost = page.events_after(Some(last + 1_000_000), 1).await;
    assert_eq!(lost[0].kind, "gap");
}

/// Both sides accept orders without the payment service, and without the queue server.
async fn a_killed_part_is_down_until_it_is_restarted_and_its_orders_wait(
    page: &Fixture,
    part: &str,
) {
    act(page, "A3", part, "kill").await;
    page.until("tick", |tick| state(tick, "A3", part) == "down")
        .await;
    let placed = page.place().await;
    assert_eq!(placed.len(), 2, "orders are accepted without {part}");
    until_backlog(page, 1).await;
    act(page, "A3", part, "restart").await;
    page.until("tick", |tick| state(tick, "A3", part) == "up")
        .await;
    until_backlog(page, 0).await;
}

async fn a_paused_postgres_is_seen_at_both_sides_until_all_is_healed(page: &Fixture) {
    let both = |tick: &Value, expected: &str| {
        let mut arms = ["A0", "A3"].iter();
        arms.all(|arm| state(tick, arm, "postgres") == expected)
    };
    act(page, "A0", "postgres", "pause").await;
    page.until("tick", |tick| {
        both(tick, "paused") && tick["faults"].as_array().unwrap().len() == 2
    })
    .await;
    page.call(Method::POST, "/api/heal", json!({ "arm": null }))
        .await;
    page.until("tick", |tick| {
        both(tick, "up") && tick["faults"] == json!([])
    })
    .await;
    // Every fault that has ended is followed by an audit.
    page.ever("audit", |audit| audit["arms"]["A3"]["quiet"] == true)
        .await;
}

async fn act(page: &Fixture, arm: &str, part: &str, action: &str) {
    let path = format!("/api/parts/{arm}/{part}/{action}");
    page.call(Method::POST, &path, json!({})).await;
}

async fn until_backlog(page: &Fixture, orders: u64) {
    page.until("tick", |tick| tick["arms"]["A3"]["backlog"] == orders)
        .await;
}

fn state<'a>(tick: &'a Value, arm: &str, part: &str) -> &'a Value {
    let processes = tick["arms"][arm]["processes"].as_array().unwrap();
    let found = processes.iter().find(|one| one["name"] == part);
    &found.unwrap()["state"]
}

async fn a_poison_message_becomes_a_dead_letter_that_can_be_moved_and_removed(page: &Fixture) {
    let dead = |tick: &Value| {
        let queues = tick["arms"]["A3"]["queues"].as_array().unwrap();
        let mut queues = queues.iter();
        queues.find(|one| one["name"] == "shipping-events").unwrap()["dead"]
            .as_u64()
            .unwrap()
    };
    let poison = json!({ "kind": "undecodable" });
    page.call(Method::POST, "/api/queues/shipping-events/poison", poison)
        .await;
    page.until("tick", |tick| dead(tick) == 1).await;
    let queue = "/api/queues/shipping-events-dlq";
    let letters = page
        .call(Method::GET, &format!("{queue}/messages?limit=5"), json!({}))
        .await;
    let reason = letters[0]["reason"]
        .as_str()
        .expect("a dead letter has a reason")
        .to_owned();

    let redrive = async |reason: &str, dry_run: bool| {
        let body = json!({ "reason": reason, "rate": null, "dry_run": dry_run });
        page.call(Method::POST, &format!("{queue}/redrive"), body)
            .await
    };
    assert_eq!(redrive("another reason", true).await["would_move"], 0);
    assert_eq!(redrive(&reason, true).await["would_move"], 1);
    assert_eq!(redrive(&reason, false).await["moved"], 1);
    // The service still cannot read it.
    page.until("tick", |tick| dead(tick) == 1).await;
    let purged = page
        .call(Method::POST, &format!("{queue}/purge"), json!({}))
        .await;
    assert_eq!(purged["removed"], 1);
}

async fn a_load_changes_its_rate_and_its_scenario_and_every_promise_is_kept(page: &Fixture) {
    for (rate, scenario) in [(10, "checkout"), (20, "refusals"), (0, "refusals")] {
        let load = json!({ "arms": ["A0", "A3"], "rate": rate, "scenario": scenario });
        page.call(Method::PUT, "/api/load", load).await;
        // The load of one second at each side.
        let mut offered = [0, 0];
        page.until("tick", |tick| {
            let arms = ["A0", "A3"].iter().zip(&mut offered);
            let done = arms.map(|(arm, offered)| {
                *offered += tick["arms"][arm]["orders"]["offered"].as_u64().unwrap();
                *offered >= rate && tick["load"][arm]["scenario"] == scenario
            });
            // Each side is counted, also when the first has not done its part.
            !done.collect::<Vec<_>>().contains(&false)
        })
        .await;
    }
    let settled = |tick: &Value| {
        ["A0", "A3"]
            .iter()
            .all(|arm| tick["arms"][arm]["backlog"] == 0)
    };
    page.until("tick", settled).await;
    let audit = page.call(Method::POST, "/api/audit", json!({})).await;
    for arm in ["A0", "A3"] {
        assert_eq!(audit["arms"][arm]["quiet"], true, "{audit:#}");
        let promises = audit["arms"][arm]["promises"].as_array().unwrap();
        assert!(promises.len() > 10, "{audit:#}");
        assert!(
            promises.iter().all(|promise| promise["kept"] == true),
            "{audit:#}"
        );
        let checked = promises
            .iter()
            .filter_map(|promise| promise["checked"].as_u64());
        assert!(checked.max().unwrap() >= 20, "{audit:#}");
    }
}
