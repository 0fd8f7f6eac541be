//! The progress of a comparison: the current run, the result of the last one, the remaining time.

use std::io::IsTerminal;
use std::time::Duration;

use analysis::model::{FaultRun, Run};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(runs: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(runs as u64), ProgressDrawTarget::stderr());
        let template = "{bar:30} {pos}/{len} runs  {elapsed} passed, about {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        if std::io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Progress(bar)
    }

    pub(crate) fn begin(&self, title: &str) {
        self.0.set_message(title.to_owned());
        if !std::io::stderr().is_terminal() {
            eprintln!(
                "run {} of {}: {title}",
                self.0.position() + 1,
                self.0.length().unwrap_or(0)
            );
        }
    }

    /// Counts a run that an earlier comparison has made.
    pub(crate) fn skip(&self) {
        self.0.inc(1);
    }

    pub(crate) fn end(&self, run: &Run, repeat: bool) {
        let cell = run.cell();
        let line = match run.refusal() {
            Some(reason) => {
                let repeat = if repeat { "; repeated" } else { "" };
                format!("  {} {cell}: void, because {reason}{repeat}", run.arm)
            }
            None => format!(
                "  {} {cell}: {}settled p50 {:.0} ms, p99 {:.0} ms, {} orders, all promises \
                 kept",
                run.arm,
                cpu(run),
                run.settled_ms.p50,
                run.settled_ms.p99,
                run.settled,
            ),
        };
        self.0.inc(u64::from(!repeat));
        self.print(&line);
    }

    pub(crate) fn end_of_fault(&self, made: &FaultRun) {
        let title = made.case.title();
        let line = match made.run.refusal() {
            Some(reason) => format!("  {title}: void, because {reason}"),
            None => format!(
                "  {title}: {:.0}% of the orders accepted, all promises kept",
                made.accepted_share() * 100.0
            ),
        };
        self.0.inc(1);
        self.print(&line);
    }

    fn print(&self, line: &str) {
        match std::io::stderr().is_terminal() {
            true => self.0.println(line),
            false => eprintln!("{line}"),
        }
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Empty where the processes run elsewhere.
fn cpu(run: &Run) -> String {
    let cpu = run.cpu_ms_per_order();
    match cpu.is_nan() {
        true => String::new(),
        false => format!("{cpu:.2} ms of CPU per order, "),
    }
}
