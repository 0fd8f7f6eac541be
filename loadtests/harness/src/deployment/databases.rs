//! The databases of a deployment: one for all contexts or one for each, migrated and seeded.

use std::collections::{BTreeMap, HashMap};

use sandbox::{Database, Server};
use sqlx::Connection;
use store::{Context, catalogue, inventory, seed};

use super::infrastructure::Servers;
use super::wiring::CONTEXTS;

/// The databases by context. With one database, all contexts have the same.
pub(super) type Databases = BTreeMap<&'static str, Database>;

/// New, empty databases.
pub(super) struct NewDatabases {
    pub(super) databases: Databases,
    /// The servers that hold them.
    pub(super) postgres_pids: Vec<u32>,
    /// The servers that were started for them alone.
    pub(super) own_servers: Vec<Server>,
}

/// Creates one database for all contexts (`shared`), or one for each.
pub(super) async fn create(servers: &Servers, shared: bool) -> anyhow::Result<NewDatabases> {
    let mut new = NewDatabases {
        databases: BTreeMap::new(),
        postgres_pids: vec![],
        own_servers: vec![],
    };
    for (name, _) in CONTEXTS {
        let first = new.databases.values().next().cloned();
        let database_name = if shared { "shop" } else { name };
        let database = match (first, servers) {
            (Some(first), _) if shared => first,
            (_, Servers::Shared(server)) => {
                new.postgres_pids = server.pid().into_iter().collect();
                server.database(database_name).await?
            }
            (_, Servers::Each { storage }) => {
                let server = Server::start(*storage).await?;
                let database = server.database(database_name).await?;
                new.postgres_pids.extend(server.pid());
                new.own_servers.push(server);
                database
            }
        };
        new.databases.insert(name, database);
    }
    Ok(new)
}

pub(super) async fn migrate(databases: &Databases) -> anyhow::Result<()> {
    for (name, context) in CONTEXTS {
        let mut connection = databases[name].connect().await?;
        context.migrations().run(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}

/// Inserts this many products and their stock. Returns the pieces of each product.
pub(super) async fn insert_products(
    databases: &Databases,
    products: usize,
) -> anyhow::Result<HashMap<String, i64>> {
    let products = seed::products(products);
    for (name, context) in CONTEXTS {
        let mut connection = databases[name].connect().await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "of no pool, and closed in the end"
        )]
        let mut tx = connection.begin().await?;
        match context {
            Context::Orders => catalogue::offer(&mut tx, &products).await?,
            Context::Inventory => inventory::restock(&mut tx, seed::deliveries(&products)).await?,
            _ => {}
        }
        tx.commit().await?;
        connection.close().await?;
    }
    let delivered = seed::deliveries(&products);
    Ok(delivered
        .map(|(sku, pieces)| (sku.to_string(), pieces))
        .collect())
}
