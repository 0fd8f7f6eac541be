//! The routes `/healthz`, `/readyz` and `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use problem_document::FieldError;

use crate::{Problem, telemetry};

/// How long a check may take before it counts as failed. Orchestrators often probe with a limit of
/// 1 s, which is the default of Kubernetes.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The readiness checks of a process. It may receive requests while all of them pass.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Mutex<Vec<Arc<Check>>>>);

struct Check {
    name: &'static str,
    find_problems: Box<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>,
}

/// The reason of a failed check that gives none.
const NOT_READY: &str = "is not ready";

impl Readiness {
    /// Adds a check that passes when it returns true.
    pub(crate) fn add<F, Fut>(&self, name: &'static str, passes: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.add_problems(name, move || {
            let passes = passes();
            async move {
                match passes.await {
                    true => vec![],
                    false => vec![NOT_READY.to_owned()],
                }
            }
        });
    }

    /// Adds a check that passes when it returns no problems.
    pub(crate) fn add_problems<F, Fut>(&self, name: &'static str, find_problems: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<String>> + Send + 'static,
    {
        let find_problems = Box::new(move || find_problems().boxed());
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checks.push(Arc::new(Check {
            name,
            find_problems,
        }));
    }

    /// The checks that fail now, one entry per problem.
    async fn failing(&self) -> Vec<(&'static str, String)> {
        let checks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let failing = checks.iter().map(|check| async {
            let found = tokio::time::timeout(CHECK_TIMEOUT, (check.find_problems)()).await;
            let problems = found.unwrap_or_else(|_| vec![NOT_READY.to_owned()]);
            let named = problems.into_iter().map(|problem| (check.name, problem));
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
        .map(|(name, problem)| FieldError::new(name, problem));
    Err(Problem::unavailable("not ready").with_errors(errors.collect()))
}
