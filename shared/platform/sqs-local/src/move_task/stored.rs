//! Move tasks that survive a restart.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::storage::Storage;
use super::{
    CANCELLED, CANCELLING, COMPLETED, End, FAILED, MoveTask, MoveTasks, NO_DESTINATION, NO_SOURCE,
    Running, run,
};
use crate::data::{Record, TaskRow};
use crate::queues::Queues;
use crate::shared_queue::FindQueue;

/// How long a task waits while nothing can be stored.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

impl MoveTasks {
    /// Adds a task that was stored, and goes on with it if it is running.
    pub(crate) fn restore(&self, queues: &Arc<Queues>, row: TaskRow) {
        let source = queues.by_arn(&row.source);
        let task = Arc::new(MoveTask {
            id: row.id,
            source: row.source,
            destination: row.destination,
            rate: row.rate,
            started: row.started,
            to_move: row.to_move,
            moved: AtomicU64::new(row.moved),
            end: End::of_stored(&row.status, row.reason.as_deref())
                .map_or_else(OnceLock::new, OnceLock::from),
            cancel: CancellationToken::new(),
            stored: self.stored(),
        });
        if row.status == CANCELLING {
            task.cancel.cancel();
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(Running::new(&task));
        match source {
            Some(source) if task.end.get().is_none() => {
                tokio::spawn(run(task, source, queues.clone()));
            }
            Some(_) => {}
            None => task.end(End::Failed(NO_DESTINATION)),
        }
    }

    pub(super) fn stored(&self) -> Option<Storage> {
        let journal = self.journal.clone()?;
        let region = self.region.clone();
        Some(Storage { journal, region })
    }
}

impl MoveTask {
    /// Adds the task to the journal as it is now.
    pub(super) fn record(&self) {
        let Some(Storage { journal, region }) = &self.stored else {
            return;
        };
        let (status, reason) = self.status();
        journal.push(Record::Task(TaskRow {
            id: self.id,
            region: region.clone(),
            source: self.source.clone(),
            destination: self.destination.clone(),
            rate: self.rate,
            started: self.started,
            to_move: self.to_move,
            moved: self.moved(),
            status: status.into(),
            reason: reason.map(String::from),
        }));
    }

    pub(super) fn forget(&self) {
        if let Some(Storage { journal, .. }) = &self.stored {
            journal.push(Record::TaskRemoved(self.id));
        }
    }

    /// Waits while nothing can be stored, so that what is not stored stays small.
    pub(super) async fn wait_for_storage(&self) {
        if let Some(Storage { journal, .. }) = &self.stored {
            while journal.check().is_err() {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    }

    /// Lets other tasks run, and waits until what has moved is stored.
    pub(super) async fn rest(&self) {
        yield_now().await;
        if let Some(Storage { journal, .. }) = &self.stored {
            let _ = journal.stored().await;
        }
    }
}

impl End {
    /// The end of a task that was stored; `None` if it is running.
    fn of_stored(status: &str, reason: Option<&str>) -> Option<End> {
        let reasons = [NO_SOURCE, NO_DESTINATION];
        let reason = reasons.into_iter().find(|known| Some(*known) == reason);
        match status {
            COMPLETED => Some(End::Completed),
            CANCELLED => Some(End::Cancelled),
            FAILED => Some(End::Failed(reason.unwrap_or(NO_DESTINATION))),
            _ => None,
        }
    }
}
