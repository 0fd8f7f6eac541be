//! Handles messages, each in a local transaction.

use messaging::{Destination, Fault, Handler, Message, Tx};
use serde::{Deserialize, Serialize};

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
pub struct CountGreetings;

impl Handler for CountGreetings {
    type Message = Greeted;

    async fn handle(&self, tx: &mut Tx, greeted: Greeted) -> Result<(), Fault> {
        if greeted.name.is_empty() {
            return Err(Fault::reject("nobody was greeted"));
        }
        let count = "insert into greetings (name, times) values ($1, 1)
                     on conflict (name) do update set times = greetings.times + 1";
        sqlx::query(count)
            .bind(greeted.name)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}
