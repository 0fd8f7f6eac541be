//! What is sent: the same operations for the same seed, whichever arm they go to.

use std::time::Duration;

use contracts::http::{NewLine, PlaceOrder};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::schedule::Shape;

/// The workloads, as the report names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scenario {
    /// S1: every operation is an order of one to three products.
    Checkout,
    /// S2: of 100 operations 60 look at a product, 30 order, 5 ask for an order, 3 for its history
    /// and 2 list the customer's orders; the shares of the Online Marketplace benchmark (Laigner
    /// and Zhou, "Benchmarking Data Management Systems for Microservices", ICDE 2024).
    Mix,
    /// S3: nine of ten orders want the same product.
    HotProduct,
    /// S4: the payment provider takes 500 ms.
    SlowProvider,
    /// S5: three times the rate for a part of the run.
    Burst,
    /// S6: one of ten cards is declined and one of ten orders wants what is sold out.
    Refusals,
    /// S7: every third order is cancelled at once.
    Cancellations,
    /// S8: from half the rate to half as much again.
    Ramp,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Operation {
    /// An order, and whether the customer cancels it as soon as it is acknowledged.
    Order {
        customer: usize,
        order: PlaceOrder,
        cancel: bool,
    },
    Product {
        sku: String,
    },
    Status {
        customer: usize,
    },
    History {
        customer: usize,
    },
    Orders {
        customer: usize,
    },
}

/// How many customers and products there are to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct World {
    pub customers: usize,
    pub products: usize,
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

    pub fn shape(self, duration: Duration) -> Shape {
        match self {
            Scenario::Burst => Shape::Burst {
                times: 3.0,
                begin: duration / 4,
                length: (duration / 3).min(Duration::from_secs(10)),
            },
            Scenario::Ramp => Shape::Ramp {
                first: 0.5,
                last: 1.5,
                length: duration,
            },
            _ => Shape::Constant,
        }
    }

    /// Whether the rate stays what it is over the time of a run.
    pub fn is_constant(self) -> bool {
        !matches!(self, Scenario::Burst | Scenario::Ramp)
    }

    /// How long the payment provider takes to answer, in milliseconds.
    pub fn provider_latency_ms(self) -> u64 {
        if self == Scenario::SlowProvider {
            500
        } else {
            0
        }
    }

    /// Of all operations, how many are orders: rates are given in orders per second.
    pub fn order_share(self) -> f64 {
        if self == Scenario::Mix { 0.30 } else { 1.0 }
    }

    /// The operation with this number: a pure function of its arguments.
    pub fn operation(self, seed: u64, number: usize, world: World) -> Operation {
        let mixed = seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = SmallRng::seed_from_u64(mixed);
        let customer = random.random_range(0..world.customers);
        if self == Scenario::Mix {
            match random.random_range(0..100) {
                0..60 => {
                    return Operation::Product {
                        sku: sku(&mut random, world),
                    };
                }
                60..65 => return Operation::Status { customer },
                65..68 => return Operation::History { customer },
                68..70 => return Operation::Orders { customer },
                _ => {}
            }
        }
        self.order(&mut random, customer, world)
    }

    fn order(self, random: &mut SmallRng, customer: usize, world: World) -> Operation {
        let mut skus: Vec<String> = vec![];
        let hot = self == Scenario::HotProduct && random.random_bool(0.9);
        for n in 0..random.random_range(1..=3) {
            let sku = if hot && n == 0 {
                hot_sku()
            } else {
                sku(random, world)
            };
            if !skus.contains(&sku) {
                skus.push(sku);
            }
        }
        let chance = random.random_range(0..10);
        if self == Scenario::Refusals && chance == 0 {
            skus.push(store::seed::SOLD_OUT.to_owned());
        }
        let declined = self == Scenario::Refusals && chance == 1;
        let lines = skus.into_iter().map(|sku| NewLine {
            sku,
            quantity: random.random_range(1..=3),
        });
        Operation::Order {
            customer,
            order: PlaceOrder {
                lines: lines.collect(),
                payment_method: if declined { "tok_declined" } else { "tok_ok" }.to_owned(),
            },
            cancel: self == Scenario::Cancellations && chance < 3,
        }
    }
}

fn hot_sku() -> String {
    "product-00000".to_owned()
}

fn sku(random: &mut SmallRng, world: World) -> String {
    format!("product-{:05}", random.random_range(0..world.products))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: World = World {
        customers: 20,
        products: 1_000,
    };

    fn share(scenario: Scenario, is: impl Fn(&Operation) -> bool) -> f64 {
        let operations = (0..10_000).map(|n| scenario.operation(1, n, WORLD));
        operations.filter(|operation| is(operation)).count() as f64 / 10_000.0
    }

    fn wants(operation: &Operation, wanted: &str) -> bool {
        match operation {
            Operation::Order { order, .. } => order.lines.iter().any(|line| line.sku == wanted),
            _ => false,
        }
    }

    #[test]
    fn each_scenario_has_the_shares_it_claims() {
        let check = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.02, "{found} is not {expected}");
        };
        let is_order = |operation: &Operation| matches!(operation, Operation::Order { .. });
        let is_product = |operation: &Operation| matches!(operation, Operation::Product { .. });
        let cancels =
            |operation: &Operation| matches!(operation, Operation::Order { cancel: true, .. });
        let declined = |operation: &Operation| match operation {
            Operation::Order { order, .. } => order.payment_method == "tok_declined",
            _ => false,
        };

        check(share(Scenario::Checkout, is_order), 1.0);
        check(share(Scenario::Mix, is_order), 0.30);
        check(share(Scenario::Mix, is_product), 0.60);
        check(
            share(Scenario::HotProduct, |order| wants(order, "product-00000")),
            0.90,
        );
        check(share(Scenario::Refusals, declined), 0.10);
        check(
            share(Scenario::Refusals, |order| wants(order, "sold-out")),
            0.10,
        );
        check(share(Scenario::Cancellations, cancels), 0.30);
        check(share(Scenario::Checkout, cancels), 0.0);
    }

    #[test]
    fn every_order_is_valid_and_the_same_for_the_same_seed() {
        for scenario in Scenario::ALL {
            for number in 0..500 {
                let operation = scenario.operation(7, number, WORLD);
                assert_eq!(operation, scenario.operation(7, number, WORLD));
                if let Operation::Order { order, .. } = operation {
                    assert!(order.validate().is_ok());
                }
            }
        }
    }
}
