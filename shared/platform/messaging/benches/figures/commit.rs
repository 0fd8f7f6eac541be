//! The latency of an idle system with outbox and inbox: from the sender's commit to the receiver's
//! handler.

use std::time::{Duration, Instant};

use messaging::{Destination, Fault, Handler, Message, Runtime, Settings, Tx};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::system::Server;
use crate::{Figure, Goal};

const MESSAGES: u32 = 200;
/// The pause between messages, so that the system is idle.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Serialize, Deserialize)]
struct Ping(u32);

impl Message for Ping {
    const KIND: &'static str = "ping";

    fn destinations(&self) -> Vec<Destination> {
        vec!["pings".into()]
    }
}

/// Reports when it was called.
struct ReportStart(UnboundedSender<(u32, Instant)>);

impl Handler for ReportStart {
    type Message = Ping;

    async fn handle(&self, _: &mut Tx, Ping(n): Ping) -> Result<(), Fault> {
        self.0.send((n, Instant::now()))?;
        Ok(())
    }
}

pub(crate) async fn measure(server: &Server) -> anyhow::Result<Vec<Figure>> {
    let database = sandbox::testing::database("figures").await;
    let db = database.pool().await?;
    messaging::migrate(&db).await?;
    let (started, mut starts) = unbounded_channel();
    let runtime = Runtime::connect(&db, &Settings::endpoint(server.endpoint())).await?;
    let runtime = runtime.handle("pings", ReportStart(started));
    let outbox = runtime.outbox();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runtime.run(stop.clone()));

    let (mut from_call, mut from_return) = (vec![], vec![]);
    for n in 0..MESSAGES {
        tokio::time::sleep(PAUSE).await;
        let mut tx = outbox.begin().await?;
        tx.push(&Ping(n))?;
        let called = Instant::now();
        tx.commit().await?;
        let returned = Instant::now();
        let (_, started) = starts
            .recv()
            .await
            .ok_or_else(|| anyhow::anyhow!("it ended"))?;
        from_call.push(started - called);
        from_return.push(started.saturating_duration_since(returned));
    }
    stop.cancel();
    running.await??;
    let ms = |times: &mut Vec<Duration>, part: f64| {
        times.sort();
        times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e3
    };
    let committed = ms(&mut from_return, 0.5);
    println!(
        "commit to handler: p50 {committed:.2} ms, p99 {:.2} ms; with the commit p50 {:.2} ms",
        ms(&mut from_return, 0.99),
        ms(&mut from_call, 0.5),
    );
    Ok(vec![Figure {
        what: "commit to the handler's start when idle, p50".into(),
        measured: committed,
        unit: "ms",
        goal: Goal::AtMost(3.0),
    }])
}
