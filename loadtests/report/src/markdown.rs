//! The report as Markdown, for a pull request or a terminal.

use std::fmt::Write as _;

use analysis::caveats::caveats;
use analysis::faults::summaries;
use analysis::headline::headline;
use analysis::model::{ArmName, Quantiles, Results, Run};
use analysis::selection::grouped;
use analysis::soak;
use analysis::statistics::median;

use crate::format::number;
use crate::prices::Prices;
use crate::published;

pub(crate) fn markdown(results: &Results) -> anyhow::Result<String> {
    let names: Vec<String> = results.settings.arms.iter().map(ArmName::phrase).collect();
    let mut text = format!("# One shop, built twice: {}\n\n", names.join(" against "));
    writeln!(
        text,
        "{}, {} method, `{}`\n",
        results.started_at, results.settings.method, results.command
    )?;
    if let Some(reason) = &results.partial {
        writeln!(text, "**This report is partial: {reason}.**\n")?;
    }
    for verdict in headline(results) {
        writeln!(text, "- {}", verdict.sentence)?;
    }
    for caveat in caveats(results) {
        writeln!(text, "\n{caveat}")?;
    }
    for one in summaries(results) {
        writeln!(text, "- {}: {}", one.case.title(), one.sentence())?;
    }
    for one in &results.soaks {
        writeln!(text, "- {}", soak::sentence(one))?;
    }
    text += &figures(results)?;
    text += &capacities(results)?;
    text += &comparable_work()?;
    text += &audit(results)?;
    text += &machine(results)?;
    Ok(text)
}

fn capacities(results: &Results) -> anyhow::Result<String> {
    let mut text = String::new();
    for one in &results.capacities {
        let (arm, held) = (one.arm.phrase(), number(one.held_per_s));
        let lost = one.lost_per_s.map_or("none".to_owned(), number);
        writeln!(
            text,
            "\nCapacity of {arm}: held {held} orders/s, did not hold {lost}."
        )?;
    }
    Ok(text)
}

/// The machine, the versions and the settings.
fn machine(results: &Results) -> anyhow::Result<String> {
    let (machine, settings) = (&results.machine, &results.settings);
    let (system, processor) = (&machine.system, &machine.processor);
    let mut text = format!("\n{system}, {processor}, {} cores", machine.cores);
    if let Some(fsync) = &machine.fsync {
        let (p50, p99) = (number(fsync.p50_ms), number(fsync.p99_ms));
        write!(
            text,
            "; a durable write of 8 KiB takes {p50} ms, p99 {p99} ms"
        )?;
    }
    for (name, version) in &results.versions {
        write!(text, "; {name} {version}")?;
    }
    let (storage, postgres, seed) = (&settings.storage, &settings.postgres, settings.seed);
    writeln!(
        text,
        "; databases on {storage}, Postgres {postgres}; seed {seed}"
    )?;
    Ok(text)
}

/// Medians over the runs of each arm in each cell.
fn figures(results: &Results) -> anyhow::Result<String> {
    let prices = Prices::from_data()?;
    let mut text = String::from(
        "\n| load | arm | runs | CPU ms/order | answered p50 / p99 ms | settled p50 / p99 ms \
         | goodput/s | SQS calls/order | $ per million |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (cell, arm, runs) in grouped(results) {
        let of = |value: &dyn Fn(&Run) -> f64| number(median(runs.iter().map(|run| value(run))));
        let pair = |quantiles: fn(&Run) -> &Quantiles| {
            let (p50, p99) = (of(&|run| quantiles(run).p50), of(&|run| quantiles(run).p99));
            format!("{p50} / {p99}")
        };
        let bill = |run: &Run| {
            let bill = prices.bill(run);
            bill.cpu_usd + bill.sqs_usd
        };
        writeln!(
            text,
            "| {cell} | {arm} | {} | {} | {} | {} | {} | {} | {} |",
            runs.len(),
            of(&Run::cpu_ms_per_order),
            pair(|run| &run.acknowledged_ms),
            pair(|run| &run.settled_ms),
            of(&Run::goodput_per_s),
            of(&Run::sqs_calls_per_order),
            of(&bill),
        )?;
    }
    Ok(text)
}

fn comparable_work() -> anyhow::Result<String> {
    let mut text = String::from("\nPublished on comparable work:\n\n");
    for one in published::published()? {
        writeln!(text, "- {} ({}; {})", one.finding, one.work, one.source)?;
    }
    Ok(text)
}

fn audit(results: &Results) -> anyhow::Result<String> {
    let mut text = String::new();
    let refused = results
        .runs
        .iter()
        .filter_map(|run| Some((run, run.refusal()?)));
    for (run, reason) in refused {
        writeln!(text, "\nVoid: {} {}, because {reason}", run.arm, run.cell())?;
    }
    if results.all_promises_kept() {
        writeln!(
            text,
            "\nAudit: all promises kept in all {} runs.",
            results.runs.len()
        )?;
    }
    Ok(text)
}
