//! How many requests wait for the services at a time, by kind.

use axum::http::Method;
use chassis::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::body::Arrival;

/// Of all places of a kind, this share is there for bodies that arrive slowly.
const SLOW_SHARE: usize = 8;

/// What a request asks for. Each kind has places of its own, so that a flood of one refuses none
/// of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Registering and signing in, where passwords are hashed.
    Account,
    Read,
    Write,
}

pub(crate) struct Limits {
    account: Semaphore,
    read: Semaphore,
    write: Semaphore,
    slow: Semaphore,
}

impl Kind {
    /// What is asked of orders and products.
    pub(crate) fn of(method: &Method) -> Kind {
        match method.is_safe() {
            true => Kind::Read,
            false => Kind::Write,
        }
    }
}

impl Limits {
    /// So many places for each kind.
    pub(crate) fn new(places: usize) -> Limits {
        Limits {
            account: Semaphore::new(places),
            read: Semaphore::new(places),
            write: Semaphore::new(places),
            slow: Semaphore::new(places.div_ceil(SLOW_SHARE)),
        }
    }

    /// A place for a request whose body has arrived, or is arriving.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn enter(&self, kind: Kind, body: &Arrival) -> Result<SemaphorePermit<'_>, Problem> {
        let places = match (body, kind) {
            (Arrival::Slow(_), _) => &self.slow,
            (Arrival::Whole(_), Kind::Account) => &self.account,
            (Arrival::Whole(_), Kind::Read) => &self.read,
            (Arrival::Whole(_), Kind::Write) => &self.write,
        };
        let full = || Problem::unavailable("too many requests are waiting: try again");
        places.try_acquire().map_err(|_| full())
    }
}
