//! The express lane: what this process has just committed goes straight to its queue.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Error, Postgres};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Handed, Lane, Relay};
use crate::Backoff;
use crate::outbox::LEASE;
use crate::relay::parked;
use crate::relay::send::{Unsent, send};

/// Rows that are sent together at most.
const ROUND: usize = 200;
/// Rounds that are on their way at once, so that a slow one does not hold up the others.
const ROUNDS: usize = 4;
/// The least time between two rounds of messages that come one by one. One that comes after a rest
/// is sent at once; the others share a call, and then a receive and a transaction in every service
/// on their way, since what came together goes on together. So it is paid once on a way through
/// many queues: 35 ms on average, for a third of calls and transactions at 50 messages a second.
const PAUSE: Duration = Duration::from_millis(70);
/// The same for messages that nobody waits for. Half a second fills a call of ten at 20 messages a
/// second, and is little beside any delay that an unhurried reader would see.
const LEISURE: Duration = Duration::from_millis(500);
/// How long sent rows are collected before one statement deletes them. Longer means fewer
/// statements, and more messages sent twice after a crash.
const LINGER: Duration = Duration::from_millis(250);
/// A row that waited so long is left to the sweep, as its lease might end while it is sent.
const FRESH: Duration = LEASE.saturating_sub(Duration::from_secs(2));

impl Relay {
    pub(super) async fn express(&self, shutdown: &CancellationToken) {
        let (sent, settled) = mpsc::channel(ROUND);
        tokio::join!(
            self.rounds(&self.0.batched, Duration::ZERO, shutdown, sent.clone()),
            self.rounds(&self.0.single, PAUSE, shutdown, sent.clone()),
            self.rounds(&self.0.unhurried, LEISURE, shutdown, sent),
            self.settle(settled),
        );
    }

    /// Ends when it is told to and everything handed over before is on its way.
    async fn rounds(
        &self,
        lane: &Lane,
        pause: Duration,
        shutdown: &CancellationToken,
        sent: mpsc::Sender<Vec<i64>>,
    ) {
        let mut receiver = lane.receiver.lock().await;
        let limit = Arc::new(Semaphore::new(ROUNDS));
        let mut round = Vec::with_capacity(ROUND);
        let mut next = Instant::now();
        loop {
            let received = async {
                // Closed by nobody.
                let permit = limit.clone().acquire_owned().await.ok();
                receiver.recv_many(&mut round, ROUND).await;
                permit
            };
            let permit = tokio::select! {
                biased;
                permit = received => permit,
                () = shutdown.cancelled() => break,
            };
            let more = async {
                while round.len() < ROUND {
                    let room = ROUND - round.len();
                    receiver.recv_many(&mut round, room).await;
                }
            };
            let gathered = timeout_at(next, more);
            let _ = shutdown.run_until_cancelled(gathered).await;
            next = Instant::now() + pause;
            let round = std::mem::take(&mut round);
            let (relay, sent) = (self.clone(), sent.clone());
            tokio::spawn(async move {
                let positions = relay.send_round(round).await;
                // The other end lives until this one is gone.
                let _ = sent.send(positions).await;
                drop(permit);
            });
        }
    }

    /// Returns the positions of the rows that were taken. The others are given to the sweep.
    async fn send_round(&self, round: Vec<Handed>) -> Vec<i64> {
        let fresh = round
            .into_iter()
            .filter(|handed| handed.since.elapsed() < FRESH);
        let rows: Vec<_> = fresh.map(|handed| handed.row).collect();
        let mut positions: Vec<i64> = rows.iter().map(|row| row.position).collect();

        let unsent = send(&self.0.transport, &self.0.health, rows).await;
        if !unsent.is_empty() {
            let all: Vec<i64> = unsent.iter().map(|unsent| unsent.row.position).collect();
            positions.retain(|position| !all.contains(position));
            self.end_lease(unsent).await;
        }
        positions
    }

    /// Leaves rows to the sweep after a moment, or parks them. Should this fail, the sweep finds
    /// them when the lease is over.
    async fn end_lease(&self, unsent: Vec<Unsent>) {
        let (never, later): (Vec<_>, Vec<_>) = unsent
            .into_iter()
            .partition(|unsent| unsent.refused.is_final);
        never.iter().for_each(parked);
        let positions = |unsent: &[Unsent]| -> Vec<i64> {
            unsent.iter().map(|unsent| unsent.row.position).collect()
        };
        let pause = Backoff::SERVER.delay(1);
        let ended = sqlx::query(
            "update outbox
             set send_at = case when position = any($1) then 'infinity'
                           else now() + $3 * interval '1 second' end
             where position = any($1) or position = any($2)",
        )
        .bind(positions(&never))
        .bind(positions(&later))
        .bind(pause.as_secs_f64());
        if let Err(error) = self.execute(ended).await {
            self.0.health.fails("the outbox", &error.to_string());
        }
    }

    /// Deletes what was sent. If that fails, the sweep sends it once more.
    async fn settle(&self, mut sent: mpsc::Receiver<Vec<i64>>) {
        while let Some(mut positions) = sent.recv().await {
            let more = async {
                while let Some(more) = sent.recv().await {
                    positions.extend(more);
                }
            };
            let _ = tokio::time::timeout(LINGER, more).await;
            let deleted =
                sqlx::query("delete from outbox where position = any($1)").bind(&positions);
            match self.execute(deleted).await {
                Ok(_) => self.0.health.works("the outbox"),
                Err(error) => self.0.health.fails("the outbox", &error.to_string()),
            }
        }
    }

    async fn execute(&self, statement: Query<'_, Postgres, PgArguments>) -> Result<(), Error> {
        let mut connection = database::lend(&self.0.db).await?;
        statement.execute(&mut *connection).await?;
        Ok(())
    }
}
