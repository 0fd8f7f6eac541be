//! Which run is on, what came of the last one, and how long it will take.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::results::Run;
use crate::verdicts;

pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(runs: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(runs as u64), ProgressDrawTarget::stderr());
        let template = "{bar:30} {pos}/{len} runs  {elapsed} gone, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        if std::io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Progress(bar)
    }

    pub fn begin(&self, title: &str) {
        self.0.set_message(title.to_owned());
        if !std::io::stderr().is_terminal() {
            eprintln!(
                "run {} of {}: {title}",
                self.0.position() + 1,
                self.0.length().unwrap_or(0)
            );
        }
    }

    /// A run that was made before.
    pub fn skip(&self) {
        self.0.inc(1);
    }

    pub fn end(&self, run: &Run, again: bool) {
        let load = verdicts::short(&run.cell());
        let line = match run.refusal() {
            Some(reason) => {
                let again = if again { "; once more" } else { "" };
                format!("  {} {load}: void, because {reason}{again}", run.arm)
            }
            None => format!(
                "  {} {load}: {}settled p50 {:.0} ms, p99 {:.0} ms, {} orders, all promises \
                 kept",
                run.arm,
                cpu(run),
                run.settled_ms.p50,
                run.settled_ms.p99,
                run.settled,
            ),
        };
        self.0.inc(u64::from(!again));
        match std::io::stderr().is_terminal() {
            true => self.0.println(line),
            false => eprintln!("{line}"),
        }
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Nothing where the processes run elsewhere.
fn cpu(run: &Run) -> String {
    let cpu = run.cpu_ms_per_order();
    match cpu.is_nan() {
        true => String::new(),
        false => format!("{cpu:.2} ms CPU an order, "),
    }
}
