//! A queue that survives its process: its changes go out, and a queue is made of them again.

use crate::changes::{Attempt, Changes, Progress, Sent};
use crate::message::{Message, Sequence, State};
use crate::queue::Queue;
use crate::recorder::Recorder;
use crate::settings::Settings;

impl<P> Queue<P> {
    /// Records changes from now on, for [`Queue::take_changes`].
    pub fn record_changes(&mut self) {
        self.recorder = Some(Recorder {
            known: self.progress(),
            ..Recorder::default()
        });
    }

    /// The changes since the last call; `None` if there are none, or if they are not recorded.
    pub fn take_changes(&mut self) -> Option<Changes<P>> {
        let progress = self.progress();
        let recorder = self.recorder.as_mut()?;
        if recorder.is_empty() && recorder.known == progress {
            return None;
        }
        let recorded = std::mem::take(recorder);
        recorder.known = progress;

        let mut touched = recorded.touched;
        touched.sort_unstable();
        touched.dedup();
        let messages = touched.into_iter();
        Some(Changes {
            purged: recorded.purged,
            messages: messages
                .map(|sequence| (sequence, self.messages.get(sequence).cloned()))
                .collect(),
            last_known: recorded.known.last_sequence,
            arrived_from: recorded.arrived_from,
            sent: recorded.sent,
            attempts: recorded.attempts,
            progress,
        })
    }

    fn progress(&self) -> Progress {
        Progress {
            last_sequence: self.messages.last(),
            last_receive: self.last_receive,
            old_scope: self.old_scope,
        }
    }

    /// A queue as its changes left it. The messages are in the order of their sequence, and the
    /// memory in the order of its times.
    pub fn restore(
        id: u64,
        settings: Settings,
        progress: Progress,
        messages: impl IntoIterator<Item = (Sequence, Message<P>)>,
        sent: impl IntoIterator<Item = Sent>,
        attempts: impl IntoIterator<Item = Attempt>,
    ) -> Queue<P> {
        let mut queue = Queue::new(id, settings);
        for (sequence, message) in messages {
            let group = &message.content.group;
            match message.state {
                State::Delayed => queue.depth.delayed += 1,
                State::Waiting => {
                    queue.depth.waiting += 1;
                    queue.groups.add(group, sequence);
                }
                State::InFlight => {
                    queue.depth.in_flight += 1;
                    queue.groups.add_in_flight(group, sequence);
                }
            }
            let at = message.timer(queue.settings.retention);
            queue.timers.set(at, sequence);
            queue.messages.put(sequence, message);
        }
        queue.messages.skip_to(progress.last_sequence);
        queue.last_receive = progress.last_receive;
        queue.old_scope = progress.old_scope;
        for sent in sent {
            let key = (sent.group, sent.deduplication_id);
            queue.sent.put(sent.at, key, (sent.message, sent.sequence));
        }
        for attempt in attempts {
            queue.attempts.put(attempt.at, attempt.id, attempt.receipts);
        }
        queue
    }
}
