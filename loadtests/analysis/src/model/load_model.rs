//! How operations arrive at the shop.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Orders per second.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rate(f64);

/// The arrival of orders, with the rate or the number of users.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "OnFile", from = "OnFile")]
pub enum LoadModel {
    /// The open model: orders arrive at this rate, whether or not earlier ones were answered.
    Open(Rate),
    /// The same, as one probe in the search for an arm's capacity. It is in no verdict.
    Probe(Rate),
    /// The closed model: so many users, who each order again as soon as their order is settled.
    Closed { users: usize },
}

impl Rate {
    pub fn per_s(orders: f64) -> Rate {
        Rate(orders)
    }

    /// As a number of orders per second.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Orders per 1,000 seconds. Rates are compared by this, so that they can be keys.
    fn millis(self) -> u64 {
        (self.0 * 1_000.0) as u64
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Rate) -> bool {
        self.millis() == other.millis()
    }
}

impl Eq for Rate {}

impl Ord for Rate {
    fn cmp(&self, other: &Rate) -> Ordering {
        self.millis().cmp(&other.millis())
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Rate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.millis() as f64 / 1_000.0)
    }
}

impl LoadModel {
    pub fn open(orders_per_s: f64) -> LoadModel {
        LoadModel::Open(Rate(orders_per_s))
    }

    /// Orders offered per second. `None` in the closed model, where the shop sets the rate.
    pub fn rate(self) -> Option<f64> {
        match self {
            LoadModel::Open(rate) | LoadModel::Probe(rate) => Some(rate.0),
            LoadModel::Closed { .. } => None,
        }
    }

    pub fn is_open(self) -> bool {
        matches!(self, LoadModel::Open(_))
    }

    pub fn is_closed(self) -> bool {
        matches!(self, LoadModel::Closed { .. })
    }

    pub fn is_probe(self) -> bool {
        matches!(self, LoadModel::Probe(_))
    }
}

impl Default for LoadModel {
    fn default() -> LoadModel {
        LoadModel::Open(Rate::default())
    }
}

/// `50/s`, or `64 users`.
impl fmt::Display for LoadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadModel::Open(rate) | LoadModel::Probe(rate) => write!(f, "{rate}/s"),
            LoadModel::Closed { users } => write!(f, "{users} users"),
        }
    }
}

/// The shape in `results.json`: in the closed model `rate_per_s` holds the number of users.
#[derive(Serialize, Deserialize)]
struct OnFile {
    model: Kind,
    rate_per_s: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Open,
    Closed,
    Capacity,
}

impl From<LoadModel> for OnFile {
    fn from(load: LoadModel) -> OnFile {
        let (model, rate_per_s) = match load {
            LoadModel::Open(rate) => (Kind::Open, rate.0),
            LoadModel::Probe(rate) => (Kind::Capacity, rate.0),
            LoadModel::Closed { users } => (Kind::Closed, users as f64),
        };
        OnFile { model, rate_per_s }
    }
}

impl From<OnFile> for LoadModel {
    fn from(OnFile { model, rate_per_s }: OnFile) -> LoadModel {
        match model {
            Kind::Open => LoadModel::Open(Rate(rate_per_s)),
            Kind::Capacity => LoadModel::Probe(Rate(rate_per_s)),
            Kind::Closed => LoadModel::Closed {
                users: rate_per_s as usize,
            },
        }
    }
}
