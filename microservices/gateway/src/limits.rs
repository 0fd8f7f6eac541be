//! Limits of the requests that wait for the services at a time, per kind.

use axum::http::Method;
use chassis::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::body::Arrival;

/// The limit for slow bodies is the limit of a kind divided by this.
const SLOW_SHARE: usize = 8;

/// The kind of a request. Each kind has its own limit, so that a flood of one does not affect the
/// others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Registration and login, where passwords are hashed.
    Account,
    /// A safe method, such as `GET`.
    Read,
    /// Any other method.
    Write,
}

pub(crate) struct Limits {
    account: Semaphore,
    read: Semaphore,
    write: Semaphore,
    slow: Semaphore,
}

impl Kind {
    /// The kind of a request for orders or products.
    pub(crate) fn of(method: &Method) -> Kind {
        match method.is_safe() {
            true => Kind::Read,
            false => Kind::Write,
        }
    }
}

impl Limits {
    /// This many requests per kind.
    pub(crate) fn new(limit: usize) -> Limits {
        Limits {
            account: Semaphore::new(limit),
            read: Semaphore::new(limit),
            write: Semaphore::new(limit),
            slow: Semaphore::new(limit.div_ceil(SLOW_SHARE)),
        }
    }

    /// Admits a request whose body has arrived or is arriving, until the permit is dropped.
    ///
    /// # Errors
    /// 503 when the limit is reached.
    pub(crate) fn enter(&self, kind: Kind, body: &Arrival) -> Result<SemaphorePermit<'_>, Problem> {
        let permits = match (body, kind) {
            (Arrival::Slow(_), _) => &self.slow,
            (Arrival::Whole(_), Kind::Account) => &self.account,
            (Arrival::Whole(_), Kind::Read) => &self.read,
            (Arrival::Whole(_), Kind::Write) => &self.write,
        };
        let full = || Problem::unavailable("too many requests are waiting: try again");
        permits.try_acquire().map_err(|_| full())
    }
}
