//! The SQS runtime: outbox, relay, consumer, inbox and dead letters.

mod backoff;
mod consumer;
pub mod dead_letters;
mod error;
mod fault;
mod handler;
mod health;
pub mod inbox;
mod message;
pub mod outbox;
mod process;
mod relay;
mod service;
mod settings;
mod telemetry;
mod topology;
pub mod trace;
mod transport;

use sqlx::migrate::Migrator;

pub use backoff::Backoff;
pub use consumer::{Consumer, Drained, Limits};
pub use error::Error;
pub use fault::Fault;
pub use handler::{Handler, PlainHandler, TwoPhaseHandler};
pub use health::Health;
pub use message::{Destination, Message};
pub use relay::Relay;
pub use service::Service;
pub use settings::{Provision, Settings};
pub use topology::{QueueKind, QueueSpec};
pub use transport::{Call, Local, Mishap, Sqs, Transport};

/// What creates the tables `outbox` and `inbox`. It ignores a service's own migrations, and a
/// service's migrator should ignore these ([`Migrator::set_ignore_missing`]); their versions begin
/// at 9001.
pub fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!();
    migrations.set_ignore_missing(true);
    migrations
}

/// Creates the tables `outbox` and `inbox`, or brings them up to date.
///
/// # Errors
/// When the database cannot be reached or has other migrations of the same versions.
pub async fn migrate(db: &sqlx::PgPool) -> Result<(), Error> {
    Ok(migrations().run(db).await?)
}
