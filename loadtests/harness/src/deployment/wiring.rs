//! The wiring of an arm: which addresses and which database each process receives.

use analysis::model::Arm;
use store::Context;

use super::binaries;

/// The contexts of the shop, by the names of their databases.
pub const CONTEXTS: [(&str, Context); 5] = [
    ("accounts", Context::Accounts),
    ("orders", Context::Orders),
    ("payments", Context::Payments),
    ("inventory", Context::Inventory),
    ("shipping", Context::Shipping),
];

/// The variables by which `all-in-one` finds the database of each context.
pub(super) const DATABASE_URLS: [(&str, &str); 5] = [
    ("accounts", "ACCOUNTS_DATABASE_URL"),
    ("orders", "ORDERS_DATABASE_URL"),
    ("payments", "PAYMENTS_DATABASE_URL"),
    ("inventory", "INVENTORY_DATABASE_URL"),
    ("shipping", "SHIPPING_DATABASE_URL"),
];

/// The variables by which services find each other.
pub(super) const URLS: [(&str, &str); 2] = [
    ("auth-service", "AUTH_SERVICE_URL"),
    ("order-service", "ORDER_SERVICE_URL"),
];

/// The distance of the queue server's port from that of the entry.
pub(super) const QUEUES_PORT: u16 = 8;
/// The same of the payment provider.
pub(super) const PROVIDER_PORT: u16 = 9;

/// The distance of a package's port from that of the entry.
pub(super) fn port_of(package: &str) -> u16 {
    match package {
        "auth-service" => 1,
        "order-service" => 2,
        "payment-service" => 3,
        "inventory-service" => 4,
        "shipping-service" => 5,
        _ => 0,
    }
}

/// The packages in the order of their start: the gateway last, since it needs the others'
/// addresses.
pub(super) fn start_order(arm: Arm) -> Vec<&'static str> {
    let mut binaries = binaries::of_arm(arm).to_vec();
    binaries.sort_by_key(|binary| *binary == "gateway");
    binaries
}

/// The name of the database that a package uses.
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

/// Whether a package signs tokens. All others check them with the public key.
pub(super) fn signs(package: &str) -> bool {
    matches!(package, "monolith" | "all-in-one" | "auth-service")
}

/// The package that receives the requests of customers.
pub fn entry_package(arm: Arm) -> &'static str {
    match arm {
        Arm::Monolith => "monolith",
        Arm::Events | Arm::OneProcess => "all-in-one",
        Arm::Services => "gateway",
    }
}

/// `monolith`, `monolith-2`, ...
pub(super) fn replica_name(package: &str, replica: usize) -> String {
    match replica {
        0 => package.to_owned(),
        n => format!("{package}-{}", n + 1),
    }
}

/// The addresses of all processes of a package.
pub(super) fn replicas_of<'a>(
    package: &str,
    processes: impl Iterator<Item = (&'a String, &'a String)>,
) -> Vec<String> {
    let ours = processes.filter(|(name, _)| component(name) == package);
    ours.map(|(_, url)| url.clone()).collect()
}

/// The package that a process belongs to. Replicas are one component.
pub fn component(name: &str) -> &str {
    let digits = |last: char| last.is_ascii_digit();
    name.trim_end_matches(digits).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_of_each_arm_signs() {
        for arm in Arm::ALL {
            let signing = start_order(arm).into_iter().filter(|one| signs(one));
            assert_eq!(signing.count(), 1, "{arm}");
        }
    }

    #[test]
    fn every_replica_is_found_by_its_package_and_no_other_process() {
        let names = ["order-service", "order-service-2", "gateway", "monolith-4"];
        let urls = names.map(|name| (name.to_owned(), format!("http://{name}")));
        let found = |package| replicas_of(package, urls.iter().map(|(name, url)| (name, url)));
        assert_eq!(
            found("order-service"),
            ["http://order-service", "http://order-service-2"]
        );
        assert_eq!(found("monolith"), ["http://monolith-4"]);
        assert_eq!(replica_name("monolith", 3), "monolith-4");
    }
}
