//! Background tasks: readiness and periodic work.

use std::future::ready as ready_with;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use axum::Router;
use chassis::config::Serving;
use chassis::{Context, launch};
use reqwest::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::{fields, problem};

#[tokio::test]
async fn readiness_names_the_problems_of_a_background_task() {
    let (change, problems) =
        tokio::sync::watch::channel(vec!["the queue parcels: it is gone".into()]);
    let stop = CancellationToken::new();
    let start = async |context: Context| {
        let stopped = context.shutdown();
        let working = async move {
            stopped.cancelled().await;
            anyhow::Ok(())
        };
        context.supervise("queues", move || problems.borrow().clone(), working);
        Ok(Router::new())
    };
    let server = launch("test", Serving::on_free_port(), stop, start);
    let server = server.await.unwrap();
    let ready = async || reqwest::get(server.url() + "/readyz").await.unwrap();

    let error = &problem(ready().await).await["errors"][0];
    assert_eq!(error["field"], "queues");
    assert_eq!(error["message"], "the queue parcels: it is gone");

    change.send(vec![]).unwrap();
    assert_eq!(ready().await.status(), StatusCode::OK);
}

/// Three rows are overdue.
#[tokio::test]
async fn overdue_rows_are_handled_until_none_is_left() {
    let left = Arc::new(AtomicUsize::new(3));
    let (stop, due) = (CancellationToken::new(), left.clone());
    let start = async |context: Context| {
        context.handle_overdue("letters", Duration::from_millis(1), move || {
            let one_less = due.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            ready_with(anyhow::Ok(one_less.map_or(0, |_| 1)))
        });
        Ok(Router::new())
    };
    let server = launch("test", Serving::on_free_port(), stop, start);
    let server = server.await.unwrap();
    let handled = async {
        let counted = "overdue_total{task=\"letters\"} 3";
        let metrics = async || reqwest::get(server.url() + "/metrics").await.unwrap();
        while !metrics().await.text().await.unwrap().contains(counted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let handled = tokio::time::timeout(Duration::from_secs(10), handled).await;
    assert!(handled.is_ok(), "{left:?} are left");
}

#[tokio::test]
async fn readiness_follows_the_checks_of_the_service() {
    let (change, is_ready) = tokio::sync::watch::channel(false);
    let server = launch(
        "test",
        Serving::on_free_port(),
        CancellationToken::new(),
        async |context| {
            context.ready_when("broker", move || std::future::ready(*is_ready.borrow()));
            Ok(Router::new())
        },
    );
    let server = server.await.unwrap();
    let ready = async || reqwest::get(server.url() + "/readyz").await.unwrap();

    let response = ready().await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(fields(&problem(response).await), ["broker"]);

    change.send(true).unwrap();
    assert_eq!(ready().await.status(), StatusCode::OK);
}
