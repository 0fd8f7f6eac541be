//! The schedule of a seed.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use simulation::{Age, Answer, Basket, End, Overdue, Step};

/// Shorter ones end before the faults meet; longer ones find nothing more.
const STEPS: std::ops::Range<usize> = 1..120;

/// The schedule of this seed, and the runner that can make it shorter.
pub(crate) fn schedule(seed: u64) -> (TestRunner, impl ValueTree<Value = Vec<Step>>) {
    // Spread over all bits, because a generator begins alike for similar seeds.
    let spread = u128::from(seed + 1).wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15);
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 10_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &spread.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, rng);
    let schedules = prop_oneof![
        vec(step(0), STEPS),
        vec(step(2), STEPS),
        vec(step(15), STEPS),
    ];
    let tree = schedules.new_tree(&mut runner);
    (runner, tree.expect("no schedule is filtered out"))
}

/// Mostly work, and some faults: of about 100 steps, `losses` lose messages. An earlier alternative
/// is simpler, and tried when a schedule is made shorter.
fn step(losses: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => basket().prop_map(Step::Place),
        30 => (any::<u16>(), sometimes())
            .prop_map(|(pick, row_is_kept)| Step::Relay { pick, row_is_kept }),
        12 => (any::<u16>(), answer()).prop_map(|(pick, answer)| Step::Call { pick, answer }),
        40 => (any::<u16>(), 1..4_u8, end())
            .prop_map(|(pick, batch, end)| Step::Deliver { pick, batch, end }),
        4 => any::<u16>().prop_map(|pick| Step::EndDelay { pick }),
        3 => any::<u16>().prop_map(|pick| Step::Cancel { pick }),
        3 => overdue().prop_map(Step::Republish),
        losses => (any::<u16>(), any::<bool>())
            .prop_map(|(pick, is_purged)| Step::Lose { pick, is_purged }),
    ]
}

fn basket() -> impl Strategy<Value = Basket> {
    let parts = (0..3_u8, 0..3_u8, sometimes());
    parts.prop_map(|(kettles, teapots, is_declined)| Basket {
        kettles,
        teapots,
        is_declined,
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        8 => Just(Answer::Received),
        1 => Just(Answer::Refused),
        1 => Just(Answer::Lost),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Deleted),
        1 => Just(End::Kept),
        1 => Just(End::RolledBack),
    ]
}

fn overdue() -> impl Strategy<Value = Overdue> {
    prop_oneof![
        Just(Overdue::Orders(Age::Unsettled)),
        Just(Overdue::Orders(Age::Expired)),
        Just(Overdue::Payments),
        Just(Overdue::Dispatches),
        Just(Overdue::Cancellations),
    ]
}

fn sometimes() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.12)
}
