//! Configuration of the SDK: one TLS stack, short timeouts, and retries that cannot stop a poller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{
    ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_sdk_sqs::error::BoxError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};

use crate::quota::LONGEST_POLL;
use crate::telemetry;

/// Two clients, because failing polls must not use up the retry tokens of deletes and heartbeats.
#[derive(Clone)]
pub(super) struct Clients {
    /// For receives. The poller has its own backoff.
    pub(super) poll: Client,
    /// For all other calls.
    pub(super) act: Client,
    /// Whether the server takes back messages of a poll whose client has left.
    pub(super) takes_polls_back: Arc<AtomicBool>,
}

/// The header that sqs-local sends with every answer. Amazon and others do not.
const TAKES_POLLS_BACK: &str = "x-takes-polls-back";

/// How long one attempt of a call may take. A healthy server answers faster.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long all attempts of a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a poll may take beyond its wait.
const POLL_MARGIN: Duration = Duration::from_secs(5);

/// Loads region and credentials from the usual sources.
pub(super) async fn configure(endpoint: Option<&str>) -> SdkConfig {
    let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(http_client(plain));
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
        // A plain HTTP server checks no signature, so it works without an AWS account.
        if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() && plain {
            let any = Credentials::new("local", "local", None, None, "a server of our own");
            loader = loader.credentials_provider(any);
        }
        if std::env::var_os("AWS_REGION").is_none() && plain {
            loader = loader.region(Region::new("us-east-1"));
        }
    }
    loader.load().await
}

impl Clients {
    pub(super) fn new(config: &SdkConfig) -> Clients {
        let takes_polls_back = Arc::<AtomicBool>::default();
        let base = aws_sdk_sqs::config::Builder::from(config)
            // This protection ends slow bodies. Ours are small and have timeouts.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(CountRequests)
            .interceptor(ReadPollHeader(takes_polls_back.clone()));
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
        let poll = base
            .clone()
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                timeouts
                    .clone()
                    .operation_attempt_timeout(LONGEST_POLL + POLL_MARGIN)
                    .build(),
            );
        let act = base
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(3)
                    .with_initial_backoff(Duration::from_millis(100)),
            )
            .timeout_config(
                timeouts
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            );
        Clients {
            poll: Client::from_conf(poll.build()),
            act: Client::from_conf(act.build()),
            takes_polls_back,
        }
    }
}

/// Counts every request, retries included, because Amazon charges for each.
#[derive(Debug)]
struct CountRequests;

impl Intercept for CountRequests {
    fn name(&self) -> &'static str {
        "count requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        let action = target.and_then(|target| target.rsplit('.').next());
        telemetry::requested(action.unwrap_or("unknown"));
        Ok(())
    }
}

/// Reads from each answer whether polls may be dropped.
#[derive(Debug)]
struct ReadPollHeader(Arc<AtomicBool>);

impl Intercept for ReadPollHeader {
    fn name(&self) -> &'static str {
        "read poll header"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get(TAKES_POLLS_BACK);
        self.0.store(header.is_some(), Ordering::Relaxed);
        Ok(())
    }
}

/// Creates the HTTP client. A plain endpoint needs no certificates, whose loading takes a good part
/// of a start.
fn http_client(plain: bool) -> SharedHttpClient {
    // Amazon closes idle connections after 60 s, at worst in the middle of a request.
    let builder = Builder::new().pool_idle_timeout(Duration::from_secs(50));
    match plain {
        true => builder.build_http(),
        false => builder
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .build_https(),
    }
}
