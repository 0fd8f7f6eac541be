//! Fills an empty shop with sample products and stock, for containers and clusters.

use std::process::ExitCode;

use anyhow::Context as _;
use chassis::config::Secret;
use clap::Parser;
use sqlx::{Connection, PgConnection};
use store::{Context, catalogue, inventory, seed};

/// Inserts sample products and their stock. A second run changes nothing.
#[derive(Parser)]
#[command(version)]
struct Settings {
    /// URL of the database with the orders: the order service's, or the monolith's.
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true)]
    orders_database_url: Secret,

    /// URL of the database with the stock: the inventory service's, or the monolith's.
    #[arg(long, env = "INVENTORY_DATABASE_URL", hide_env_values = true)]
    inventory_database_url: Secret,

    /// Number of products. One more product is added that is sold out.
    #[arg(long, env = "SEED_PRODUCTS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=99_999))]
    products: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match fill(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Stock comes first, so that every product in the catalogue can be ordered.
async fn fill(settings: Settings) -> anyhow::Result<()> {
    let products = seed::products(settings.products as usize);

    let mut inventory_db = connect(&settings.inventory_database_url, Context::Inventory).await?;
    let empty = sqlx::query_scalar("select not exists (select from stock)");
    if empty.fetch_one(&mut inventory_db).await? {
        inventory::restock(&mut inventory_db, seed::deliveries(&products)).await?;
    }

    let mut orders_db = connect(&settings.orders_database_url, Context::Orders).await?;
    catalogue::offer(&mut orders_db, &products).await?;
    Ok(())
}

async fn connect(url: &Secret, context: Context) -> anyhow::Result<PgConnection> {
    let connection = PgConnection::connect(url.expose()).await;
    let mut connection = connection.context("cannot reach the database")?;
    let migrated = context.migrations().run(&mut connection).await;
    migrated.context("cannot migrate the database")?;
    Ok(connection)
}
