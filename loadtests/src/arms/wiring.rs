//! How the processes of an arm are told of each other, and of their databases.

use super::Arm;

/// All services in one process have a database each by these.
pub(super) const DATABASE_URLS: [(&str, &str); 5] = [
    ("accounts", "ACCOUNTS_DATABASE_URL"),
    ("orders", "ORDERS_DATABASE_URL"),
    ("payments", "PAYMENTS_DATABASE_URL"),
    ("inventory", "INVENTORY_DATABASE_URL"),
    ("shipping", "SHIPPING_DATABASE_URL"),
];

/// Services find each other by these.
pub(super) const URLS: [(&str, &str); 2] = [
    ("auth-service", "AUTH_SERVICE_URL"),
    ("order-service", "ORDER_SERVICE_URL"),
];

/// The gateway last: it is told where the others are.
pub(super) fn start_order(arm: Arm) -> Vec<&'static str> {
    let mut binaries = arm.binaries().to_vec();
    binaries.sort_by_key(|binary| *binary == "gateway");
    binaries
}

/// The name of the database that a package works on.
pub(super) fn context_of(package: &str) -> &str {
    match package {
        "auth-service" => "accounts",
        "order-service" => "orders",
        "payment-service" => "payments",
        "inventory-service" => "inventory",
        "shipping-service" => "shipping",
        "gateway" => "none",
        _ => "orders",
    }
}
