//! The faults of the network, shared by all connections of a proxy.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// The current faults. Connections watch it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) to_server: Duration,
    pub(super) to_client: Duration,
    pub(super) rules: Vec<Rule>,
    pub(super) stalled: bool,
    pub(super) refusing: bool,
    /// Counts cuts. A connection from before the last one is cut.
    pub(super) cuts: u64,
    /// Counts half-opens. A connection from before the last one becomes half-open.
    pub(super) half_opens: u64,
}

/// A fault of connections on which a certain statement is sent.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The beginning of the statement, in lower case.
    pub(super) statement: String,
    pub(super) action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    DelayAnswer(Duration),
    Cut,
    LoseAnswer,
}

/// Counters that tests read.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) open: AtomicUsize,
    pub(super) held: AtomicUsize,
    pub(super) acted: AtomicUsize,
}

impl State {
    /// The action on a statement, if a rule applies to it.
    pub(super) fn action(&self, statement: &str) -> Option<Action> {
        let statement = statement.trim_start().to_lowercase();
        let found = self
            .rules
            .iter()
            .find(|rule| statement.starts_with(&rule.statement));
        found.map(|rule| rule.action)
    }
}
