//! The behaviour of the provider, and the random draws of its faults.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// The payment method that is always declined.
pub const DECLINED_METHOD: &str = "tok_declined";

/// Latency and faults, which can be changed while the provider runs. A missing field is zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Added to every answer, 0 to 60,000 ms.
    pub latency_ms: u64,
    /// Share of authorizations that are declined, 0 to 1.
    pub decline_rate: f64,
    /// Share of requests that fail with a 5xx, 0 to 1: half of them after the work was done.
    pub error_rate: f64,
    /// Share of requests that never get an answer, 0 to 1: half of them after the work was done.
    pub hang_rate: f64,
    /// Restarts the random numbers with this seed, so that a run can be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Behaviour {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.latency_ms > 60_000 {
            return Err("latency_ms must be 0 to 60000".to_owned());
        }
        let rates = [
            ("decline_rate", self.decline_rate),
            ("error_rate", self.error_rate),
            ("hang_rate", self.hang_rate),
        ];
        match rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            Some((name, _)) => Err(format!("{name} must be 0 to 1")),
            None => Ok(()),
        }
    }
}

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Hang,
    Error,
}

/// The random draw for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) decline: bool,
    pub(crate) fault: Option<Fault>,
    /// Whether the fault comes before the work. If not, only the answer is lost.
    pub(crate) before_work: bool,
}

/// The random numbers of the provider.
#[derive(Debug)]
pub(crate) struct Random(StdRng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Draws the same number of values each time, so that one rate does not change the results of
    /// the others.
    pub(crate) fn draw(&mut self, behaviour: &Behaviour) -> Draw {
        let decline = self.0.random_bool(behaviour.decline_rate);
        let hang = self.0.random_bool(behaviour.hang_rate);
        let error = self.0.random_bool(behaviour.error_rate);
        let before_work = self.0.random_bool(0.5);
        let fault = match (hang, error) {
            (true, _) => Some(Fault::Hang),
            (false, true) => Some(Fault::Error),
            (false, false) => None,
        };
        Draw {
            decline,
            fault,
            before_work,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, behaviour: Behaviour) -> Vec<Draw> {
        let mut random = Random::new(seed);
        (0..1000).map(|_| random.draw(&behaviour)).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let behaviour = Behaviour {
            decline_rate: 0.3,
            error_rate: 0.2,
            ..Behaviour::default()
        };
        assert_eq!(draws(1, behaviour), draws(1, behaviour));
        assert_ne!(draws(1, behaviour), draws(2, behaviour));
    }

    #[test]
    fn rates_are_kept() {
        let behaviour = Behaviour {
            decline_rate: 0.25,
            hang_rate: 1.0,
            ..Behaviour::default()
        };
        let draws = draws(1, behaviour);
        let declined = draws.iter().filter(|draw| draw.decline).count();
        assert!((200..300).contains(&declined), "{declined} of 1000");
        assert!(draws.iter().all(|draw| draw.fault == Some(Fault::Hang)));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let check = |behaviour: Behaviour, name| {
            assert!(behaviour.check().unwrap_err().starts_with(name));
        };
        check(
            Behaviour {
                latency_ms: 60_001,
                ..Behaviour::default()
            },
            "latency_ms",
        );
        check(
            Behaviour {
                decline_rate: 1.1,
                ..Behaviour::default()
            },
            "decline_rate",
        );
        check(
            Behaviour {
                error_rate: -0.1,
                ..Behaviour::default()
            },
            "error_rate",
        );
        check(
            Behaviour {
                hang_rate: f64::NAN,
                ..Behaviour::default()
            },
            "hang_rate",
        );
        assert_eq!(Behaviour::default().check(), Ok(()));
    }
}
