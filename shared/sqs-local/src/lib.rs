//! SQS on this machine.

mod api;
mod attributes;
mod cloud;
mod control;
mod control_http;
mod directory;
mod error;
mod host;
mod http;
mod misbehaviour;
mod move_task;
pub mod queue;
mod redrive;
mod server;
mod service;
mod settings;
mod time;

pub use attributes::{Attribute, Attributes};
pub use cloud::{ACTIONS, Options};
pub use control::{Control, Peeked, QueueStatus};
pub use error::Error;
pub use misbehaviour::{Latency, Misbehaviour};
pub use redrive::{RedriveAllowPolicy, RedrivePolicy};
pub use server::SqsLocal;
pub use settings::{Pairs, Scope, Settings};
pub use time::Time;
