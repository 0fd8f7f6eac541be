//! The charts: SVG that takes its colours from the page, so that it is dark where the page is dark.

pub(crate) mod canvas;
mod capacity;
mod cpu;
mod fault;
mod forest;
mod latency;
mod over_time;

pub(crate) use canvas::variable_of;
pub(crate) use capacity::{capacity, cost};
pub(crate) use cpu::{Bar, cpu};
pub(crate) use fault::{fault, usage};
pub(crate) use forest::forest;
pub(crate) use latency::latency;
pub(crate) use over_time::over_time;
