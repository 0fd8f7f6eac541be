//! The direct way: what this process has just committed goes straight to its queue.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Error, Postgres};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Relay;
use crate::Backoff;
use crate::outbox::{Committed, LEASE};
use crate::relay::parked;
use crate::relay::send::{Unsent, send};

/// Rows that are sent together at most.
const ROUND: usize = 200;
/// Rounds that are under way at once, so that a slow one does not hold up the others.
const ROUNDS: usize = 4;
/// How long sent rows are collected before one statement deletes them. Longer means fewer
/// statements, and more messages sent twice after a crash.
const DELETE_LINGER: Duration = Duration::from_millis(250);
/// A row that waited so long is left to the poll, as its lease might end while it is sent.
const MAX_AGE: Duration = LEASE.saturating_sub(Duration::from_secs(2));

impl Relay {
    pub(super) async fn send_directly(&self, shutdown: &CancellationToken) {
        let (sent, to_delete) = mpsc::channel(ROUND);
        let committed = &self.shared.committed;
        let (linger, deferred) = (self.options.linger, self.options.deferred_linger);
        tokio::join!(
            self.rounds(&committed.batched, Duration::ZERO, shutdown, sent.clone()),
            self.rounds(&committed.single, linger, shutdown, sent.clone()),
            self.rounds(&committed.deferred, deferred, shutdown, sent),
            self.delete_sent(to_delete),
        );
    }

    /// Sends rows in rounds, at least `linger` apart. A row that comes after a quiet time is sent
    /// at once; the others share a call, and then a receive and a transaction in every service on
    /// their way, since what came together goes on together.
    ///
    /// Ends after `shutdown`, once every row that was committed before is being sent.
    async fn rounds(
        &self,
        committed: &Mutex<mpsc::Receiver<Committed>>,
        linger: Duration,
        shutdown: &CancellationToken,
        sent: mpsc::Sender<Vec<i64>>,
    ) {
        let mut receiver = committed.lock().await;
        let limit = Arc::new(Semaphore::new(ROUNDS));
        let mut round = Vec::with_capacity(ROUND);
        let mut next = Instant::now();
        loop {
            let received = async {
                // The semaphore is never closed.
                let permit = limit.clone().acquire_owned().await.ok();
                receiver.recv_many(&mut round, ROUND).await;
                permit
            };
            let permit = tokio::select! {
                biased;
                permit = received => permit,
                () = shutdown.cancelled() => break,
            };
            if round.is_empty() {
                break; // No one is left who could commit a row.
            }
            let more = async {
                while round.len() < ROUND {
                    let room = ROUND - round.len();
                    if receiver.recv_many(&mut round, room).await == 0 {
                        break;
                    }
                }
            };
            let gathered = timeout_at(next, more);
            let _ = shutdown.run_until_cancelled(gathered).await;
            next = Instant::now() + linger;
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

    /// Returns the positions of the rows that were taken. The others are left to the poll.
    async fn send_round(&self, round: Vec<Committed>) -> Vec<i64> {
        let fresh = round
            .into_iter()
            .filter(|committed| committed.since.elapsed() < MAX_AGE);
        let rows: Vec<_> = fresh.map(|committed| committed.row).collect();
        let mut positions: Vec<i64> = rows.iter().map(|row| row.position).collect();

        let unsent = send(&self.shared.transport, &self.shared.health, rows).await;
        if !unsent.is_empty() {
            let all: Vec<i64> = unsent.iter().map(|unsent| unsent.row.position).collect();
            positions.retain(|position| !all.contains(position));
            self.end_lease(unsent).await;
        }
        positions
    }

    /// Leaves rows to the poll after a pause, or parks them. If this fails, the poll finds them
    /// when the lease is over.
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
            self.shared.health.fails("the outbox", &error.to_string());
        }
    }

    /// Deletes rows that were sent. If that fails, the poll sends them once more.
    async fn delete_sent(&self, mut sent: mpsc::Receiver<Vec<i64>>) {
        while let Some(mut positions) = sent.recv().await {
            let more = async {
                while let Some(more) = sent.recv().await {
                    positions.extend(more);
                }
            };
            let _ = tokio::time::timeout(DELETE_LINGER, more).await;
            let deleted =
                sqlx::query("delete from outbox where position = any($1)").bind(&positions);
            match self.execute(deleted).await {
                Ok(_) => self.shared.health.works("the outbox"),
                Err(error) => self.shared.health.fails("the outbox", &error.to_string()),
            }
        }
    }

    async fn execute(&self, statement: Query<'_, Postgres, PgArguments>) -> Result<(), Error> {
        let executed = async {
            let mut connection = database::lend(&self.shared.db).await?;
            statement.execute(&mut *connection).await
        };
        self.answered(executed).await?;
        Ok(())
    }
}
