//! The migrations of each context. A service runs its own; the monolith runs them all.

use sqlx::migrate::Migrator;

/// A bounded context: a part of the shop with tables of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    Accounts,
    Orders,
    Payments,
    Inventory,
    Shipping,
}

impl Context {
    /// Every context.
    pub const ALL: [Context; 5] = [
        Context::Accounts,
        Context::Orders,
        Context::Payments,
        Context::Inventory,
        Context::Shipping,
    ];

    /// The migrations that create the context's tables. Several contexts may share a database: each
    /// ignores the other ones' entries in the table of migrations, and no version number is used
    /// twice.
    pub fn migrations(self) -> Migrator {
        let mut migrations = match self {
            Context::Accounts => sqlx::migrate!("migrations/accounts"),
            Context::Orders => sqlx::migrate!("migrations/orders"),
            Context::Payments => sqlx::migrate!("migrations/payments"),
            Context::Inventory => sqlx::migrate!("migrations/inventory"),
            Context::Shipping => sqlx::migrate!("migrations/shipping"),
        };
        migrations.set_ignore_missing(true);
        migrations
    }
}

/// The migrations that only the payment service runs, after those of its context: an index of the
/// payments that no other service has answered. In the monolith nothing is left unanswered.
pub fn overdue_payments() -> Migrator {
    let mut migrations = sqlx::migrate!("migrations/overdue/payments");
    migrations.set_ignore_missing(true);
    migrations
}

/// The migrations that only the shipping service runs, after those of its context: an index of the
/// cancellations that are to be published again. The monolith publishes none.
pub fn overdue_shipments() -> Migrator {
    let mut migrations = sqlx::migrate!("migrations/overdue/shipping");
    migrations.set_ignore_missing(true);
    migrations
}
