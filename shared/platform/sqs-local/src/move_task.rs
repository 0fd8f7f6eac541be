//! Message move tasks: they move a queue's dead letters back to their source queues, or to another
//! queue, at a limited rate.

mod storage;
mod stored;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sqs_queue::{History, Time};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::{Builder, Uuid};

use self::storage::Storage;
use crate::data::Journal;
use crate::message::Departure;
use crate::queues::Queues;
use crate::shared_queue::{FindQueue, SharedQueue};

/// A task without a rate limit yields to other tasks after this many messages.
const BURST: u64 = 100;
/// The most tasks of one source that are listed (an Amazon quota).
const LISTED: usize = 10;

const CANCELLING: &str = "CANCELLING";
const COMPLETED: &str = "COMPLETED";
const CANCELLED: &str = "CANCELLED";
const FAILED: &str = "FAILED";

pub(crate) struct MoveTasks {
    region: String,
    /// Where tasks are stored; `None` if the server keeps nothing.
    journal: Option<Arc<Journal>>,
    tasks: Mutex<Vec<Running>>,
}

struct Running {
    task: Arc<MoveTask>,
    /// Cancels the task when the region is closed.
    _cancel: DropGuard,
}

pub(crate) struct MoveTask {
    pub(crate) id: Uuid,
    /// The ARN of the source, not the queue itself: the queue may be deleted before its tasks are.
    pub(crate) source: Arc<str>,
    /// The ARN of the destination; `None` moves each message back to the queue it came from.
    pub(crate) destination: Option<Arc<str>>,
    /// Messages per second, 1 to 500; `None` is without a limit.
    pub(crate) rate: Option<u64>,
    pub(crate) started: Time,
    /// How many messages waited when the task started.
    pub(crate) to_move: u64,
    moved: AtomicU64,
    end: OnceLock<End>,
    cancel: CancellationToken,
    stored: Option<Storage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Cancelled,
    Failed(&'static str),
}

const NO_SOURCE: &str = "CouldNotDetermineMessageSource";
const NO_DESTINATION: &str = "AWS.SimpleQueueService.NonExistentQueue";

impl MoveTasks {
    pub(crate) fn new(region: &str, journal: &Option<Arc<Journal>>) -> MoveTasks {
        MoveTasks {
            region: region.into(),
            journal: journal.clone(),
            tasks: Mutex::default(),
        }
    }

    /// Starts a task, unless one is running for the same source.
    pub(crate) fn start(
        &self,
        queues: &Arc<Queues>,
        source: Arc<SharedQueue>,
        destination: Option<Arc<SharedQueue>>,
        rate: Option<u64>,
    ) -> Option<Arc<MoveTask>> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = |task: &MoveTask| task.is_running() && task.source == source.arn;
        if tasks.iter().any(|running| is_running(&running.task)) {
            return None;
        }
        let (started, to_move) =
            source.with(|state, now| (now, state.queue.depth(now).waiting as u64));
        let task = Arc::new(MoveTask {
            id: Builder::from_random_bytes(rand::random()).into_uuid(),
            source: source.arn.clone(),
            destination: destination.map(|queue| queue.arn.clone()),
            rate,
            started,
            to_move,
            moved: AtomicU64::new(0),
            end: OnceLock::new(),
            cancel: CancellationToken::new(),
            stored: self.stored(),
        });
        task.record();
        self.remove_old(&mut tasks, queues);
        tasks.push(Running::new(&task));
        tokio::spawn(run(task.clone(), source, queues.clone()));
        Some(task)
    }

