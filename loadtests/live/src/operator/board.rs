//! The board of an arm: the state of its parts and the faults that last, for everyone to read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use harness::deployment::Process;
use serde::Serialize;
use serde_json::Value;

use super::command::{Action, Command};
use crate::clock::now_ms;

#[derive(Default)]
pub(crate) struct Board(Mutex<Content>);

#[derive(Default)]
struct Content {
    parts: Vec<PartState>,
    base_urls: Vec<String>,
    faults: Vec<Fault>,
}

/// A process as it is now.
#[derive(Clone, Debug)]
pub(crate) struct PartState {
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) pid: u32,
    pub(crate) url: Option<String>,
    /// How it ended.
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Up,
    Down,
    Paused,
    Starting,
}

/// A fault that lasts until it is healed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) id: String,
    pub(crate) part: String,
    pub(crate) since_ms: f64,
}

impl PartState {
    pub(super) fn of(name: String, process: &mut Process) -> PartState {
        // A system that cannot tell is no reason to call it dead.
        let end = process.end().ok().flatten();
        PartState {
            name,
            state: if end.is_some() {
                State::Down
            } else {
                State::Up
            },
            pid: process.pid(),
            url: Some(process.url.clone()),
            reason: end.map(|end| format!("ended with {end}")),
        }
    }

    pub(super) fn postgres(pid: u32) -> PartState {
        PartState {
            name: "postgres".to_owned(),
            state: State::Up,
            pid,
            url: None,
            reason: None,
        }
    }
}

impl Board {
    pub(crate) fn parts(&self) -> Vec<PartState> {
        self.lock().parts.clone()
    }

    /// Its entry addresses, one per replica of the monolith or the gateway.
    pub(crate) fn base_urls(&self) -> Vec<String> {
        self.lock().base_urls.clone()
    }

    /// The faults that last.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Sets the state of a part, if it does.
    pub(super) fn set(&self, part: &str, state: State, does: bool) {
        let mut content = self.lock();
        let mut parts = content.parts.iter_mut();
        if let Some(part) = parts.find(|one| one.name == part && does) {
            part.state = state;
        }
    }

    /// Replaces all parts. A process that is paused looks alive, so that state is kept.
    pub(super) fn replace(&self, mut parts: Vec<PartState>, base_urls: &[String]) {
        let mut content = self.lock();
        for part in &mut parts {
            let mut before = content.parts.iter();
            let before = before.find(|one| one.name == part.name && one.pid == part.pid);
            if part.state == State::Up && before.is_some_and(|one| one.state == State::Paused) {
                part.state = State::Paused;
            }
        }
        content.parts = parts;
        content.base_urls = base_urls.to_vec();
    }

    /// Notes which faults a command has begun or ended.
    pub(super) fn record(&self, command: &Command) {
        let mut content = self.lock();
        let faults = &mut content.faults;
        match command {
            Command::Act { part, action } => {
                faults.retain(|fault| fault.part != *part || !fault.id.starts_with("part_"));
                match action {
                    Action::Kill if part != "postgres" => begin(faults, "part_down", part),
                    Action::Pause => begin(faults, "part_paused", part),
                    _ => {}
                }
            }
            Command::Provider(behaviour) => set(faults, "provider", behaviour),
            Command::Queues(behaviour) => set(faults, "sqs", behaviour),
            Command::Scale { .. } => {}
            Command::Heal => faults.clear(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The faults of a third party: each setting that is not zero, such as `provider_hang_rate`.
fn set(faults: &mut Vec<Fault>, part: &str, behaviour: &Value) {
    let settings = behaviour.as_object().into_iter().flatten();
    let is_on = |value: &Value| match value {
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(is_on) => *is_on,
        other => !other.is_null(),
    };
    let on = settings.filter(|(_, value)| is_on(value));
    let on: Vec<String> = on.map(|(name, _)| format!("{part}_{name}")).collect();
    faults.retain(|fault| fault.part != part || on.contains(&fault.id));
    for id in on {
        begin(faults, &id, part);
    }
}

fn begin(faults: &mut Vec<Fault>, id: &str, part: &str) {
    if !faults
        .iter()
        .any(|fault| fault.id == id && fault.part == part)
    {
        faults.push(Fault {
            id: id.to_owned(),
            part: part.to_owned(),
            since_ms: now_ms(),
        });
    }
}
