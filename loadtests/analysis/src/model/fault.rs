//! The faults of the fault experiments, and a run with one of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Arm, Quantiles, Run};

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
    /// Postgres crashes, and its connections are ended again and again.
    PostgresCrash,
    /// SQS is slow, repeats and reorders messages, fails and throttles calls.
    SqsMisbehaves,
    /// All processes are stopped and started again, one after another.
    RollingRestart,
    /// One process is stopped in the middle of its work, and goes on with old leases or locks.
    Freeze,
    /// Random processes are killed, one every three seconds.
    RandomKills,
    /// The queue server loses all messages.
    QueuesLost,
}

impl Fault {
    pub const ALL: [Fault; 11] = [
        Fault::Kill,
        Fault::KillAll,
        Fault::ProviderHangs,
        Fault::ProviderFails,
        Fault::Pause,
        Fault::PostgresCrash,
        Fault::SqsMisbehaves,
        Fault::RollingRestart,
        Fault::Freeze,
        Fault::RandomKills,
        Fault::QueuesLost,
    ];

    /// `F1` to `F14`. F8, F9 and F13 do not exist.
    pub fn code(self) -> &'static str {
        match self {
            Fault::Kill => "F1",
            Fault::KillAll => "F2",
            Fault::ProviderHangs => "F3",
            Fault::ProviderFails => "F4",
            Fault::Pause => "F5",
            Fault::PostgresCrash => "F6",
            Fault::SqsMisbehaves => "F7",
            Fault::RollingRestart => "F10",
            Fault::Freeze => "F11",
            Fault::RandomKills => "F12",
            Fault::QueuesLost => "F14",
        }
    }

    /// The fault with this code, in upper or lower case.
    pub fn from_code(code: &str) -> Option<Fault> {
        let mut all = Fault::ALL.into_iter();
        all.find(|fault| fault.code().eq_ignore_ascii_case(code))
    }

    /// How long the fault lasts, in seconds. A rolling restart ends by itself.
    pub fn length_s(self) -> u64 {
        match self {
            Fault::Kill | Fault::KillAll | Fault::PostgresCrash => 5,
            Fault::QueuesLost => 1,
            Fault::ProviderHangs | Fault::ProviderFails | Fault::Pause | Fault::SqsMisbehaves => 15,
            // Two minutes are twice the visibility timeout of payment's queue, the longest one.
            Fault::Freeze => 120,
            Fault::RandomKills => 60,
            Fault::RollingRestart => 20,
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

/// A run with a fault.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FaultRun {
    #[serde(flatten)]
    pub case: FaultCase,
    /// When the fault began and when all parts were back, in seconds of the load.
    pub begin_s: f64,
    pub end_s: f64,
    /// Orders that were due during the fault, and how many of them were accepted.
    pub due: u64,
    pub accepted: u64,
    /// From the fault's end until the last order was due that was not accepted, in seconds.
    pub goodput_back_s: f64,
    /// From the fault's end until all orders that were due before it were settled, in seconds.
    /// `None` when one of them never settled.
    pub backlog_gone_s: Option<f64>,
    /// Answers to the orders that were due during the fault and accepted, in milliseconds.
    pub acknowledged_ms: Quantiles,
    /// The same orders, from the moment they were due until they were settled, in milliseconds.
    pub settled_ms: Quantiles,
    /// Messages in dead-letter queues at the end.
    pub dead_letters: u64,
    /// The state of the queues four times a second. Empty for an arm without SQS.
    pub queues: Vec<QueueSample>,
    pub run: Run,
}

/// The queues at one moment, all together.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueueSample {
    /// Seconds since the load began.
    pub at_s: f64,
    /// Messages that wait or are being handled.
    pub messages: u64,
    /// The age of the oldest one, in seconds.
    pub oldest_s: f64,
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
            Fault::PostgresCrash => {
                "while Postgres had crashed and its connections were ended twice a second"
                    .to_owned()
            }
            Fault::SqsMisbehaves => {
                "while SQS was slow, repeated, reordered, failed and throttled".to_owned()
            }
            Fault::RollingRestart => "while all processes were restarted in turn".to_owned(),
            Fault::Freeze => format!("while {process} was frozen"),
            Fault::RandomKills => "while a random process was killed every 3 s".to_owned(),
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

impl FaultRun {
    /// The share of the orders during the fault that were accepted, from 0 to 1. 1 when none was
    /// due.
    pub fn accepted_share(&self) -> f64 {
        match self.due {
            0 => 1.0,
            due => self.accepted as f64 / due as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_code() {
        for fault in Fault::ALL {
            let code = fault.code().to_lowercase();
            assert_eq!(Fault::from_code(&code), Some(fault));
        }
        assert_eq!(Fault::from_code("F8"), None);
    }
}
