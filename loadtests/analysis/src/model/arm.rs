//! The arms: the architectures under comparison.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The dial, from one process to many. Each arm changes one thing against the one before.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
pub enum Arm {
    /// One process, one database, one transaction.
    #[default]
    #[serde(rename = "A0")]
    Monolith,
    /// The services' handlers in one process on one database, linked by an in-process queue.
    #[serde(rename = "A1")]
    Events,
    /// The same on SQS and databases of their own.
    #[serde(rename = "A2")]
    OneProcess,
    /// Each service in a process of its own.
    #[serde(rename = "A3")]
    Services,
}

impl Arm {
    pub const ALL: [Arm; 4] = [Arm::Monolith, Arm::Events, Arm::OneProcess, Arm::Services];

    pub fn code(self) -> &'static str {
        match self {
            Arm::Monolith => "A0",
            Arm::Events => "A1",
            Arm::OneProcess => "A2",
            Arm::Services => "A3",
        }
    }

    /// The arm with this code, from `A0` to `A3`, in upper or lower case.
    pub fn from_code(code: &str) -> Option<Arm> {
        Arm::ALL
            .into_iter()
            .find(|arm| arm.code().eq_ignore_ascii_case(code))
    }

    pub fn title(self) -> &'static str {
        match self {
            Arm::Monolith => "monolith",
            Arm::Events => "events in one process",
            Arm::OneProcess => "services in one process",
            Arm::Services => "services",
        }
    }

    /// What this arm adds to the one before it on the dial.
    pub fn adds(self) -> &'static str {
        match self {
            Arm::Monolith => "one process, one database, one transaction",
            Arm::Events => "asynchrony: one transaction per step, outbox and inbox",
            Arm::OneProcess => "a broker, and data split over databases",
            Arm::Services => "one process per service, and a gateway",
        }
    }

    pub fn uses_sqs(self) -> bool {
        matches!(self, Arm::OneProcess | Arm::Services)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The name of an arm within one comparison.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum ArmName {
    /// `A0`, or `A0 again` for an arm that is compared with itself, then `A0 again 2`.
    Dial { arm: Arm, repeat: usize },
    /// `A0 before`: an arm as another commit built it.
    Baseline(Arm),
    /// A shop that runs elsewhere, under the name that the user gave it.
    Target(String),
}

impl ArmName {
    /// The arm that this name stands for. A target may begin with the code of one.
    pub fn arm(&self) -> Option<Arm> {
        match self {
            ArmName::Dial { arm, .. } | ArmName::Baseline(arm) => Some(*arm),
            ArmName::Target(name) => Arm::from_code(name.split(' ').next()?),
        }
    }

    /// Whether an arm of the same kind was named before.
    pub fn is_repeat(&self) -> bool {
        matches!(self, ArmName::Dial { repeat: 1.., .. })
    }

    /// Whether this is the arm of another commit.
    pub fn is_baseline(&self) -> bool {
        matches!(self, ArmName::Baseline(_))
    }

    /// The name in sentences: `the services (A3)`.
    pub fn phrase(&self) -> String {
        let Some(arm) = self.arm() else {
            return self.to_string();
        };
        let article = match arm {
            Arm::Monolith | Arm::Services => "the ",
            Arm::Events | Arm::OneProcess => "",
        };
        let which = match self {
            ArmName::Baseline(_) => " before",
            _ if self.is_repeat() => " again",
            _ => "",
        };
        format!("{article}{}{which} ({self})", arm.title())
    }
}

impl Default for ArmName {
    fn default() -> ArmName {
        Arm::default().into()
    }
}

impl From<Arm> for ArmName {
    fn from(arm: Arm) -> ArmName {
        ArmName::Dial { arm, repeat: 0 }
    }
}

impl fmt::Display for ArmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArmName::Dial { arm, repeat: 0 } => f.pad(arm.code()),
            ArmName::Dial { arm, repeat: 1 } => f.pad(&format!("{arm} again")),
            ArmName::Dial { arm, repeat } => f.pad(&format!("{arm} again {repeat}")),
            ArmName::Baseline(arm) => f.pad(&format!("{arm} before")),
            ArmName::Target(name) => f.pad(name),
        }
    }
}

impl FromStr for ArmName {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<ArmName, Infallible> {
        let (code, rest) = name.split_once(' ').unwrap_or((name, ""));
        let repeat = match rest {
            "" => Some(0),
            "again" => Some(1),
            _ => rest.strip_prefix("again ").and_then(|n| n.parse().ok()),
        };
        Ok(match (Arm::from_code(code), repeat) {
            (Some(arm), _) if rest == "before" => ArmName::Baseline(arm),
            (Some(arm), Some(repeat)) => ArmName::Dial { arm, repeat },
            _ => ArmName::Target(name.to_owned()),
        })
    }
}

impl From<String> for ArmName {
    fn from(name: String) -> ArmName {
        let Ok(name) = name.parse();
        name
    }
}

impl From<ArmName> for String {
    fn from(name: ArmName) -> String {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_as_it_was_written() {
        let check = |name: &str, arm: Option<Arm>, repeat: bool, phrase: &str| {
            let read: ArmName = name.parse().unwrap();
            assert_eq!(read.to_string(), name);
            assert_eq!((read.arm(), read.is_repeat()), (arm, repeat), "{name}");
            assert_eq!(read.phrase(), phrase);
        };
        check("A0", Some(Arm::Monolith), false, "the monolith (A0)");
        let again = "the monolith again (A0 again)";
        check("A0 again", Some(Arm::Monolith), true, again);
        check(
            "A3 again 2",
            Some(Arm::Services),
            true,
            "the services again (A3 again 2)",
        );
        let before = "the services before (A3 before)";
        check("A3 before", Some(Arm::Services), false, before);
        check("staging", None, false, "staging");
        let eu = "the services (A3 in Europe)";
        check("A3 in Europe", Some(Arm::Services), false, eu);
    }
}
