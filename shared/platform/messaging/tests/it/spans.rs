//! One trace from the first push to the last handler.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use messaging::trace::{self, TraceParent};
use messaging::{Fault, Local};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::fixture::{
    Arrived, Fixture, parcel_service, plain_consumer, publish, subscribe_thread, until,
};

/// The fields of a span at its end.
#[derive(Clone, Default, Debug)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
}

/// Stores every span that has ended.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Seen>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        context: Context<'_, S>,
    ) {
        let mut seen = Seen::default();
        attributes.record(&mut seen);
        context.span(id).unwrap().extensions_mut().insert(seen);
    }

    fn on_record(
        &self,
        id: &tracing::Id,
        values: &tracing::span::Record<'_>,
        context: Context<'_, S>,
    ) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Seen>().unwrap());
    }

    fn on_close(&self, id: tracing::Id, context: Context<'_, S>) {
        let seen = context.span(&id).unwrap().extensions_mut().remove::<Seen>();
        self.0.lock().unwrap().push(seen.unwrap());
    }
}

/// Subscribes to the spans of this thread, in the order of their ends.
fn subscribe() -> (Keeper, tracing::subscriber::DefaultGuard) {
    let keeper = Keeper::default();
    let targets = Targets::new().with_target("otel", tracing::Level::DEBUG);
    let subscriber = tracing_subscriber::registry().with(keeper.clone().with_filter(targets));
    (keeper, subscribe_thread(subscriber))
}

#[tokio::test]
async fn one_trace_goes_through_outbox_queue_and_handlers() {
    let (keeper, _subscribed) = subscribe();
    let fixture = Fixture::new().await;
    let wire_server = sqs_local::SqsLocal::start("127.0.0.1:0").await.unwrap();
    let settings = messaging::Settings::endpoint(wire_server.endpoint());
    let sqs = messaging::Sqs::connect(&settings).await.unwrap();
    let parcel_service = parcel_service(&fixture, sqs);
    let outbox = parcel_service.outbox();
    let running = tokio::spawn(parcel_service.run(fixture.stop.clone()));

    let request = TraceParent::root(true);
    let mut tx = outbox.traced(request).begin().await.unwrap();
    tx.push(&Arrived { parcel: 1 }).unwrap();
    tx.commit().await.unwrap();
    until("it is weighed", async || {
        fixture.records("weighed").await.len() == 1
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();

    let spans = keeper.0.lock().unwrap().clone();
    let ours = format!("{:032x}", request.trace_id);
    let find = |name: &str| {
        let mut of_name = spans.iter().filter(|span| span.get("otel.name") == name);
        let found = of_name.find(|span| span.get("trace_id") == ours);
        found
            .unwrap_or_else(|| panic!("no `{name}` in our trace: {spans:#?}"))
            .clone()
    };
    // Each span is the parent of the next one.
    let path = [
        ("create parcels", "producer", "create"),
        ("process parcels", "consumer", "process"),
        ("create weights", "producer", "create"),
        ("process weights", "consumer", "process"),
    ];
    let mut parent = format!("{:016x}", request.parent_id);
    for (name, kind, operation) in path {
        let span = find(name);
        assert_eq!(span.get("parent_id"), parent, "{name}");
        assert_eq!(span.get("otel.kind"), kind);
        assert_eq!(span.get("messaging.system"), "aws_sqs");
        assert_eq!(span.get("messaging.operation.name"), operation);
        assert_eq!(span.get("messaging.operation.type"), operation);
        assert!(
            name.ends_with(span.get("messaging.destination.name")),
            "{name}"
        );
        assert_eq!(span.get("messaging.message.id").len(), 36);
        parent = span.get("span_id").to_owned();
    }
    // The calls are in the trace, too, and linked to their messages.
    for queue in ["parcels", "weights"] {
        let created = find(&format!("create {queue}"));
        let context = format!("00-{ours}-{}-01", created.get("span_id"));
        let send = find(&format!("send {queue}"));
        assert_eq!(send.get("links"), context);
        assert_eq!(send.get("parent_id"), created.get("span_id"));
        assert_eq!(send.get("messaging.batch.message_count"), "1");
        let receive = format!("receive {queue}");
        let mut receives = spans.iter().filter(|span| span.get("otel.name") == receive);
        assert!(
            receives.any(|span| span.get("links") == context),
            "{spans:#?}"
        );
    }
    let find_id = |span: &str| find(span).get("messaging.message.id").to_owned();
    assert_eq!(find_id("create parcels"), find_id("process parcels"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_a_failed_span() {
    let (keeper, _subscribed) = subscribe();
    let local = Local::new();
    let consumer = plain_consumer(&local, |_| async { Err(Fault::reject("not a parcel")) }).await;
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is a dead letter", async || {
        local.depth("parcels-dlq") == 1
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    let spans = keeper.0.lock().unwrap().clone();
    let process = spans
        .iter()
        .find(|span| span.get("otel.name") == "process parcels")
        .unwrap();
    assert_eq!(process.get("otel.status_code"), "ERROR");
    assert_eq!(process.get("error.type"), "reject");
    assert_eq!(process.get("otel.status_message"), "not a parcel");
    assert_ne!(
        process.get("trace_id"),
        "",
        "a trace of its own, because the message has none"
    );
}

#[tokio::test(start_paused = true)]
async fn without_subscriber_and_trace_nothing_is_traced() {
    let local = Local::new();
    let seen = Arc::new(Mutex::new(None));
    let kept = seen.clone();
    let consumer = plain_consumer(&local, move |_| {
        *kept.lock().unwrap() = Some(trace::current());
        async { Ok(()) }
    });
    let consumer = consumer.await;
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is handled", async || local.depth("parcels") == 0).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(None));
}
