//! SQS on this machine.

mod api;
mod attributes;
mod control;
mod directory;
mod error;
mod host;
mod http;
mod move_task;
pub mod queue;
mod redrive;
mod server;
mod service;
mod settings;
mod time;

pub use attributes::{Attribute, Attributes};
pub use error::Error;
pub use redrive::{RedriveAllowPolicy, RedrivePolicy};
pub use server::{Options, SqsLocal};
pub use settings::{Pairs, Scope, Settings};
pub use time::Time;
