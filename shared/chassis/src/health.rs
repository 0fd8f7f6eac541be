//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use contracts::http::FieldError;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use crate::{Problem, telemetry};

/// The longest that a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// What has to work before a process may be sent requests.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Mutex<Vec<Arc<Check>>>>);

struct Check {
    name: &'static str,
    passes: Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

impl Readiness {
    pub(crate) fn add<F, Fut>(&self, name: &'static str, passes: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let passes = Box::new(move || passes().boxed());
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Arc::new(Check { name, passes }));
    }

    /// The checks that do not pass now.
    async fn failing(&self) -> Vec<&'static str> {
        let checks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let failing = checks.iter().map(|check| async {
            let passed = tokio::time::timeout(CHECK_TIMEOUT, (check.passes)()).await;
            (passed != Ok(true)).then_some(check.name)
        });
        join_all(failing).await.into_iter().flatten().collect()
    }
}

pub(crate) fn routes(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|| async { telemetry::metrics().render() }))
        .with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> Result<&'static str, Problem> {
    let failing = readiness.failing().await;
    if failing.is_empty() {
        return Ok("ready\n");
    }
    let errors = failing
        .into_iter()
        .map(|name| FieldError::new(name, "is not ready"));
    Err(Problem::unavailable("not ready").with_errors(errors.collect()))
}
