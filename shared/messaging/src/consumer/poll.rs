//! Receiving: as many messages as can start, and as many polls as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::Instrument;

use super::Running;
use super::outcome::InFlight;
use crate::transport::{BATCH, Delivery};
use crate::{Backoff, spans, telemetry};

impl Running {
    /// Starts one more poller, unless there are enough.
    pub(super) fn add_poller(self: &Arc<Self>) {
        let more = |count| (count < self.most_pollers()).then_some(count + 1);
        let added = self
            .pollers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if let Ok(before) = added
            && !self.stop.is_cancelled()
        {
            telemetry::pollers(&self.spec.name, before + 1);
            let running = self.clone();
            self.polling.spawn(async move { running.poll().await });
        }
    }

    /// Whether this poller is not needed; the last one always is.
    fn is_spare(&self) -> bool {
        let fewer = |count| (count > 1).then(|| count - 1);
        let taken = self
            .pollers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        if let Ok(before) = taken {
            telemetry::pollers(&self.spec.name, before - 1);
        }
        taken.is_ok()
    }

    async fn poll(self: Arc<Self>) {
        let mut failures = 0;
        while let Some(permits) = self.permits().await {
            let asked = permits.num_permits();
            let since = Instant::now();
            let Some(received) = self.receive(asked).await else {
                return;
            };
            match received {
                Ok(batch) => {
                    failures = 0;
                    let count = batch.len();
                    self.begin(batch, permits);
                    if count == BATCH {
                        self.add_poller();
                    } else if count == 0 && self.is_spare() {
                        return;
                    } else if count > 0 && count < asked {
                        let gather = sleep_until(since + self.options.min_poll_interval);
                        self.stop.run_until_cancelled(gather).await;
                    }
                }
                Err(()) => {
                    failures += 1;
                    drop(permits);
                    let pause = sleep(Backoff::SERVER.delay(failures));
                    self.stop.run_until_cancelled(pause).await;
                }
            }
        }
    }

    /// Permission to receive 1 to 10 messages; `None` when it is time to stop.
    ///
    /// One poller at a time: permits that come back together would else go to as many pollers, and
    /// a poll for one message costs as much as a poll for ten.
    async fn permits(&self) -> Option<OwnedSemaphorePermit> {
        let first = async {
            let turn = self.turn.lock().await;
            let first = self.permits.clone().acquire_owned().await;
            // Those that come back together with this one come back now.
            tokio::task::yield_now().await;
            first.map(|first| (first, turn))
        };
        let (mut permits, _turn) = self.stop.run_until_cancelled(first).await?.ok()?;
        if self.stop.is_cancelled() {
            return None;
        }
        let free = self.permits.available_permits().min(BATCH - 1);
        for more in (1..=free).rev() {
            if let Ok(others) = self.permits.clone().try_acquire_many_owned(more as u32) {
                permits.merge(others);
                break;
            }
        }
        Some(permits)
    }

    /// `None` when it is time to stop and the poll could be dropped.
    async fn receive(&self, max: usize) -> Option<Result<Vec<Delivery>, ()>> {
        let queue = &*self.spec.name;
        let visibility = self.spec.whole_visibility_timeout();
        let span = spans::receive(queue);
        let abandon = self.transport.may_abandon_polls();
        let wait = self.options.longest_poll(self.shutdown_timeout, abandon);
        let wait = wait.min(self.transport.longest_poll());
        let call = self.transport.receive(queue, max, wait, visibility);
        let call = call.instrument(span.clone());
        // A poll that is dropped may take messages with it, so it is waited for as long as there
        // is time.
        let end = if abandon { &self.stop } else { &self.kill };
        let received = end.run_until_cancelled(call).await?;
        let what = format!("receiving from {queue}");
        Some(match received {
            Ok(batch) => {
                self.health.works(&what);
                telemetry::received(queue, &batch);
                spans::received(&span, &batch);
                Ok(batch)
            }
            Err(error) => {
                let error = error.line();
                spans::failed(&span, "unreachable", &error);
                self.health.fails(&what, &error);
                Err(())
            }
        })
    }

    /// Each message takes a permit with it; those that are left over are given back.
    fn begin(self: &Arc<Self>, batch: Vec<Delivery>, mut permits: OwnedSemaphorePermit) {
        // There are as many permits as were asked for; a server that sends more is wrong.
        let most = permits.num_permits();
        let batch: Vec<_> = batch.into_iter().take(most).map(Arc::new).collect();
        let leases = self.leases.begin(&batch);
        let messages: Vec<_> = batch
            .into_iter()
            .zip(leases)
            .map_while(|(delivery, lease)| {
                let _permit = permits.split(1)?;
                Some(InFlight {
                    delivery,
                    lease,
                    _permit,
                })
            })
            .collect();
        if !messages.is_empty() {
            self.work(messages);
        }
    }
}
