//! The faults of the fault experiments, and where they strike.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Arm;

/// A fault in the middle of a steady load.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// One process is killed, and started again.
    Kill,
    /// All processes of the arm are killed, and started again.
    KillAll,
    /// The payment provider accepts calls and never answers.
    ProviderHangs,
    /// The payment provider is slow, and fails some calls.
    ProviderFails,
    /// What links the parts is paused: the queue server, or the monolith's Postgres.
    Pause,
    /// The queue server is killed, and started again on its data.
    QueueServerKilled,
    /// Postgres crashes, and its connections are ended again and again.
    PostgresCrash,
    /// SQS is slow, repeats and reorders messages, fails and throttles calls.
    SqsMisbehaves,
    /// Messages that cannot be read, and messages whose handler panics; the monolith gets requests
    /// that cannot be read.
    Poison,
    /// The provider is so slow that one replica cannot keep up. Half-way two replicas are added.
    SlowConsumer,
    /// All processes are stopped and started again, one after another.
    RollingRestart,
    /// A new version of one service works next to the old one, which stops then. Every event of the
    /// new version has a field that no reader knows.
    NewVersion,
    /// One process is stopped in the middle of its work, and goes on with old leases or locks.
    Freeze,
    /// Random processes are killed, one every three seconds.
    RandomKills,
    /// The load is three times the capacity.
    Overload,
    /// The queue server loses all messages.
    QueuesLost,
}

impl Fault {
    pub const ALL: [Fault; 16] = [
        Fault::Kill,
        Fault::KillAll,
        Fault::ProviderHangs,
        Fault::ProviderFails,
        Fault::Pause,
        Fault::QueueServerKilled,
        Fault::PostgresCrash,
        Fault::SqsMisbehaves,
        Fault::Poison,
        Fault::SlowConsumer,
        Fault::RollingRestart,
        Fault::NewVersion,
        Fault::Freeze,
        Fault::RandomKills,
        Fault::Overload,
        Fault::QueuesLost,
    ];

    /// `F1` to `F14`. Both faults of what links the parts are `F5`, and both deploys `F10`.
    pub fn code(self) -> &'static str {
        match self {
            Fault::Kill => "F1",
            Fault::KillAll => "F2",
            Fault::ProviderHangs => "F3",
            Fault::ProviderFails => "F4",
            Fault::Pause | Fault::QueueServerKilled => "F5",
            Fault::PostgresCrash => "F6",
            Fault::SqsMisbehaves => "F7",
            Fault::Poison => "F8",
            Fault::SlowConsumer => "F9",
            Fault::RollingRestart | Fault::NewVersion => "F10",
            Fault::Freeze => "F11",
            Fault::RandomKills => "F12",
            Fault::Overload => "F13",
            Fault::QueuesLost => "F14",
        }
    }

    /// The faults with this code, in upper or lower case. Empty when no fault has it.
    pub fn with_code(code: &str) -> Vec<Fault> {
        let all = Fault::ALL.into_iter();
        all.filter(|fault| fault.code().eq_ignore_ascii_case(code))
            .collect()
    }

    /// How long the fault lasts, in seconds. Faults that end with a restart or with stopped
    /// replicas last a little longer.
    pub fn length_s(self) -> u64 {
        match self {
            Fault::Kill | Fault::KillAll | Fault::QueueServerKilled | Fault::PostgresCrash => 5,
            Fault::QueuesLost => 1,
            Fault::ProviderHangs
            | Fault::ProviderFails
            | Fault::Pause
            | Fault::SqsMisbehaves
            | Fault::Poison => 15,
            Fault::SlowConsumer => 40,
            // Two minutes are twice the visibility timeout of payment's queue, the longest one.
            Fault::Freeze => 120,
            Fault::RandomKills | Fault::Overload => 60,
            Fault::RollingRestart | Fault::NewVersion => 20,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A fault, and where it strikes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FaultCase {
    pub fault: Fault,
    pub arm: Arm,
    /// Processes of each service, or of the monolith.
    pub replicas: usize,
    /// The part that it hits, such as `payment-service`.
    pub part: String,
}

impl FaultCase {
    /// The beginning of a sentence: `while payment-service was dead`.
    pub fn phrase(&self) -> String {
        let process = match (self.arm, self.replicas) {
            (Arm::Monolith, 1) => "its only process",
            (Arm::Monolith, _) => "one of its two processes",
            _ => &self.part,
        };
        match self.fault {
            Fault::Kill => format!("while {process} was dead"),
            Fault::KillAll => "while every process was dead".to_owned(),
            Fault::ProviderHangs => "while the payment provider hung".to_owned(),
            Fault::ProviderFails => {
                "while the payment provider took 2 s and failed 30% of its calls".to_owned()
            }
            Fault::Pause => format!("while {} was paused", self.part),
            Fault::QueueServerKilled => "while the queue server was dead".to_owned(),
            Fault::PostgresCrash => {
                "while Postgres had crashed and its connections were ended twice a second"
                    .to_owned()
            }
            Fault::SqsMisbehaves => {
                "while SQS was slow, repeated, reordered, failed and throttled".to_owned()
            }
            Fault::Poison => match self.arm {
                Arm::Monolith => "while one request in eleven was no order".to_owned(),
                _ => "while one message in 200 could not be read, and one in 200 made its handler \
                      panic"
                    .to_owned(),
            },
            Fault::SlowConsumer => {
                "while the provider was too slow for one replica, and two more were added half-way"
                    .to_owned()
            }
            Fault::RollingRestart => "while all processes were restarted in turn".to_owned(),
            Fault::NewVersion => format!(
                "while two versions of {} worked together, and events of the new one had a field \
                 that no reader knew",
                self.part
            ),
            Fault::Freeze => format!("while {process} was frozen"),
            Fault::RandomKills => "while a random process was killed every 3 s".to_owned(),
            Fault::Overload => "while three times as much was ordered as can be settled".to_owned(),
            Fault::QueuesLost => "when the queue server had lost all messages".to_owned(),
        }
    }

    /// `F1 A3 payment-service`
    pub fn title(&self) -> String {
        let replicas = match self.replicas {
            1 => String::new(),
            count => format!(" ({count} replicas)"),
        };
        format!("{} {} {}{replicas}", self.fault, self.arm, self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_code() {
        for fault in Fault::ALL {
            let code = fault.code().to_lowercase();
            assert!(Fault::with_code(&code).contains(&fault));
        }
        assert_eq!(Fault::with_code("F1"), [Fault::Kill]);
        assert_eq!(Fault::with_code("F15"), []);
    }
}
