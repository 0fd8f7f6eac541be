//! The board of an arm: the state of its parts and the faults that last, for everyone to read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use harness::deployment::Process;
use harness::measure::processes::{Life, life};
use serde::Serialize;
use serde_json::Value;

use super::command::Command;
use crate::clock::now_ms;

#[derive(Default)]
pub(crate) struct Board(Mutex<Content>);

#[derive(Default)]
struct Content {
    parts: Vec<PartState>,
    base_urls: Vec<String>,
    /// The settings of third parties that are not normal.
    settings: Vec<Fault>,
}

/// A process as it is now.
#[derive(Clone, Debug)]
pub(crate) struct PartState {
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) since_ms: f64,
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

impl State {
    fn of(pid: u32) -> State {
        match life(pid) {
            Life::Runs => State::Up,
            Life::Stopped => State::Paused,
            Life::Ended => State::Down,
        }
    }
}

impl PartState {
    pub(super) fn of(name: String, process: &mut Process) -> PartState {
        // A system that cannot tell is no reason to call it dead.
        let end = process.end().ok().flatten();
        PartState {
            name,
            state: match end.is_some() {
                true => State::Down,
                false => State::of(process.pid()),
            },
            since_ms: now_ms(),
            pid: process.pid(),
            url: Some(process.url.clone()),
            reason: end.map(|end| format!("ended with {end}")),
        }
    }

    pub(super) fn postgres(pid: u32) -> PartState {
        PartState {
            name: "postgres".to_owned(),
            state: State::of(pid),
            since_ms: now_ms(),
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

    /// The faults that last: parts that are down or paused, and settings that are not normal.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let content = self.lock();
        let parts = content.parts.iter().filter_map(|part| {
            let id = match part.state {
                State::Down => "part_down",
                State::Paused => "part_paused",
                State::Up | State::Starting => return None,
            };
            Some(Fault {
                id: id.to_owned(),
                part: part.name.clone(),
                since_ms: part.since_ms,
            })
        });
        parts.chain(content.settings.iter().cloned()).collect()
    }

    /// A part that begins to start again shows that until it is replaced.
    pub(super) fn starts(&self, name: &str) {
        let mut content = self.lock();
        if let Some(part) = content.parts.iter_mut().find(|part| part.name == name) {
            part.state = State::Starting;
        }
    }

    /// Replaces all parts.
    pub(super) fn replace(&self, mut parts: Vec<PartState>, base_urls: &[String]) {
        let mut content = self.lock();
        for part in &mut parts {
            let is_same = |one: &&PartState| one.name == part.name && one.state == part.state;
            if let Some(before) = content.parts.iter().find(is_same) {
                part.since_ms = before.since_ms;
            }
        }
        content.parts = parts;
        content.base_urls = base_urls.to_vec();
    }

    /// Notes which settings of a third party a command has changed.
    pub(super) fn record(&self, command: &Command) {
        let settings = &mut self.lock().settings;
        match command {
            Command::Provider(behaviour) => set(settings, "provider", behaviour),
            Command::Queues(behaviour) => set(settings, "sqs", behaviour),
            Command::Heal => settings.clear(),
            Command::Act { .. } | Command::Scale { .. } => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the faults of a third party: each setting that is not zero is one, such as
/// `provider_hang_rate`.
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
        if !faults.iter().any(|fault| fault.id == id) {
            faults.push(Fault {
                id,
                part: part.to_owned(),
                since_ms: now_ms(),
            });
        }
    }
}
