//! One side of the page: an arm with its operator, its orders and its load.

use std::sync::Arc;

use analysis::model::Arm;
use anyhow::Context as _;
use harness::audit::Sources;
use harness::deployment::wiring::component;
use uuid::Uuid;

use crate::error::Error;
use crate::operator::{Board, Operator};
use crate::orders::Book;

pub(crate) struct Side {
    pub(crate) arm: Arm,
    /// Its name in sentences.
    pub(crate) phrase: String,
    pub(crate) operator: Operator,
    pub(crate) board: Arc<Board>,
    pub(crate) book: Book,
    /// What the audit reads.
    pub(crate) sources: Sources,
    /// The customers of the page, and a bearer token for each.
    pub(crate) customers: Vec<Uuid>,
    pub(crate) tokens: Vec<String>,
    pub(crate) products: usize,
}

impl Side {
    pub(crate) fn code(&self) -> &'static str {
        self.arm.code()
    }

    /// The address of the entry.
    pub(crate) fn url(&self) -> String {
        self.board.base_urls().first().cloned().unwrap_or_default()
    }

    /// The address of a part that serves HTTP.
    pub(crate) fn url_of(&self, part: &str) -> anyhow::Result<String> {
        let part_state = self.board.parts().into_iter().find(|one| one.name == part);
        let url = part_state.and_then(|one| one.url);
        url.with_context(|| format!("{} has no {part}", self.phrase))
    }

    /// Each database by its name on the page, with its address.
    pub(crate) fn databases(&self) -> Vec<(&'static str, String)> {
        let all = self.sources.databases.iter();
        match self.sources.distinct().len() {
            1 => all.take(1).map(|(_, url)| ("shop", url.clone())).collect(),
            _ => all.map(|(name, url)| (*name, url.clone())).collect(),
        }
    }
}

/// The side of an arm with this code.
pub(crate) fn find<'a>(sides: &'a [Arc<Side>], code: &str) -> Result<&'a Arc<Side>, Error> {
    let mut sides = sides.iter();
    let side = sides.find(|side| side.code() == code);
    side.ok_or_else(|| Error::not_found(format!("there is no arm {code}")))
}

/// The database of a process. `None` for one without a database.
pub(crate) fn database_of(process: &str) -> Option<&'static str> {
    match component(process) {
        "monolith" => Some("shop"),
        "all-in-one" => Some("orders"),
        "auth-service" => Some("accounts"),
        "order-service" => Some("orders"),
        "payment-service" => Some("payments"),
        "inventory-service" => Some("inventory"),
        "shipping-service" => Some("shipping"),
        _ => None,
    }
}
