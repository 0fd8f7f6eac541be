//! What all calls of the page share.

use std::sync::Arc;

use axum::Json;
use contracts::topology::Settings;
use serde_json::{Value, json};

use crate::error::Error;
use crate::events::Events;
use crate::load::Load;
use crate::operator::Command;
use crate::setup::setup;
use crate::side::{Side, find};
use crate::spans::Spans;

pub(crate) struct Live {
    pub(crate) events: Events,
    pub(crate) sides: Vec<Arc<Side>>,
    pub(crate) load: Arc<Load>,
    pub(crate) spans: Spans,
    pub(crate) http: reqwest::Client,
    pub(crate) window: Settings,
}

impl Live {
    pub(crate) fn setup(&self) -> Value {
        setup(&self.sides, self.window)
    }

    /// The side whose arm has queues.
    pub(crate) fn with_queues(&self) -> Result<&Arc<Side>, Error> {
        let mut sides = self.sides.iter();
        let side = sides.find(|side| side.arm.uses_sqs());
        side.ok_or_else(|| Error::not_found("no arm here has queues"))
    }

    /// Executes a command on one arm.
    pub(crate) async fn execute(&self, arm: &str, command: Command) -> Result<Json<Value>, Error> {
        let side = match command.part() {
            // One server has the databases of both sides.
            "postgres" => &self.sides[0],
            _ => find(&self.sides, arm)?,
        };
        side.operator.execute(command).await?;
        Ok(Json(json!({})))
    }
}
