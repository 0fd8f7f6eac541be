//! The operations of each scenario: the same for the same seed, for every arm.

use std::time::Duration;

use analysis::model::Scenario;
use contracts::http::{NewLine, PlaceOrder};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::schedule::Shape;

/// One action of a customer, which may take several requests.
#[derive(Clone, PartialEq, Debug)]
pub enum Operation {
    /// An order. With `cancel` the customer cancels it as soon as it is acknowledged.
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

/// The numbers of customers and products to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Population {
    pub customers: usize,
    pub products: usize,
}

/// How the rate changes in a run of this length.
pub fn shape(scenario: Scenario, duration: Duration) -> Shape {
    match scenario {
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

/// How long the payment provider takes to answer, in milliseconds.
pub fn provider_latency_ms(scenario: Scenario) -> u64 {
    if scenario == Scenario::SlowProvider {
        500
    } else {
        0
    }
}

/// The share of operations that are orders. Rates are given in orders per second.
pub fn order_share(scenario: Scenario) -> f64 {
    if scenario == Scenario::Mix { 0.30 } else { 1.0 }
}

/// The operation with this number: a pure function of its arguments.
pub fn operation(
    scenario: Scenario,
    seed: u64,
    number: usize,
    population: Population,
) -> Operation {
    let mixed = seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = SmallRng::seed_from_u64(mixed);
    let customer = random.random_range(0..population.customers);
    if scenario == Scenario::Mix {
        match random.random_range(0..100) {
            0..60 => {
                return Operation::Product {
                    sku: sku(&mut random, population),
                };
            }
            60..65 => return Operation::Status { customer },
            65..68 => return Operation::History { customer },
            68..70 => return Operation::Orders { customer },
            _ => {}
        }
    }
    order(scenario, &mut random, customer, population)
}

fn order(
    scenario: Scenario,
    random: &mut SmallRng,
    customer: usize,
    population: Population,
) -> Operation {
    let mut skus: Vec<String> = vec![];
    let hot = scenario == Scenario::HotProduct && random.random_bool(0.9);
    for n in 0..random.random_range(1..=3) {
        let sku = if hot && n == 0 {
            hot_sku()
        } else {
            sku(random, population)
        };
        if !skus.contains(&sku) {
            skus.push(sku);
        }
    }
    let chance = random.random_range(0..10);
    if scenario == Scenario::Refusals && chance == 0 {
        skus.push(store::seed::SOLD_OUT.to_owned());
    }
    let declined = scenario == Scenario::Refusals && chance == 1;
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
        cancel: scenario == Scenario::Cancellations && chance < 3,
    }
}

fn hot_sku() -> String {
    "product-00000".to_owned()
}

fn sku(random: &mut SmallRng, population: Population) -> String {
    format!("product-{:05}", random.random_range(0..population.products))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POPULATION: Population = Population {
        customers: 20,
        products: 1_000,
    };

    fn share(scenario: Scenario, is: impl Fn(&Operation) -> bool) -> f64 {
        let operations = (0..10_000).map(|n| operation(scenario, 1, n, POPULATION));
        operations.filter(|one| is(one)).count() as f64 / 10_000.0
    }

    fn contains(operation: &Operation, sku: &str) -> bool {
        match operation {
            Operation::Order { order, .. } => order.lines.iter().any(|line| line.sku == sku),
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
            share(Scenario::HotProduct, |order| {
                contains(order, "product-00000")
            }),
            0.90,
        );
        check(share(Scenario::Refusals, declined), 0.10);
        check(
            share(Scenario::Refusals, |order| contains(order, "sold-out")),
            0.10,
        );
        check(share(Scenario::Cancellations, cancels), 0.30);
        check(share(Scenario::Checkout, cancels), 0.0);
    }

    #[test]
    fn every_order_is_valid_and_the_same_for_the_same_seed() {
        for scenario in Scenario::ALL {
            for number in 0..500 {
                let one = operation(scenario, 7, number, POPULATION);
                assert_eq!(one, operation(scenario, 7, number, POPULATION));
                if let Operation::Order { order, .. } = one {
                    assert!(order.validate().is_ok());
                }
            }
        }
    }
}
