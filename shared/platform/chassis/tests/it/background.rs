//! Work beside the server: what readiness says of it, and what is looked after now and then.

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

use crate::problem;

#[tokio::test]
async fn readiness_says_what_is_wrong_with_the_work_beside_the_server() {
    let (tell, told) = tokio::sync::watch::channel(vec!["the queue parcels: it is gone".into()]);
    let stop = CancellationToken::new();
    let start = async |context: Context| {
        let stopped = context.shutdown();
        let working = async move {
            stopped.cancelled().await;
            anyhow::Ok(())
        };
        context.attend("queues", move || told.borrow().clone(), working);
        Ok(Router::new())
    };
    let server = launch("test", Serving::anywhere(), stop, start);
    let server = server.await.unwrap();
    let ready = async || reqwest::get(server.url() + "/readyz").await.unwrap();

    let error = &problem(ready().await).await["errors"][0];
    assert_eq!(error["field"], "queues");
    assert_eq!(error["message"], "the queue parcels: it is gone");

    tell.send(vec![]).unwrap();
    assert_eq!(ready().await.status(), StatusCode::OK);
}

/// Due three times, and then no more.
#[tokio::test]
async fn what_is_overdue_is_looked_after_until_nothing_is() {
    let left = Arc::new(AtomicUsize::new(3));
    let (stop, due) = (CancellationToken::new(), left.clone());
    let start = async |context: Context| {
        context.look_after("letters", Duration::from_millis(1), move || {
            let one_less = due.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            ready_with(anyhow::Ok(one_less.map_or(0, |_| 1)))
        });
        Ok(Router::new())
    };
    let server = launch("test", Serving::anywhere(), stop, start);
    let server = server.await.unwrap();
    let looked = async {
        let counted = "overdue_total{task=\"letters\"} 3";
        let metrics = async || reqwest::get(server.url() + "/metrics").await.unwrap();
        while !metrics().await.text().await.unwrap().contains(counted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let looked = tokio::time::timeout(Duration::from_secs(10), looked).await;
    assert!(looked.is_ok(), "{left:?} are left");
}
