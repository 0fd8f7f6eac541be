//! What a soak shows: which resources stay flat, and which grow.

use std::collections::BTreeMap;

use crate::model::{Resources, Soak, SoakRound};
use crate::sentences::capitalised;

/// With fewer rounds, growth and warming up look the same.
const LEAST_ROUNDS: usize = 12;

/// A resource that grew from the middle third of the rounds to the last third.
#[derive(Clone, PartialEq, Debug)]
pub struct Growth {
    /// What grew, such as `memory of gateway`.
    pub what: String,
    /// Medians of the middle third and of the last third, in bytes or as a count.
    pub middle: f64,
    pub last: f64,
}

/// A kind of resource: its name, how to read it, and up to which difference it is flat.
struct Kind {
    name: &'static str,
    of: fn(&Resources) -> &BTreeMap<String, u64>,
    flat: f64,
}

/// What is still flat is our choice: memory varies by some MB with the requests at that moment, and
/// the other counts by the connections and messages of a second.
const KINDS: [Kind; 4] = [
    Kind {
        name: "memory",
        of: |one| &one.memory,
        flat: 4e6,
    },
    Kind {
        name: "file descriptors",
        of: |one| &one.descriptors,
        flat: 10.0,
    },
    Kind {
        name: "rows",
        of: |one| &one.rows,
        flat: 100.0,
    },
    Kind {
        name: "messages",
        of: |one| &one.messages,
        flat: 20.0,
    },
];

/// Everything that grew by more than a tenth, and by more than what is still flat. `None` for a
/// soak with too few rounds.
pub fn growth(soak: &Soak) -> Option<Vec<Growth>> {
    let rounds = soak.rounds.len();
    if rounds < LEAST_ROUNDS {
        return None;
    }
    let third = rounds / 3;
    let (middle, last) = (third..2 * third, 2 * third..rounds);
    let mut grown = vec![];
    for kind in &KINDS {
        let parts = soak.rounds.last().map(|round| (kind.of)(&round.resources));
        for part in parts.into_iter().flat_map(BTreeMap::keys) {
            let over = |rounds: std::ops::Range<usize>| {
                let rounds = soak.rounds[rounds].iter();
                let value = rounds.filter_map(|round| (kind.of)(&round.resources).get(part));
                median(value.map(|value| *value as f64).collect())
            };
            let (middle, last) = (over(middle.clone()), over(last.clone()));
            if last > middle * 1.1 && last > middle + kind.flat {
                let what = format!("{} of {part}", kind.name);
                grown.push(Growth { what, middle, last });
            }
        }
    }
    Some(grown)
}

/// The soak as a sentence.
pub fn sentence(soak: &Soak) -> String {
    let minutes = soak.rounds.last().map_or(0.0, |round| round.at_s) / 60.0;
    let broken = soak.rounds.iter().filter(|round| !round.audit.passed());
    let left = soak.rounds.iter().filter(|round| round.left.is_some());
    let kept = match (broken.count(), left.count()) {
        (0, 0) => "every promise was kept in every round".to_owned(),
        (broken, left) => format!("{broken} rounds broke a promise, and {left} left work"),
    };
    let grown = match growth(soak) {
        None => "There were too few rounds to tell what grows".to_owned(),
        Some(grown) if grown.is_empty() => "Nothing grew".to_owned(),
        Some(grown) => {
            let parts: Vec<String> = grown.into_iter().map(|one| one.what).collect();
            format!("What grew: {}", parts.join(", "))
        }
    };
    let stored = match bytes_per_order(soak) {
        Some(bytes) => format!(" An order takes {:.1} KB of the databases.", bytes / 1e3),
        None => String::new(),
    };
    format!(
        "{}: {} orders in {} rounds over {minutes:.0} minutes with a random fault in each; {kept}. \
         {grown}.{stored}",
        capitalised(&format!("the {}", soak.arm.title())),
        soak.accepted(),
        soak.rounds.len(),
    )
}

/// The bytes by which the databases grew per order, after the first round. `None` when there is
/// only one round, or no order.
pub fn bytes_per_order(soak: &Soak) -> Option<f64> {
    let size = |round: &SoakRound| round.resources.databases.values().sum::<u64>() as f64;
    let (first, last) = (soak.rounds.first()?, soak.rounds.last()?);
    let orders = soak.accepted() - first.accepted;
    (orders > 0).then(|| (size(last) - size(first)) / orders as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Arm, Audit, Check};

    fn soak(memory: impl Fn(u64) -> u64) -> Soak {
        let round = |n: u64| SoakRound {
            at_s: n as f64 * 60.0,
            fault: "F1 A0 monolith".to_owned(),
            offered: 100,
            accepted: 100,
            audit: Audit {
                checks: vec![Check {
                    promise: "kept".to_owned(),
                    examined: 1,
                    broken: 0,
                    example: None,
                }],
                not_run: None,
            },
            left: None,
            resources: Resources {
                memory: [("monolith".to_owned(), memory(n))].into(),
                descriptors: [("monolith".to_owned(), 40 + n % 2)].into(),
                ..Resources::default()
            },
        };
        Soak {
            arm: Arm::Monolith,
            rate: 50.0,
            seed: 1,
            rounds: (1..=12).map(round).collect(),
        }
    }

    #[test]
    fn what_grows_is_named_and_what_stays_is_not() {
        let flat = soak(|n| 60_000_000 + n % 3 * 1_000_000);
        assert_eq!(growth(&flat), Some(vec![]));
        let text = sentence(&flat);
        assert!(
            text.contains("1200 orders in 12 rounds over 12 minutes"),
            "{text}"
        );
        assert!(text.contains("Nothing grew."), "{text}");

        let leak = soak(|n| 60_000_000 + n * 5_000_000);
        let grown = growth(&leak).unwrap();
        assert_eq!(grown.len(), 1);
        assert_eq!(grown[0].what, "memory of monolith");
        let text = sentence(&leak);
        assert!(text.contains("What grew: memory of monolith."), "{text}");

        let mut short = flat;
        short.rounds.truncate(11);
        assert_eq!(growth(&short), None);
        assert!(short.is_clean());
        short.rounds.clear();
        assert!(!short.is_clean(), "nothing was shown");
    }
}
