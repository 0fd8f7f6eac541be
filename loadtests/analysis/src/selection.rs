//! Selects the runs and cells of a comparison that are judged or shown together.

use std::collections::BTreeSet;

use crate::model::{ArmName, Cell, Results, Run};

/// Every cell that was run, the open model first. The search for a capacity is not a cell.
pub fn cells(results: &Results) -> Vec<Cell> {
    let all: BTreeSet<Cell> = results.runs.iter().map(Run::cell).collect();
    let cells = all.into_iter().filter(|cell| !cell.load.is_probe());
    let mut cells: Vec<Cell> = cells.collect();
    cells.sort_by_key(|cell| cell.load.is_closed());
    cells
}

/// The cell that holds an arm's runs for `cell`. An arm without SQS ran once for both, slow SQS and
/// fast.
pub fn cell_of(runs: &[Run], arm: &ArmName, cell: &Cell) -> Cell {
    let there = runs
        .iter()
        .any(|run| run.arm == *arm && run.cell() == *cell);
    Cell {
        remote_sqs: cell.remote_sqs && there,
        ..*cell
    }
}

/// The cell with the most planned pairs among those that have anything to show.
pub fn main_cell(results: &Results) -> Option<Cell> {
    let planned = |cell: &Cell| {
        let of_cell = || results.runs.iter().filter(|run| run.cell() == *cell);
        let pairs: BTreeSet<usize> = of_cell().map(|run| run.pair).collect();
        let shown = of_cell().any(|run| run.refusal().is_none());
        (shown, !cell.load.is_closed(), pairs.len())
    };
    // Of equals the last wins: the plain cell before the one with slow SQS.
    cells(results).into_iter().rev().max_by_key(planned)
}

/// The valid runs of one arm in one cell.
pub fn valid<'a>(results: &'a Results, arm: &ArmName, cell: &Cell) -> Vec<&'a Run> {
    let runs = results
        .runs
        .iter()
        .filter(|run| run.arm == *arm && run.cell() == *cell);
    runs.filter(|run| run.refusal().is_none()).collect()
}

/// Valid runs per arm in a cell. An arm without SQS uses its runs from the cell with fast SQS.
pub fn by_arm<'a>(results: &'a Results, cell: &Cell) -> Vec<(&'a ArmName, Vec<&'a Run>)> {
    let arms = results.settings.arms.iter().map(|arm| {
        let own = cell_of(&results.runs, arm, cell);
        (arm, valid(results, arm, &own))
    });
    arms.filter(|(_, runs)| !runs.is_empty()).collect()
}

/// Valid runs by cell and arm.
pub fn grouped(results: &Results) -> Vec<(Cell, &ArmName, Vec<&Run>)> {
    let mut groups = vec![];
    for cell in cells(results) {
        for arm in results.arm_names() {
            let runs = valid(results, arm, &cell);
            if !runs.is_empty() {
                groups.push((cell, arm, runs));
            }
        }
    }
    groups
}
