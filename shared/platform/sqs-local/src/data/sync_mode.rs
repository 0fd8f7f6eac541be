//! `--sync`.

use clap::ValueEnum;

/// When what is stored is written through to the disk itself. Both survive the end of the process,
/// also by `kill -9`: the operating system has the data by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SyncMode {
    /// Before each answer. Nothing is lost when the machine stops.
    #[default]
    Always,
    /// Once per second. The last second may be lost when the machine stops, but never more, and
    /// never something in the middle.
    Interval,
}
