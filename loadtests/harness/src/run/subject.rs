//! The subject of a run: a shop under load, on this machine or elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use analysis::model::LoadModel;

use super::meter::Usage;
use crate::audit::Sources;

/// A shop under load: a deployment on this machine, or a target elsewhere.
pub trait Subject {
    /// Where its customers send their requests.
    fn endpoint(&self) -> Endpoint;

    /// What can be read of it when the run begins.
    fn access(&self) -> impl Future<Output = anyhow::Result<Access>>;

    /// How long it may take after a load to finish all accepted work.
    fn drain_limit(&self, load: LoadModel) -> Duration;

    /// What its processes have used so far, without the Postgres backends that serve the harness.
    /// `None` where its processes cannot be seen.
    ///
    /// # Errors
    /// When the system does not show its processes.
    fn usage(&self, own_backends: &[u32]) -> anyhow::Result<Option<Usage>>;

    /// Peak resident bytes by component. Empty where its processes cannot be seen.
    fn peak_memory(&self) -> BTreeMap<String, u64>;
}

/// Where a load goes, and on behalf of which customers.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub base_urls: Vec<String>,
    /// A bearer token for each customer.
    pub tokens: Vec<String>,
    /// The prefix of the idempotency keys.
    pub key_prefix: String,
}

/// What can be read of a shop besides its answers.
#[derive(Debug)]
pub enum Access {
    /// Its databases, ledger and queues. The clock of its orders' database may differ from ours.
    Databases {
        sources: Sources,
        clock_ahead_ms: f64,
    },
    /// Nothing else, since an address is missing.
    HttpOnly { missing: String },
}
