//! Start and end of a service.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::config::Serving;
use chassis::launch;
use tokio_util::sync::CancellationToken;

use crate::{routes, start};

#[tokio::test]
async fn open_requests_are_answered_before_the_end() {
    let (arrived, has_arrived) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let signals = std::sync::Arc::new(std::sync::Mutex::new(Some((arrived, may_go_on))));
    let slow = get(async move || {
        let (arrived, may_go_on) = signals.lock().unwrap().take().unwrap();
        arrived.send(()).unwrap();
        may_go_on.await.unwrap();
        "answered"
    });
    let stop = CancellationToken::new();
    let routes = Router::new().route("/slow", slow);
    let server = launch("test", Serving::on_free_port(), stop, async |_| Ok(routes))
        .await
        .unwrap();

    let request = tokio::spawn(reqwest::get(server.url() + "/slow"));
    has_arrived.await.unwrap();
    let stopped = tokio::spawn(server.stop());
    go_on.send(()).unwrap();

    let answer = request.await.unwrap().unwrap().text().await.unwrap();
    assert_eq!(answer, "answered");
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failing_background_task_ends_the_service() {
    let stop = CancellationToken::new();
    let server = launch("test", Serving::on_free_port(), stop, async |context| {
        context.background("work", async {
            Err::<(), _>(anyhow::anyhow!("out of work"))
        });
        Ok(Router::new())
    });
    let ended = tokio::time::timeout(Duration::from_secs(5), server.await.unwrap().ended());
    assert!(ended.await.unwrap().is_err());
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let first = start().await;
    let serving = Serving {
        listen_addr: first.address(),
        ..Serving::on_free_port()
    };
    let second = launch("test", serving, CancellationToken::new(), async |_| {
        Ok(routes())
    });
    let error = format!("{:#}", second.await.err().unwrap());
    assert!(
        error.contains("choose another address with LISTEN_ADDR"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn an_unreachable_database_says_what_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    // Nothing listens on port 1. With the clock paused the attempts take no time.
    let settings = chassis::config::Database::new("postgres://shop:hunter2@127.0.0.1:1/shop");
    let server = launch(
        "test",
        Serving::on_free_port(),
        CancellationToken::new(),
        async |context| {
            chassis::database::connect(&settings, [], &context).await?;
            Ok(Router::new())
        },
    );
    let error = format!("{:#}", runtime.block_on(server).err().unwrap());
    assert!(
        error.contains("cannot reach a database at 127.0.0.1:1"),
        "{error}"
    );
    assert!(!error.contains("hunter2"));
}
