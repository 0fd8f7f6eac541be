//! A comparison as a sentence that can be read aloud. It judges nothing.

use crate::statistics::Interval;
use crate::{Comparison, Finding};

const UNKNOWN: Interval = Interval {
    mean: f64::NAN,
    low: 0.0,
    high: f64::INFINITY,
};

/// The verdict with the arms' full names.
pub fn sentence(one: &Comparison) -> String {
    let mut place = one.cell.phrase();
    if one.on_local_sqs && one.measure.is_settled() {
        place += ", SQS on this machine";
    }
    capitalised(&finding(
        one,
        &place,
        &one.base.phrase(),
        &one.other.phrase(),
    ))
}

fn finding(one: &Comparison, place: &str, base: &str, other: &str) -> String {
    let name = one.measure.name();
    match (&one.finding, one.ratio) {
        (Finding::Void { because }, _) => {
            format!("all of {other} against {base} {place}: void, because {because}.")
        }
        (Finding::Ratio, Some(Interval { mean, low, high })) => format!(
            "{name} {place}: {mean:.2} times as much for {other} as for {base}, 95% interval \
             {low:.2} to {high:.2}."
        ),
        (Finding::NoDifference, _) => {
            let Interval { low, high, .. } = one.bounds.unwrap_or(UNKNOWN);
            format!(
                "{name} {place}: no difference shown between {other} and {base}. If there is \
                 one, it lies between {low:.2} and {high:.2} times, with 95% confidence for all \
                 measures of this cell together."
            )
        }
        (_, Some(Interval { low, high, .. })) => format!(
            "{name} {place}: inconclusive for {other} against {base}, anything from {low:.2} to \
             {high:.2} times fits these {} pairs of runs.",
            one.pairs
        ),
        (_, None) => {
            format!(
                "all of {other} against {base} {place}: inconclusive, one pair of runs has no \
                 interval."
            )
        }
    }
}

/// The sentence with its first letter in upper case.
pub fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
