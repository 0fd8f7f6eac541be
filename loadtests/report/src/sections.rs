//! The sections of the page, in the order in which they stand there.

pub(crate) mod dial;
pub(crate) mod evidence;
pub(crate) mod faults;
pub(crate) mod figures;
pub(crate) mod method;
pub(crate) mod soak;
pub(crate) mod tables;
pub(crate) mod verdicts;
