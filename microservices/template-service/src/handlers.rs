//! Handles messages, each in a local transaction.

use messaging::{Destination, Fault, Message, Tx};
use serde::{Deserialize, Serialize};

/// A person was greeted.
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

/// Counts a greeting.
pub async fn count(tx: &mut Tx, greeted: Greeted) -> Result<(), Fault> {
    if greeted.name.is_empty() {
        return Err(Fault::reject("the name is empty"));
    }
    let count = "insert into greetings (name, times) values ($1, 1)
                 on conflict (name) do update set times = greetings.times + 1";
    let count = sqlx::query(count).bind(greeted.name);
    count.execute(&mut **tx).await?;
    Ok(())
}
