//! One set of settings, from which each service gets its own.

use chassis::config::{Database, Secret, Serving, TokenKey, TokenSigning};
use clap::{Parser, ValueEnum};
use messaging::Local;

/// All services in one process.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) serving: Serving,
    #[command(flatten)]
    token_key: TokenKey,
    #[command(flatten)]
    signing: TokenSigning,
    #[command(flatten)]
    queues: messaging::Settings,

    /// Which kind of queue transports the events.
    #[arg(long, env = "QUEUE_KIND", value_enum, default_value_t = Queue::Sqs)]
    queue: Queue,

    /// The database of every service that has no URL of its own below.
    #[command(flatten)]
    database: Database,
    /// URL of the auth service's database.
    #[arg(long, env = "ACCOUNTS_DATABASE_URL", hide_env_values = true)]
    accounts_database_url: Option<Secret>,
    /// URL of the order service's database.
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true)]
    orders_database_url: Option<Secret>,
    /// URL of the payment service's database.
    #[arg(long, env = "PAYMENTS_DATABASE_URL", hide_env_values = true)]
    payments_database_url: Option<Secret>,
    /// URL of the inventory service's database.
    #[arg(long, env = "INVENTORY_DATABASE_URL", hide_env_values = true)]
    inventory_database_url: Option<Secret>,
    /// URL of the shipping service's database.
    #[arg(long, env = "SHIPPING_DATABASE_URL", hide_env_values = true)]
    shipping_database_url: Option<Secret>,

    /// URL of the payment provider, such as `http://127.0.0.1:9400`.
    #[arg(long, env = "PAYMENT_PROVIDER_URL")]
    payment_provider_url: String,

    /// How long a confirmed order can still be cancelled, in milliseconds, up to 15 minutes.
    #[arg(long, env = "CANCELLATION_WINDOW_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(..=900_000))]
    cancellation_window_ms: u64,

    /// How long an order may stay unsettled before its cancellation is requested, in milliseconds,
    /// up to a month.
    #[arg(long, env = "ORDER_EXPIRY_MS", default_value_t = 300_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    order_expiry_ms: u64,

    #[command(flatten)]
    orders_overdue: order_service::overdue::Ages,
    #[command(flatten)]
    payments_overdue: payment_service::overdue::Ages,
    #[command(flatten)]
    shipments_overdue: shipping_service::overdue::Ages,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Queue {
    /// A queue inside the process.
    Local,
    /// Amazon SQS, or a compatible server.
    Sqs,
}

impl Settings {
    /// Creates the one queue that all services share, if it is a local one.
    pub(crate) fn with_local_queue(mut self) -> Settings {
        if self.queue == Queue::Local {
            self.queues.transport = Some(Local::new().into());
        }
        self
    }

    pub(crate) fn auth(&self) -> auth_service::Settings {
        auth_service::Settings {
            serving: self.serving.clone(),
            database: self.database(&self.accounts_database_url),
            signing: self.signing.clone(),
        }
    }

    pub(crate) fn order(&self) -> order_service::Settings {
        order_service::Settings {
            serving: self.serving.clone(),
            database: self.database(&self.orders_database_url),
            token_key: self.token_key.clone(),
            queues: self.queues.clone(),
            order_expiry_ms: self.order_expiry_ms,
            overdue: self.orders_overdue.clone(),
        }
    }

    pub(crate) fn payment(&self) -> payment_service::Settings {
        payment_service::Settings {
            serving: self.serving.clone(),
            database: self.database(&self.payments_database_url),
            queues: self.queues.clone(),
            payment_provider_url: self.payment_provider_url.clone(),
            overdue: self.payments_overdue.clone(),
        }
    }

    pub(crate) fn inventory(&self) -> inventory_service::Settings {
        inventory_service::Settings {
            serving: self.serving.clone(),
            database: self.database(&self.inventory_database_url),
            queues: self.queues.clone(),
        }
    }

    pub(crate) fn shipping(&self) -> shipping_service::Settings {
        shipping_service::Settings {
            serving: self.serving.clone(),
            database: self.database(&self.shipping_database_url),
            queues: self.queues.clone(),
            cancellation_window_ms: self.cancellation_window_ms,
            overdue: self.shipments_overdue.clone(),
        }
    }

    /// A service's database. Each gets a fifth of the connections, but at least 4, which it needs
    /// to handle messages and requests at the same time.
    fn database(&self, own: &Option<Secret>) -> Database {
        Database {
            database_url: own.as_ref().unwrap_or(&self.database.database_url).clone(),
            database_pool_size: (self.database.database_pool_size / 5).max(4),
        }
    }
}
