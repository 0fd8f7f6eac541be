//! Fills an empty shop with the load tests' products and stock, for containers and clusters.

use std::process::ExitCode;

use anyhow::Context as _;
use chassis::config::Secret;
use clap::Parser;
use sqlx::{Connection, PgConnection};
use store::{Context, catalogue, inventory, seed};

/// Offers products and puts them on the shelf. Run again, it changes nothing.
#[derive(Parser)]
#[command(version)]
struct Settings {
    /// The order context's database: the order service's, or the monolith's.
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true)]
    orders_database_url: Secret,

    /// The inventory context's database: the inventory service's, or the monolith's.
    #[arg(long, env = "INVENTORY_DATABASE_URL", hide_env_values = true)]
    inventory_database_url: Secret,

    /// How many products; one that is sold out comes on top.
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

/// Stock comes first: whoever sees a product can order it.
async fn fill(settings: Settings) -> anyhow::Result<()> {
    let products = seed::products(settings.products as usize);

    let mut shelves = connect(&settings.inventory_database_url, Context::Inventory).await?;
    let empty = sqlx::query_scalar("select not exists (select from stock)");
    if empty.fetch_one(&mut shelves).await? {
        inventory::restock(&mut shelves, seed::deliveries(&products)).await?;
    }

    let mut shop = connect(&settings.orders_database_url, Context::Orders).await?;
    catalogue::offer(&mut shop, &products).await?;
    Ok(())
}

async fn connect(url: &Secret, context: Context) -> anyhow::Result<PgConnection> {
    let connection = PgConnection::connect(url.expose()).await;
    let mut connection = connection.context("cannot reach the database")?;
    let migrated = context.migrations().run(&mut connection).await;
    migrated.context("cannot migrate the database")?;
    Ok(connection)
}
