//! The log of events: all that the page is sent, for the last ten minutes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::response::sse::Event;
use futures::{Stream, stream};
use serde::Serialize;
use tokio::sync::watch;

/// How long an event is kept.
const KEPT: Duration = Duration::from_secs(600);
/// The most events that are kept: four ticks and twenty orders per second for ten minutes, and as
/// many again.
const LIMIT: usize = 30_000;

/// The log. Clones share it.
#[derive(Clone)]
pub(crate) struct Events {
    log: Arc<Mutex<Log>>,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Log {
    kept: VecDeque<Kept>,
    newest: u64,
}

#[derive(Clone)]
struct Kept {
    number: u64,
    at: Instant,
    kind: &'static str,
    data: Arc<str>,
}

/// What a reader gets next.
enum Next {
    Event(Kept),
    /// Events between the last one and the oldest that is kept are gone.
    Gap,
}

impl Events {
    pub(crate) fn new() -> Events {
        Events {
            log: Arc::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// Adds an event.
    pub(crate) fn publish(&self, kind: &'static str, data: &impl Serialize) {
        let Ok(data) = serde_json::to_string(data) else {
            return; // No event has a key that JSON cannot hold.
        };
        let (now, data) = (Instant::now(), data.into());
        let mut log = self.lock();
        log.newest += 1;
        let number = log.newest;
        log.kept.push_back(Kept {
            number,
            at: now,
            kind,
            data,
        });
        while log.kept.len() > LIMIT
            || log
                .kept
                .front()
                .is_some_and(|one| now.duration_since(one.at) > KEPT)
        {
            log.kept.pop_front();
        }
        drop(log);
        self.newest.send_replace(number);
    }

    /// All events after the one with this number, or from now on. It ends with the log.
    pub(crate) fn after(
        &self,
        last: Option<u64>,
    ) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
        let newest = self.lock().newest;
        // A number from before this program began is greater than ours.
        let (last, is_lost) = match last {
            Some(last) if last > newest => (newest, true),
            Some(last) => (last, false),
            None => (newest, false),
        };
        let state = (self.log.clone(), self.newest.subscribe(), last, is_lost);
        stream::unfold(state, |(log, mut newest, last, is_lost)| async move {
            if is_lost {
                let gap = Event::default().event("gap").data("{}");
                return Some((Ok(gap), (log, newest, last, false)));
            }
            loop {
                newest.borrow_and_update();
                match next(&log, last) {
                    Some(Next::Gap) => {
                        let oldest = oldest(&log);
                        let gap = Event::default().event("gap").data("{}");
                        return Some((Ok(gap), (log, newest, oldest, false)));
                    }
                    Some(Next::Event(event)) => {
                        let number = event.number;
                        let sent = Event::default().id(number.to_string());
                        let sent = sent.event(event.kind).data(&*event.data);
                        return Some((Ok(sent), (log, newest, number, false)));
                    }
                    None => newest.changed().await.ok()?,
                }
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

/// The event after this one. `None` if it has not happened yet.
fn next(log: &Mutex<Log>, last: u64) -> Option<Next> {
    let log = lock(log);
    let first = log.kept.front()?.number;
    if last + 1 < first {
        return Some(Next::Gap);
    }
    let event = log.kept.get((last + 1 - first) as usize)?;
    Some(Next::Event(event.clone()))
}

/// The number before the oldest event that is kept.
fn oldest(log: &Mutex<Log>) -> u64 {
    lock(log).kept.front().map_or(0, |event| event.number - 1)
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
