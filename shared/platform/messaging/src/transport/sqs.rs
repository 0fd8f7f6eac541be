//! Amazon SQS, through its SDK.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;

use super::gone::Gone;
use super::refusal::{self, failed};
use super::sqs_client::{Clients, configure};
use crate::{Error, QueueSpec, telemetry};

/// A client of Amazon SQS, or of a server with the same API.
#[derive(Clone)]
pub struct Sqs {
    clients: Clients,
    prefix: Arc<str>,
    is_nearby: bool,
    /// The addresses of queues by name. They do not change while a queue exists.
    urls: Arc<Mutex<HashMap<String, Arc<str>>>>,
    gone: Arc<Gone>,
}

impl Sqs {
    /// Creates a client for an endpoint, or for Amazon without one. It makes no call yet.
    pub(crate) async fn at(endpoint: Option<&str>, queue_prefix: &str) -> Result<Sqs, Error> {
        Sqs::configured(&configure(endpoint).await, queue_prefix)
    }

    /// Creates a client with region, credentials, endpoint and HTTP client of your SDK
    /// configuration. Timeouts and retries are set by the runtime, because its guarantees depend on
    /// them.
    ///
    /// # Errors
    /// When the configuration has no region.
    pub fn configured(config: &SdkConfig, queue_prefix: &str) -> Result<Sqs, Error> {
        if config.region().is_none() {
            return Err(Error::NoRegion);
        }
        Ok(Sqs {
            clients: Clients::new(config),
            prefix: queue_prefix.into(),
            is_nearby: config.endpoint_url().is_some_and(is_loopback),
            urls: Arc::default(),
            gone: Arc::default(),
        })
    }

    /// The client of the SDK, for calls that this crate does not make.
    pub fn client(&self) -> &Client {
        &self.clients.act
    }

    /// Whether the server is on this machine, where calls are cheap.
    pub(crate) fn is_nearby(&self) -> bool {
        self.is_nearby
    }

    /// Whether the server takes back messages of a poll whose client has left.
    pub(crate) fn takes_polls_back(&self) -> bool {
        self.clients.takes_polls_back.load(Ordering::Relaxed)
    }

    pub(super) fn polling_client(&self) -> &Client {
        &self.clients.poll
    }

    /// The name of a queue with the deployment's prefix.
    pub fn full_name(&self, queue: &str) -> String {
        format!("{}{queue}", self.prefix)
    }

    /// The address of a queue.
    pub(crate) async fn url(&self, queue: &str) -> Result<Arc<str>, Error> {
        if let Some(url) = self.urls().get(queue) {
            return Ok(url.clone());
        }
        let found = self
            .client()
            .get_queue_url()
            .queue_name(self.full_name(queue))
            .send()
            .await;
        let url = match found {
            Ok(found) => found.queue_url.unwrap_or_default(),
            Err(error) => {
                let missing = error
                    .as_service_error()
                    .is_some_and(GetQueueUrlError::is_queue_does_not_exist);
                telemetry::refused(queue, "find", refusal::code(&error), 1);
                if missing {
                    self.gone.notice(queue);
                }
                let queue = self.full_name(queue);
                return Err(match missing {
                    true => Error::NoSuchQueue { queue },
                    false => failed("find", &queue, error),
                });
            }
        };
        Ok(self.remember(queue, url))
    }

    /// Stores the address of a queue.
    pub(super) fn remember(&self, queue: &str, url: String) -> Arc<str> {
        let url: Arc<str> = url.into();
        self.urls().insert(queue.to_owned(), url.clone());
        self.gone.found(queue);
        url
    }

    /// Forgets the address of a missing queue, so that the next call looks it up.
    pub(super) fn forget(&self, queue: &str) {
        self.urls().remove(queue);
        self.gone.notice(queue);
    }

    /// Forgets the addresses of a queue and its dead-letter queue, so that the next call looks them
    /// up.
    pub(super) fn look_up_again(&self, spec: &QueueSpec) {
        for queue in [&*spec.name, &*spec.dead_letters()] {
            self.urls().remove(queue);
        }
    }

    pub(crate) fn gone(&self) -> &Gone {
        &self.gone
    }

    fn urls(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<str>>> {
        self.urls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.split("//").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|name| host.starts_with(name))
}
