//! Messages with delays, ordering keys and contents of choice, and a relay for them.

use std::time::Duration;

use messaging::{Destination, Local, Message, Runtime};
use serde::{Deserialize, Serialize};

use crate::fixture::{Fixture, quick};

/// A numbered message with a delay and a key.
#[derive(Serialize, Deserialize)]
pub struct Later {
    pub delay: Option<Duration>,
    pub key: Option<String>,
    pub n: usize,
}

impl Message for Later {
    const KIND: &'static str = "later";

    fn destinations(&self) -> Vec<Destination> {
        let queue = Destination::queue("later");
        vec![match self.delay {
            Some(delay) => queue.after(delay),
            None => queue,
        }]
    }

    fn ordering_key(&self) -> Option<String> {
        self.key.clone()
    }
}

/// A message for any queue, with any key and content.
#[derive(Serialize, Deserialize)]
pub struct Odd {
    #[serde(skip)]
    pub queue: &'static str,
    #[serde(skip)]
    pub key: Option<&'static str>,
    pub content: String,
    pub delay: Option<Duration>,
}

impl Message for Odd {
    const KIND: &'static str = "odd";

    fn destinations(&self) -> Vec<Destination> {
        let queue = Destination::queue(self.queue);
        vec![match self.delay {
            Some(delay) => queue.after(delay),
            None => queue,
        }]
    }

    fn ordering_key(&self) -> Option<String> {
        self.key.map(str::to_owned)
    }
}

/// A message that SQS accepts.
pub const PLAIN: Odd = Odd {
    queue: "later",
    key: None,
    content: String::new(),
    delay: None,
};

/// A service without handlers, for its relay.
pub fn relay(fixture: &Fixture, local: &Local) -> Runtime {
    Runtime::new(&fixture.db, local.clone()).queues([quick("later")])
}
