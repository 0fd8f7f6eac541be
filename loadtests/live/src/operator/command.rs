//! The commands that an arm's operator executes, and how each is marked on the page.

use serde_json::{Value, json};

use crate::clock::now_ms;
use crate::text::Text;

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Act {
        part: String,
        action: Action,
    },
    Scale {
        package: String,
        replicas: usize,
    },
    /// The behaviour of the payment provider.
    Provider(Value),
    /// The faults of the queue server.
    Queues(Value),
    /// Undo every fault.
    Heal,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Kill,
    Restart,
    Pause,
    Continue,
}

/// A mark on the axis of time.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) part: String,
    pub(crate) kind: &'static str,
    pub(crate) what: &'static str,
    pub(crate) text: Text,
}

impl Command {
    /// The part that it is about.
    pub(crate) fn part(&self) -> &str {
        match self {
            Command::Act { part, .. } => part,
            Command::Scale { package, .. } => package,
            Command::Provider(_) => "provider",
            Command::Queues(_) => "sqs",
            Command::Heal => "all",
        }
    }

    pub(super) fn mark(&self) -> Mark {
        let part = self.part();
        let (kind, what, en, ja) = match self {
            Command::Act { action, .. } => match action {
                Action::Kill => ("fault", "kill", "was killed", "を停止 (kill -9)"),
                Action::Restart => ("heal", "restart", "was restarted", "を再起動"),
                Action::Pause => ("fault", "pause", "was paused", "を一時停止"),
                Action::Continue => ("heal", "continue", "continues", "を再開"),
            },
            Command::Scale { .. } => ("deploy", "scale", "was scaled", "の数を変更"),
            Command::Provider(change) | Command::Queues(change) => match is_normal(change) {
                true => ("heal", "normal", "is normal again", "を正常に戻しました"),
                false => ("fault", "faults", "has faults", "に障害を設定"),
            },
            Command::Heal => ("heal", "heal", "faults are healed", "障害をすべて解除"),
        };
        let detail = match self {
            Command::Scale { replicas, .. } => format!(" ({replicas})"),
            Command::Provider(change) | Command::Queues(change) if !is_normal(change) => {
                format!(" ({change})")
            }
            _ => String::new(),
        };
        let text = Text::new(
            format!("{part} {en}{detail}"),
            format!("{part} {ja}{detail}"),
        );
        Mark {
            part: part.to_owned(),
            kind,
            what,
            text,
        }
    }
}

fn is_normal(behaviour: &Value) -> bool {
    let settings = behaviour.as_object().into_iter().flatten();
    let zero = |value: &Value| value.as_f64() == Some(0.0);
    let mut settings = settings.map(|(_, value)| value);
    settings.all(|value| value.is_null() || zero(value) || value.as_bool() == Some(false))
}

impl Mark {
    pub(crate) fn event(&self, arm: &str) -> Value {
        json!({
            "at_ms": now_ms(),
            "arm": arm,
            "part": self.part,
            "kind": self.kind,
            "what": self.what,
            "text": self.text,
        })
    }
}
