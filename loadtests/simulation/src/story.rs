//! The story of a run: what happened, one line per event.

use std::fmt::Display;

/// Lines of text, or nothing while many schedules are run.
#[derive(Debug, Default)]
pub(crate) struct Story(Option<Vec<String>>);

impl Story {
    pub(crate) fn recorded(is_recorded: bool) -> Story {
        Story(is_recorded.then(Vec::new))
    }

    pub(crate) fn add<T: Display>(&mut self, line: impl FnOnce() -> T) {
        if let Some(lines) = &mut self.0 {
            lines.push(line().to_string());
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}
