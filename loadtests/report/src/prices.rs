//! The price of a million orders, from the measured CPU and calls and a table of prices.

use analysis::model::Run;
use serde::Deserialize;

#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(crate) struct Prices {
    /// The month in which the prices were read, as in `2025-06`.
    pub(crate) as_of: String,
    pub(crate) source: String,
    pub(crate) vcpu_hour_usd: f64,
    pub(crate) sqs_million_requests_usd: f64,
}

/// US dollars per million orders.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bill {
    /// The price of CPU at full use. A service that is half idle costs twice as much.
    pub(crate) cpu_usd: f64,
    pub(crate) sqs_usd: f64,
}

impl Prices {
    /// # Errors
    /// When the data file has another shape.
    pub(crate) fn from_data() -> anyhow::Result<Prices> {
        Ok(serde_json::from_str(include_str!(
            "../../data/prices.json"
        ))?)
    }

    pub(crate) fn bill(&self, run: &Run) -> Bill {
        let hours = run.cpu_ms_per_order() * 1e6 / 3_600_000.0;
        Bill {
            cpu_usd: hours * self.vcpu_hour_usd,
            sqs_usd: run.sqs_calls_per_order() * self.sqs_million_requests_usd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_orders_are_billed_by_the_hour_and_by_the_request() {
        let run = Run {
            settled: 10,
            cpu_ms: [
                ("monolith".to_owned(), 36.0),
                ("outside:generator".to_owned(), 99.0),
            ]
            .into(),
            sqs_calls: [("SendMessageBatch".to_owned(), 25)].into(),
            ..Run::default()
        };
        let bill = Prices::from_data().unwrap().bill(&run);
        assert!((bill.cpu_usd - 0.04048).abs() < 1e-9, "{bill:?}");
        assert!((bill.sqs_usd - 2.5 * 0.40).abs() < 1e-9, "{bill:?}");
    }
}
