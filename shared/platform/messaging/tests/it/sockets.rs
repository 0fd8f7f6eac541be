//! Real sockets that break, through a TCP proxy in front of the queue server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{Consumer, Health, Provision, Settings, Sqs, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Arrived, PlainClosure, quick, sqs, until};

/// The state of the connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Link {
    Healthy,
    /// Every connection is closed, also open ones.
    Cut,
    /// Every answer breaks off in the middle.
    HalfAnswer,
}

struct Proxy {
    endpoint: String,
    line: watch::Sender<Link>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(server: std::net::SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            line: watch::channel(Link::Healthy).0,
            accepted: Arc::default(),
        };
        let (line, accepted) = (proxy.line.subscribe(), proxy.accepted.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass(stream, server, line.clone()));
            }
        });
        proxy
    }
}

async fn pass(mut near: TcpStream, server: std::net::SocketAddr, mut line: watch::Receiver<Link>) {
    let now = *line.borrow_and_update();
    match now {
        Link::Healthy => {
            let mut far = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = line.changed() => {}
            }
        }
        Link::Cut => {}
        Link::HalfAnswer => {
            let _ = near.read(&mut [0; 4096]).await;
            let half =
                b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"Messages\":[{\"Body\":\"";
            let _ = near.write_all(half).await;
        }
    }
}

#[tokio::test]
async fn broken_connections_are_replaced_and_lose_no_message() {
    let (server, direct) = sqs().await;
    let proxy = Proxy::start(server.address()).await;
    let through = Sqs::connect(&Settings::endpoint(&*proxy.endpoint))
        .await
        .unwrap();
    let (direct, through) = (Transport::from(direct), Transport::from(through));
    direct
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();

    let handled = Arc::new(AtomicUsize::new(0));
    let counted = handled.clone();
    let count = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    };
    let health = Health::default();
    let consumer = Consumer::plain(quick("parcels"), &through, PlainClosure(count));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    for (n, fault) in [Link::Cut, Link::HalfAnswer].into_iter().enumerate() {
        direct
            .publish(&Arrived {
                parcel: 2 * n as i32,
            })
            .await
            .unwrap();
        let waiting = || server.control().queues()[0].waiting;
        until("the service is healthy", async || {
            handled.load(Ordering::SeqCst) == 2 * n + 1 && waiting() == 0
        })
        .await;
        // Deleted, too, so that it is not delivered again after the fault.
        until("it is gone", async || {
            server
                .control()
                .queues()
                .iter()
                .all(|queue| queue.in_flight == 0)
        })
        .await;

        proxy.line.send_replace(fault);
        until("it is noticed", async || !health.is_healthy()).await;
        let before = proxy.accepted.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let tried = proxy.accepted.load(Ordering::SeqCst) - before;
        assert!(
            tried <= 40,
            "{tried} connections in two seconds of {fault:?}"
        );
        assert!(!health.is_healthy(), "{fault:?}");

        direct
            .publish(&Arrived {
                parcel: 2 * n as i32 + 1,
            })
            .await
            .unwrap();
        proxy.line.send_replace(Link::Healthy);
        until("it goes on", async || {
            handled.load(Ordering::SeqCst) == 2 * n + 2
        })
        .await;
        assert!(health.is_healthy(), "{:?}", health.problems());
    }
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 4, "{summary}");
    // A delete whose answer is cut off has deleted the message, but counts as lost.
    assert_eq!(summary.handled + summary.lost, 4, "{summary}");
    assert!(summary.lost <= 2, "at most one per fault: {summary}");
    let queues = server.control().queues();
    assert!(
        queues
            .iter()
            .all(|queue| queue.waiting + queue.in_flight == 0)
    );
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_polls_that_the_server_takes_back() {
    let (server, sqs) = sqs().await;
    let transport = Transport::from(sqs);
    let parcels = quick("parcels");
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    let consumer = Consumer::plain(parcels, &transport, PlainClosure(|_| async { Ok(()) }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    let control = server.control();
    until("a poll is open", async || {
        control.waiting_receives("parcels") == Ok(1)
    })
    .await;
    let since = std::time::Instant::now();
    stop.cancel();
    running.await.unwrap();
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
}
