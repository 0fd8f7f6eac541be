//! The messages of the benchmarks: letters of 1 KiB.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use messaging::{Destination, Fault, Message, PlainHandler, Sqs, Transport};
use serde::{Deserialize, Serialize};

/// The size of a letter's body in bytes, with quotes.
pub(crate) const BYTES: usize = 1_024;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Letter {
    text: String,
}

impl Message for Letter {
    const KIND: &'static str = "letter";

    fn destinations(&self) -> Vec<Destination> {
        vec!["letters".into()]
    }
}

/// Counts letters.
pub(crate) struct Count(pub(crate) Arc<AtomicUsize>);

impl PlainHandler for Count {
    type Message = Letter;
    type Output = ();

    async fn handle(&self, _: Letter) -> Result<(), Fault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Sends `count` letters.
pub(crate) async fn fill(sqs: &Sqs, count: usize) -> anyhow::Result<()> {
    const TASKS: usize = 8;
    let letter = Letter {
        text: "x".repeat(BYTES - r#"{"text":""}"#.len()),
    };
    let transport = Transport::from(sqs.clone());
    let sends = (0..TASKS).map(|_| async {
        let letters = vec![letter.clone(); 10];
        for _ in 0..count / TASKS / 10 {
            transport.publish_all(&letters).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(sends).await?;
    Ok(())
}
