//! The architectures under comparison, each started as the very processes a deployment runs.

pub mod binaries;
pub mod deployment;
pub mod outside;
pub mod plant;
pub mod process;
pub mod surroundings;
pub mod wiring;

use std::fmt;

pub use deployment::Deployment;
pub use process::Process;
pub use surroundings::Surroundings;

/// The dial, from one process to many. Each arm changes one thing against the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Arm {
    /// One process, one database, one transaction.
    Monolith,
    /// The services' handlers in one process on one database, linked by an in-process queue.
    Events,
    /// The same on SQS and databases of their own.
    OneProcess,
    /// Each service in a process of its own.
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

    /// From `A0` to `A3`, in any case; `A0 again` is the same arm under another name.
    pub fn from_label(label: &str) -> Option<Arm> {
        let code = label.split(' ').next()?;
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
    pub fn step(self) -> &'static str {
        match self {
            Arm::Monolith => "one process, one database, one transaction",
            Arm::Events => "asynchrony: a transaction a step, outbox and inbox",
            Arm::OneProcess => "a broker, and data split over databases",
            Arm::Services => "processes of their own, and a gateway",
        }
    }

    pub fn uses_sqs(self) -> bool {
        matches!(self, Arm::OneProcess | Arm::Services)
    }

    /// The binaries it runs.
    pub fn binaries(self) -> &'static [&'static str] {
        match self {
            Arm::Monolith => &["monolith"],
            Arm::Events | Arm::OneProcess => &["all-in-one"],
            Arm::Services => &[
                "gateway",
                "auth-service",
                "order-service",
                "payment-service",
                "inventory-service",
                "shipping-service",
            ],
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What an arm is called in sentences: `the services (A3)`.
pub fn described(label: &str) -> String {
    let Some(arm) = Arm::from_label(label) else {
        return label.to_owned();
    };
    let article = match arm {
        Arm::Monolith | Arm::Services => "the ",
        Arm::Events | Arm::OneProcess => "",
    };
    let again = if label.contains("again") {
        " again"
    } else {
        ""
    };
    format!("{article}{}{again} ({label})", arm.title())
}
