//! The outbox: messages that are written in the business transaction and sent after its commit.

mod direct;
mod insert;
mod order;
mod row;
mod sendable;
mod tx;

use database::Connection;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;

pub(crate) use self::direct::{Committed, Direct, Receivers, Source, channels};
pub(crate) use self::insert::LEASE;
pub(crate) use self::row::{Row, rows};
pub use self::tx::{Savepoint, Tx};
use crate::trace::{self, TraceParent};
use crate::{Drill, Error};

/// The outbox of a database, which begins transactions that push messages.
///
/// Clones share it.
#[derive(Clone)]
pub struct Outbox {
    db: PgPool,
    /// The channel to this process's relay, if it has one.
    direct: Option<Direct>,
    trace: Option<TraceParent>,
    pub(crate) drill: Drill,
}

impl Outbox {
    /// Creates an outbox for a process without a relay. Another process's relay finds the messages
    /// in the table within 1 s. [`Runtime::outbox`](crate::Runtime::outbox) is the one whose
    /// messages this process sends at once.
    pub fn new(db: &PgPool) -> Outbox {
        Outbox {
            db: db.clone(),
            direct: None,
            trace: None,
            drill: Drill::Off,
        }
    }

    pub(crate) fn with_relay(db: &PgPool, direct: Direct) -> Outbox {
        Outbox {
            direct: Some(direct),
            ..Outbox::new(db)
        }
    }

    /// The same outbox for one request: messages of its transactions continue the request's trace.
    pub fn traced(&self, request: TraceParent) -> Outbox {
        Outbox {
            trace: Some(request),
            ..self.clone()
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub fn begin(&self) -> BoxFuture<'_, Result<Tx, Error>> {
        let beginning = async {
            let trace = self.trace.or_else(trace::current);
            let transaction = database::begin(&self.db).await?;
            Ok(Tx::new(transaction, self, Source::Request, trace))
        };
        beginning.boxed()
    }

    pub(crate) fn database(&self) -> &PgPool {
        &self.db
    }

    /// The transaction of a batch of messages, which the runtime commits.
    pub(crate) async fn begin_on(&self, connection: Connection) -> Result<Tx, Error> {
        let transaction = connection.begin().await?;
        Ok(Tx::new(transaction, self, Source::Handler, None))
    }
}
