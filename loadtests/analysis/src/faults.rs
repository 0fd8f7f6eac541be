//! What an arm does while a part fails: figures over the runs of a case, and a sentence for each.

use crate::model::{Arm, FaultCase, FaultRun, Results};
use crate::sentences::capitalised;
use crate::statistics::Interval;
use crate::statistics::sample::{mean, squares};

/// The fewest runs that give an interval.
const LEAST_RUNS: usize = 3;

/// The runs of one case together.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultSummary<'a> {
    pub case: &'a FaultCase,
    pub runs: Vec<&'a FaultRun>,
    /// The share of the orders during the fault that were accepted, from 0 to 1.
    pub accepted: Figure,
    /// From the fault's end until the last order was due that was not accepted, in seconds.
    pub goodput_back_s: Figure,
    /// From the fault's end until all orders before it were settled, in seconds. `None` when an
    /// order never settled.
    pub backlog_gone_s: Option<Figure>,
    /// Why the case has no number: a promise was broken, or work was left.
    pub refusal: Option<String>,
}

/// A mean over runs, with its 95% interval from three runs on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    pub mean: f64,
    pub interval: Option<(f64, f64)>,
}

impl Figure {
    /// The mean of some values of at least `low` and at most `high`.
    fn of(values: &[f64], low: f64, high: f64) -> Figure {
        let (count, mean) = (values.len() as f64, mean(values));
        let interval = (values.len() >= LEAST_RUNS).then(|| {
            let freedom = count - 1.0;
            let error = (squares(values) / freedom / count).sqrt();
            let around = Interval::around(mean, error, freedom, 1);
            (around.low.max(low), around.high.min(high))
        });
        Figure { mean, interval }
    }
}

/// The cases of a comparison, in the order in which they were made.
pub fn summaries<'a>(results: &'a Results) -> Vec<FaultSummary<'a>> {
    let mut cases: Vec<&FaultCase> = vec![];
    for run in &results.faults {
        if !cases.contains(&&run.case) {
            cases.push(&run.case);
        }
    }
    let of_case = |case: &'a FaultCase| {
        let runs = results.faults.iter().filter(|run| run.case == *case);
        summary(case, runs.collect())
    };
    cases.into_iter().map(of_case).collect()
}

fn summary<'a>(case: &'a FaultCase, runs: Vec<&'a FaultRun>) -> FaultSummary<'a> {
    let values =
        |of: fn(&FaultRun) -> f64| -> Vec<f64> { runs.iter().map(|run| of(run)).collect() };
    let gone: Option<Vec<f64>> = runs.iter().map(|run| run.backlog_gone_s).collect();
    FaultSummary {
        case,
        accepted: Figure::of(&values(FaultRun::accepted_share), 0.0, 1.0),
        goodput_back_s: Figure::of(&values(|run| run.goodput_back_s), 0.0, f64::INFINITY),
        backlog_gone_s: gone.map(|gone| Figure::of(&gone, 0.0, f64::INFINITY)),
        refusal: runs.iter().find_map(|run| run.run.refusal()),
        runs,
    }
}

impl FaultSummary<'_> {
    /// The case as a sentence that can be read aloud.
    pub fn sentence(&self) -> String {
        let begin = capitalised(&self.case.phrase());
        let shop = shop(self.case);
        if let Some(reason) = &self.refusal {
            return format!("{begin}, {shop} broke a promise or left work: {reason}.");
        }
        let accepted = share(self.accepted);
        let back = match self.goodput_back_s.mean {
            0.0 => "It accepted every order from the moment that all parts were back".to_owned(),
            _ => {
                let back = seconds(self.goodput_back_s);
                format!("It refused the last order {back} after all parts were back")
            }
        };
        let back = match self.case.arm {
            Arm::Services => back.replacen("It", "They", 1),
            _ => back,
        };
        let gone = match self.backlog_gone_s {
            Some(gone) => format!(
                "all that was accepted before had settled {} after it",
                seconds(gone)
            ),
            None => "some of what was accepted before never settled".to_owned(),
        };
        format!("{begin}, {shop} accepted {accepted} of the orders. {back}; {gone}.")
    }
}

/// `the monolith with 2 replicas`
fn shop(case: &FaultCase) -> String {
    match case.replicas {
        1 => format!("the {}", case.arm.title()),
        replicas => format!("the {} with {replicas} replicas", case.arm.title()),
    }
}

/// `98% (95% interval 96% to 100%)`
pub fn share(figure: Figure) -> String {
    let percent = |share: f64| format!("{:.0}%", share * 100.0);
    match figure.interval {
        Some((low, high)) => format!(
            "{} (95% interval {} to {})",
            percent(figure.mean),
            percent(low),
            percent(high)
        ),
        None => percent(figure.mean),
    }
}

/// `4.1 s (3.0 to 5.2)`
pub fn seconds(figure: Figure) -> String {
    match figure.interval {
        Some((low, high)) => format!("{:.1} s ({low:.1} to {high:.1})", figure.mean),
        None => format!("{:.1} s", figure.mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, Quantiles, Run};

    fn run(accepted: u64, gone: Option<f64>) -> FaultRun {
        FaultRun {
            case: FaultCase {
                fault: Fault::Kill,
                arm: Arm::Services,
                replicas: 1,
                part: "payment-service".to_owned(),
            },
            begin_s: 4.0,
            end_s: 9.0,
            due: 100,
            accepted,
            goodput_back_s: 0.0,
            backlog_gone_s: gone,
            acknowledged_ms: Quantiles::default(),
            settled_ms: Quantiles::default(),
            dead_letters: 0,
            capacity_per_s: None,
            order_expiry_s: 300.0,
            overdue_s: Some(10.0),
            latency_back_s: None,
            receives_per_message: None,
            usage: vec![],
            queues: vec![],
            run: Run::default(),
        }
    }

    #[test]
    fn a_case_has_an_interval_from_three_runs_on() {
        let runs = [run(90, Some(2.0)), run(92, Some(3.0)), run(94, Some(4.0))];
        let of = |runs: &[FaultRun]| {
            let all: Vec<&FaultRun> = runs.iter().collect();
            let summary = summary(&runs[0].case, all);
            (summary.accepted, summary.backlog_gone_s)
        };
        let (accepted, gone) = of(&runs);
        assert!((accepted.mean - 0.92).abs() < 1e-9);
        let (low, high) = accepted.interval.unwrap();
        assert!((low - 0.870_317).abs() < 1e-5 && (high - 0.969_683).abs() < 1e-5);
        assert!((gone.unwrap().mean - 3.0).abs() < 1e-9);
        assert_eq!(of(&runs[..2]).0.interval, None);
        let unsettled = [run(90, Some(2.0)), run(90, None)];
        assert_eq!(of(&unsettled).1, None);
    }
}