    /// The tasks of one source, the latest first.
    pub(crate) fn of(&self, source: &SharedQueue) -> Vec<Arc<MoveTask>> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = tasks
            .iter()
            .filter(|running| running.task.source == source.arn);
        of_source
            .rev()
            .map(|running| running.task.clone())
            .collect()
    }

    pub(crate) fn find(&self, id: Uuid) -> Option<Arc<MoveTask>> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks
            .iter()
            .find(|running| running.task.id == id)
            .map(|running| running.task.clone())
    }

    pub(crate) fn clear(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for Running { task, .. } in tasks.drain(..) {
            task.forget();
        }
    }

    /// Removes ended tasks of deleted queues, and of each other queue all but the latest ended
    /// tasks: older ones are never listed.
    fn remove_old(&self, tasks: &mut Vec<Running>, queues: &Queues) {
        let mut later: HashMap<Arc<str>, usize> = HashMap::new();
        tasks.reverse();
        tasks.retain(|Running { task, .. }| {
            let later = later.entry(task.source.clone()).or_default();
            *later += 1;
            let is_listed = *later <= LISTED && queues.by_arn(&task.source).is_some();
            let stays = task.end.get().is_none() || is_listed;
            if !stays {
                task.forget();
            }
            stays
        });
        tasks.reverse();
    }
}

impl Running {
    fn new(task: &Arc<MoveTask>) -> Running {
        Running {
            task: task.clone(),
            _cancel: task.cancel.clone().drop_guard(),
        }
    }
}

impl MoveTask {
    pub(crate) fn is_running(&self) -> bool {
        self.end.get().is_none() && !self.cancel.is_cancelled()
    }

    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Relaxed)
    }

    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
        self.record();
    }

    /// Amazon's name of the status, and the reason if it is a failure.
    pub(crate) fn status(&self) -> (&'static str, Option<&'static str>) {
        match self.end.get() {
            None if self.cancel.is_cancelled() => (CANCELLING, None),
            None => ("RUNNING", None),
            Some(End::Completed) => (COMPLETED, None),
            Some(End::Cancelled) => (CANCELLED, None),
            Some(End::Failed(reason)) => (FAILED, Some(reason)),
        }
    }

    fn end(&self, end: End) {
        // It is set only here, once.
        let _ = self.end.set(end);
        self.record();
    }

    /// Moves the next message.
    ///
    /// # Errors
    /// The task ends: there is no message, or no destination for it.
    fn move_next(&self, source: &SharedQueue, queues: &Queues) -> Result<(), End> {
        let departure = source.with(|state, now| state.queue.take_out(now));
        let departure = departure.ok_or(End::Completed)?;

        // The source and the destination may be deleted while the task runs.
        let explicit = self.destination.as_deref();
        let origin = departure.history.dead_letter_source.as_deref();
        let destination = explicit
            .or(origin)
            .ok_or(End::Failed(NO_SOURCE))
            .and_then(|arn| {
                let gone = End::Failed(NO_DESTINATION);
                queues.by_arn(arn).ok_or(gone)
            });
        match destination {
            Ok(destination) => {
                destination.with(|state, now| state.queue.accept(now, renewed(departure, now)));
                self.moved.fetch_add(1, Relaxed);
                self.record();
                Ok(())
            }
            Err(end) => {
                source.with(|state, now| state.queue.accept(now, departure));
                Err(end)
            }
        }
    }
}

async fn run(task: Arc<MoveTask>, source: Arc<SharedQueue>, queues: Arc<Queues>) {
    let end = loop {
        if task.cancel.is_cancelled() {
            break End::Cancelled;
        }
        task.wait_for_storage().await;
        if let Err(end) = task.move_next(&source, &queues) {
            break end;
        }
        match task.rate {
            Some(rate) => {
                let pause = tokio::time::sleep(Duration::from_secs(1) / rate as u32);
                task.cancel.run_until_cancelled(pause).await;
            }
            None if task.moved().is_multiple_of(BURST) => task.rest().await,
            None => {}
        }
    };
    task.end(end);
}

/// A moved message is a new message: it has another id, another sent time and no history.
fn renewed(departure: Departure, now: Time) -> Departure {
    let mut content = Arc::unwrap_or_clone(departure.content);
    content.id = Builder::from_random_bytes(rand::random()).into_uuid();
    content.payload.sent = now;
    Departure {
        from: departure.from,
        content: Arc::new(content),
        history: History::default(),
        entered: now,
    }
}
