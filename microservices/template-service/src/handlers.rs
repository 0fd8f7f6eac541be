//! What the service does with a message: one message, one local transaction.

use messaging::{Destination, Fault, Handler, Message};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Somebody was greeted.
#[derive(Serialize, Deserialize)]
pub struct Greeted {
    pub name: String,
}

impl Message for Greeted {
    const KIND: &'static str = "greeted";

    fn destinations(&self) -> Vec<Destination> {
        vec!["greetings".into()]
    }
}

/// Counts greetings.
pub struct Count;

impl Handler for Count {
    type Message = Greeted;

    async fn handle(&self, tx: &mut PgConnection, greeted: Greeted) -> Result<(), Fault> {
        if greeted.name.is_empty() {
            return Err(Fault::reject("nobody was greeted"));
        }
        let count = "insert into greetings (name, times) values ($1, 1)
                     on conflict (name) do update set times = greetings.times + 1";
        sqlx::query(count).bind(greeted.name).execute(tx).await?;
        Ok(())
    }
}
