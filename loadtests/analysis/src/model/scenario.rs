//! The workloads, as the report names them.

use serde::{Deserialize, Serialize};

/// What is sent. The generator in `harness::load` says in detail how.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
pub enum Scenario {
    /// Every operation is an order of one to three products.
    #[default]
    #[serde(rename = "S1")]
    Checkout,
    /// Of 100 operations 60 look at a product, 30 order, 5 read an order, 3 its history and 2 list
    /// the customer's orders: the shares of the Online Marketplace benchmark (Laigner and Zhou,
    /// "Benchmarking Data Management Systems for Microservices", ICDE 2024).
    #[serde(rename = "S2")]
    Mix,
    /// Nine of ten orders want the same product.
    #[serde(rename = "S3")]
    HotProduct,
    /// The payment provider takes 500 ms.
    #[serde(rename = "S4")]
    SlowProvider,
    /// Three times the rate for a part of the run.
    #[serde(rename = "S5")]
    Burst,
    /// One of ten cards is declined and one of ten orders wants what is sold out.
    #[serde(rename = "S6")]
    Refusals,
    /// Every third order is cancelled at once.
    #[serde(rename = "S7")]
    Cancellations,
    /// The rate grows evenly, from half of it to one and a half times.
    #[serde(rename = "S8")]
    Ramp,
}

impl Scenario {
    pub const ALL: [Scenario; 8] = [
        Scenario::Checkout,
        Scenario::Mix,
        Scenario::HotProduct,
        Scenario::SlowProvider,
        Scenario::Burst,
        Scenario::Refusals,
        Scenario::Cancellations,
        Scenario::Ramp,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Scenario::Checkout => "S1",
            Scenario::Mix => "S2",
            Scenario::HotProduct => "S3",
            Scenario::SlowProvider => "S4",
            Scenario::Burst => "S5",
            Scenario::Refusals => "S6",
            Scenario::Cancellations => "S7",
            Scenario::Ramp => "S8",
        }
    }

    pub fn from_code(code: &str) -> Option<Scenario> {
        Scenario::ALL
            .into_iter()
            .find(|scenario| scenario.code() == code)
    }

    /// The scenario in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Scenario::Checkout => "checkout",
            Scenario::Mix => "mix of browsing and orders",
            Scenario::HotProduct => "hot product",
            Scenario::SlowProvider => "slow payment provider",
            Scenario::Burst => "burst",
            Scenario::Refusals => "refusals",
            Scenario::Cancellations => "cancellations",
            Scenario::Ramp => "ramp",
        }
    }

    /// Whether the rate stays the same during a run.
    pub fn is_constant(self) -> bool {
        !matches!(self, Scenario::Burst | Scenario::Ramp)
    }
}
