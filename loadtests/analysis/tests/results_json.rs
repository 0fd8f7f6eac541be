//! `results.json` keeps its format: a file that an earlier version wrote is read, and written again
//! with the same content.

#![allow(clippy::unwrap_used)]

use analysis::model::{Arm, ArmName, LoadModel, Partial, Rate, Results, Scenario};
use serde_json::Value;

/// Written by the version whose runs had strings for arms, scenarios and models.
const EARLIER: &str = include_str!("fixtures/results-schema-3.json");

#[test]
fn a_file_of_an_earlier_version_is_read_and_written_the_same() {
    let results: Results = serde_json::from_str(EARLIER).unwrap();
    let before: Value = serde_json::from_str(EARLIER).unwrap();
    assert_eq!(serde_json::to_value(&results).unwrap(), before);
}

#[test]
fn its_words_become_types() {
    let results: Results = serde_json::from_str(EARLIER).unwrap();
    assert_eq!(results.partial, Some(Partial::Interrupted));
    let again = ArmName::Dial {
        arm: Arm::Monolith,
        repeat: 1,
    };
    let has = |arm: &ArmName, scenario: Scenario, load: LoadModel| {
        let mut runs = results.runs.iter();
        runs.any(|run| run.arm == *arm && run.scenario == scenario && run.load == load)
    };
    assert!(has(&again, Scenario::Burst, LoadModel::open(50.0)));
    let probe = LoadModel::Probe(Rate::per_s(39.0625));
    let third = ArmName::Dial {
        arm: Arm::Services,
        repeat: 2,
    };
    assert!(has(&third, Scenario::Checkout, probe));
    let users = LoadModel::Closed { users: 64 };
    assert!(has(&Arm::Services.into(), Scenario::Checkout, users));
    let staging = ArmName::Target("staging".to_owned());
    assert!(has(&staging, Scenario::Ramp, LoadModel::open(0.5)));
}
