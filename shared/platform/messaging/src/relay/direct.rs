//! Direct sending: messages that this process has just committed go straight to their queues.

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

/// Maximum rows that are sent together.
const ROUND_SIZE: usize = 200;
/// Maximum concurrent rounds, so that a slow one does not delay the others.
const MAX_ROUNDS: usize = 4;
/// How long sent rows wait until one statement deletes them: 250 ms. A longer wait needs fewer
/// statements, and sends more messages twice after a crash.
const DELETE_LINGER: Duration = Duration::from_millis(250);
/// Maximum age of a row. An older one is left to the poll, because its lease might end while it is
/// sent.
const MAX_AGE: Duration = LEASE.saturating_sub(Duration::from_secs(2));

impl Relay {
    /// Sends until `shutdown`, and then the rows that were committed before it.
    pub(super) async fn send_directly(&self, shutdown: &CancellationToken) {
        let (sent, to_delete) = mpsc::channel(ROUND_SIZE);
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
    /// at once. Others share a call, and then in every service on their way a poll and a
    /// transaction, because messages that arrive together are handled together.
    ///
    /// Ends after `shutdown`, once every row that was committed before it is being sent.
    async fn rounds(
        &self,
        committed: &Mutex<mpsc::Receiver<Committed>>,
        linger: Duration,
        shutdown: &CancellationToken,
        sent: mpsc::Sender<Vec<i64>>,
    ) {
        let mut receiver = committed.lock().await;
        let limit = Arc::new(Semaphore::new(MAX_ROUNDS));
        let mut round = Vec::with_capacity(ROUND_SIZE);
        let mut next = Instant::now();
        loop {
            let received = async {
                // The semaphore is never closed.
                let permit = limit.clone().acquire_owned().await.ok();
                receiver.recv_many(&mut round, ROUND_SIZE).await;
                permit
            };
            let permit = tokio::select! {
                biased;
                permit = received => permit,
                () = shutdown.cancelled() => break,
            };
            if round.is_empty() {
                break; // All outboxes are dropped.
            }
            let more = async {
                while round.len() < ROUND_SIZE {
                    let room = ROUND_SIZE - round.len();
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
                // The receiver ends after all senders.
                let _ = sent.send(positions).await;
                drop(permit);
            });
        }
    }

    /// Sends a round. Returns the positions of the rows that were sent; the others are left to the
    /// poll.
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

    /// Leaves refused rows to the poll after a pause, or parks them. If the statement fails, the
    /// poll finds them when their lease ends.
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

    /// Deletes sent rows. If the statement fails, the poll sends them once more.
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
