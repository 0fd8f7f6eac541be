//! The headline: which verdicts of a comparison are worth a sentence.

use crate::model::{ArmName, Cell, Results};
use crate::selection::{cell_of, cells};
use crate::sentences::sentence;
use crate::{Comparison, Finding, compare};

/// A verdict, ready to be read aloud.
pub struct Verdict {
    /// The arm that is compared with the first one.
    pub other: ArmName,
    pub finding: Finding,
    pub sentence: String,
}

/// Compares the first arm with each of the others, in every cell that both have.
pub fn comparisons(results: &Results) -> Vec<Comparison> {
    let names = &results.settings.arms;
    let Some((base, others)) = names.split_first() else {
        return vec![];
    };
    let runs = &results.runs;
    let has_runs = |name: &ArmName, cell: &Cell| {
        runs.iter()
            .any(|run| run.arm == *name && run.cell() == *cell)
    };
    let mut found = vec![];
    for cell in cells(results) {
        for other in others {
            if has_runs(other, &cell) && has_runs(base, &cell_of(runs, base, &cell)) {
                found.extend(compare(runs, base, other, &cell, results.settings.seed));
            }
        }
    }
    found
}

/// Chooses the verdicts that the report begins with:
/// - closed-model cells only if there are no open-model cells, because waiting users hide queueing;
/// - with SQS as slow as Amazon's only the time to settled, which that delay changes;
/// - a void cell, or one with too few runs, once for all its measures; too few runs only where no
///   cell has enough.
pub fn headline(results: &Results) -> Vec<Verdict> {
    let comparisons = comparisons(results);
    let none_has_enough = comparisons.iter().all(|one| one.ratio.is_none());
    let only_closed = comparisons.iter().all(|one| one.cell.load.is_closed());
    let mut reported: Vec<(Cell, ArmName)> = vec![];
    let mut verdicts = vec![];
    for one in comparisons {
        let for_all_measures = one.is_void() || one.ratio.is_none();
        let repeated = reported.contains(&(one.cell, one.other.clone()));
        if for_all_measures && !repeated {
            reported.push((one.cell, one.other.clone()));
        }
        let open = only_closed || !one.cell.load.is_closed();
        let relevant = !one.cell.remote_sqs || one.measure.is_settled();
        let worth = match for_all_measures {
            true => !repeated && (one.is_void() || open && none_has_enough),
            false => relevant && open,
        };
        if worth {
            verdicts.push(Verdict {
                sentence: sentence(&one),
                other: one.other,
                finding: one.finding,
            });
        }
    }
    verdicts
}
