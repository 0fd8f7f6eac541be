//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use problem_document::FieldError;

use crate::{Problem, telemetry};

/// The longest that a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// What has to work before a process may be sent requests.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Mutex<Vec<Arc<Check>>>>);

struct Check {
    name: &'static str,
    find_troubles: Box<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>,
}

/// What a check that fails says when it has no reason to give.
const NOT_READY: &str = "is not ready";

impl Readiness {
    /// Ready when this holds.
    pub(crate) fn add<F, Fut>(&self, name: &'static str, passes: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.add_troubles(name, move || {
            let passes = passes();
            async move {
                match passes.await {
                    true => vec![],
                    false => vec![NOT_READY.to_owned()],
                }
            }
        });
    }

    /// Ready when this finds no trouble.
    pub(crate) fn add_troubles<F, Fut>(&self, name: &'static str, find_troubles: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<String>> + Send + 'static,
    {
        let find_troubles = Box::new(move || find_troubles().boxed());
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Arc::new(Check {
            name,
            find_troubles,
        }));
    }

    /// The checks that do not pass now, each with every reason.
    async fn failing(&self) -> Vec<(&'static str, String)> {
        let checks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let failing = checks.iter().map(|check| async {
            let found = tokio::time::timeout(CHECK_TIMEOUT, (check.find_troubles)()).await;
            let troubles = found.unwrap_or_else(|_| vec![NOT_READY.to_owned()]);
            let named = troubles.into_iter().map(|trouble| (check.name, trouble));
            named.collect::<Vec<_>>()
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
        .map(|(name, trouble)| FieldError::new(name, trouble));
    Err(Problem::unavailable("not ready").with_errors(errors.collect()))
}
