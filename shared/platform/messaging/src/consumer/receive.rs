//! The first stage: polls the queue. It never receives more messages than can start.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::failing_deletes::FailingDeletes;
use super::in_flight::InFlight;
use super::lease::Leases;
use super::queue::Queue;
use super::stop::Stop;
use crate::envelope::Delivery;
use crate::quota::BATCH;
use crate::{Backoff, ConsumerOptions, spans, telemetry};

/// The stage that polls.
pub(super) struct Receiver {
    pub(super) queue: Arc<Queue>,
    pub(super) leases: Arc<Leases>,
    pub(super) failing: Arc<FailingDeletes>,
    /// One per message in flight.
    pub(super) permits: Arc<Semaphore>,
    pub(super) options: ConsumerOptions,
    pub(super) shutdown_timeout: Duration,
    pub(super) stop: Stop,
}

/// The pollers of a receiver: one while the queue is quiet, and more while batches are full.
struct Pollers {
    receiver: Receiver,
    output: UnboundedSender<Vec<InFlight>>,
    count: AtomicUsize,
    /// Held by the one poller that may acquire permits.
    turn: Mutex<()>,
    tasks: TaskTracker,
}

impl Receiver {
    /// Receives until shutdown, then waits for open polls.
    pub(super) async fn run(self, output: UnboundedSender<Vec<InFlight>>) {
        let stop = self.stop.clone();
        let queue = self.queue.clone();
        let pollers = Arc::new(Pollers {
            receiver: self,
            output,
            count: AtomicUsize::new(0),
            turn: Mutex::default(),
            tasks: TaskTracker::new(),
        });
        pollers.add();
        stop.begin.cancelled().await;
        pollers.tasks.close();
        pollers.tasks.wait().await;
        telemetry::pollers(&queue.spec.name, 0);
    }

    /// Maximum pollers: as many as `in_flight` messages can fill.
    fn max_pollers(&self) -> usize {
        let filled = self.options.in_flight.div_ceil(BATCH);
        filled.clamp(1, self.options.pollers.max(1))
    }

    /// Makes one poll. Returns `None` if the shutdown cancelled it.
    async fn receive(&self, max: usize) -> Option<Result<Vec<Delivery>, ()>> {
        let name = &*self.queue.spec.name;
        let transport = &self.queue.transport;
        let span = spans::receive(name);
        let may_abandon = transport.may_abandon_polls();
        let wait = self
            .options
            .longest_poll(self.shutdown_timeout, may_abandon);
        let wait = wait.min(transport.longest_poll());
        let call = transport.receive(name, max, wait, self.leases.visibility());
        let call = call.instrument(span.clone());
        // A dropped poll may lose messages until their visibility timeout ends, so the shutdown
        // waits for it as long as it can.
        let end = if may_abandon {
            &self.stop.begin
        } else {
            &self.stop.kill
        };
        let received = end.run_until_cancelled(call).await?;
        let what = format!("receiving from {name}");
        Some(match received {
            Ok(batch) => {
                self.queue.health.works(&what);
                self.failing.forget_old();
                telemetry::received(name, &batch);
                spans::received(&span, &batch);
                Ok(batch)
            }
            Err(error) => {
                let error = error.line();
                spans::failed(&span, "unreachable", &error);
                self.queue.health.fails(&what, &error);
                Err(())
            }
        })
    }

    /// Gives each message a permit and a lease. Other permits are released.
    fn begin(&self, batch: Vec<Delivery>, mut permits: OwnedSemaphorePermit) -> Vec<InFlight> {
        // There are as many permits as messages were requested. A server must not send more.
        let max = permits.num_permits();
        let batch: Vec<_> = batch.into_iter().take(max).map(Arc::new).collect();
        let leases = self.leases.begin(&batch);
        let messages = batch.into_iter().zip(leases);
        let messages = messages.map_while(|(delivery, lease)| {
            let _permit = permits.split(1)?;
            Some(InFlight {
                delivery,
                prepared: None,
                lease,
                _permit,
            })
        });
        messages.collect()
    }
}

impl Pollers {
    /// Starts another poller, up to the maximum.
    fn add(self: &Arc<Self>) {
        let more = |count| (count < self.receiver.max_pollers()).then_some(count + 1);
        if let Ok(before) = self.change(more)
            && !self.receiver.stop.begin.is_cancelled()
        {
            self.gauge(before + 1);
            let pollers = self.clone();
            self.tasks.spawn(async move { pollers.poll().await });
        }
    }

    /// Whether this poller can end. The last one cannot.
    fn is_spare(&self) -> bool {
        let fewer = |count| (count > 1).then(|| count - 1);
        let taken = self.change(fewer);
        if let Ok(before) = taken {
            self.gauge(before - 1);
        }
        taken.is_ok()
    }

    async fn poll(self: Arc<Self>) {
        let receiver = &self.receiver;
        let stop = &receiver.stop.begin;
        let mut failures = 0;
        while let Some(permits) = self.permits().await {
            let (max, since) = (permits.num_permits(), Instant::now());
            let Some(received) = receiver.receive(max).await else {
                return;
            };
            let Ok(batch) = received else {
                failures += 1;
                drop(permits);
                let pause = sleep(Backoff::SERVER.delay(failures));
                stop.run_until_cancelled(pause).await;
                continue;
            };
            failures = 0;
            let count = batch.len();
            let messages = receiver.begin(batch, permits);
            if !messages.is_empty() {
                let sent = self.output.send(messages);
                if sent.is_err() {
                    return; // The consumer was dropped.
                }
            }
            if count == BATCH {
                self.add();
            } else if count == 0 && self.is_spare() {
                return;
            } else if count > 0 && count < max {
                let gather = sleep_until(since + receiver.options.min_poll_interval);
                stop.run_until_cancelled(gather).await;
            }
        }
    }

    /// Acquires permits for 1 to 10 messages. Returns `None` on shutdown.
    ///
    /// One poller acquires at a time. Otherwise permits that are released together would go to
    /// several pollers, and a poll for one message costs as much as a poll for ten.
    async fn permits(&self) -> Option<OwnedSemaphorePermit> {
        let all = &self.receiver.permits;
        let first = async {
            let turn = self.turn.lock().await;
            let first = all.clone().acquire_owned().await;
            // Lets permits that are released together with this one arrive.
            tokio::task::yield_now().await;
            first.map(|first| (first, turn))
        };
        let stop = &self.receiver.stop.begin;
        let (mut permits, _turn) = stop.run_until_cancelled(first).await?.ok()?;
        if stop.is_cancelled() {
            return None;
        }
        let free = all.available_permits().min(BATCH - 1);
        for more in (1..=free).rev() {
            if let Ok(others) = all.clone().try_acquire_many_owned(more as u32) {
                permits.merge(others);
                break;
            }
        }
        Some(permits)
    }

    fn change(&self, to: impl FnMut(usize) -> Option<usize>) -> Result<usize, usize> {
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.count.fetch_update(set, fetch, to)
    }

    fn gauge(&self, count: usize) {
        telemetry::pollers(&self.receiver.queue.spec.name, count);
    }
}
