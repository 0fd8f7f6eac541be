//! How well the provider behaves, and the dice it throws.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// Declines this payment method and accepts every other.
pub const DECLINED_METHOD: &str = "tok_declined";

/// Settable while the provider runs. Whatever is left out is zero.
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
    /// Makes the dice start anew, for a run that can be repeated.
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

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Hang,
    Error,
}

/// What one request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) decline: bool,
    pub(crate) trouble: Option<Trouble>,
    /// Whether the trouble comes before the work, or only swallows its answer.
    pub(crate) before_work: bool,
}

#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Always the same number of throws, so that one rate does not shift the others' outcome.
    pub(crate) fn throw(&mut self, behaviour: &Behaviour) -> Draw {
        let decline = self.0.random_bool(behaviour.decline_rate);
        let hang = self.0.random_bool(behaviour.hang_rate);
        let error = self.0.random_bool(behaviour.error_rate);
        let before_work = self.0.random_bool(0.5);
        let trouble = match (hang, error) {
            (true, _) => Some(Trouble::Hang),
            (false, true) => Some(Trouble::Error),
            (false, false) => None,
        };
        Draw {
            decline,
            trouble,
            before_work,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throws(seed: u64, behaviour: Behaviour) -> Vec<Draw> {
        let mut dice = Dice::new(seed);
        (0..1000).map(|_| dice.throw(&behaviour)).collect()
    }

    #[test]
    fn the_same_seed_throws_the_same() {
        let behaviour = Behaviour {
            decline_rate: 0.3,
            error_rate: 0.2,
            ..Behaviour::default()
        };
        assert_eq!(throws(1, behaviour), throws(1, behaviour));
        assert_ne!(throws(1, behaviour), throws(2, behaviour));
    }

    #[test]
    fn rates_are_kept() {
        let behaviour = Behaviour {
            decline_rate: 0.25,
            hang_rate: 1.0,
            ..Behaviour::default()
        };
        let draws = throws(1, behaviour);
        let declined = draws.iter().filter(|draw| draw.decline).count();
        assert!((200..300).contains(&declined), "{declined} of 1000");
        assert!(draws.iter().all(|draw| draw.trouble == Some(Trouble::Hang)));
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
