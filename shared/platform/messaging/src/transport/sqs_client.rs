//! How the SDK is set up: one TLS stack, short time-outs, and nothing that can stop a poller.

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

/// Two clients, so that polls that fail never use up the retry tokens of those calls that keep
/// messages from coming back.
#[derive(Clone)]
pub(super) struct Clients {
    /// For receiving. Its errors are answered by the poller's own backoff.
    pub(super) poll: Client,
    /// For everything else.
    pub(super) act: Client,
    /// Whether the server says that it takes back what it gave to a poll that is gone.
    pub(super) takes_polls_back: Arc<AtomicBool>,
}

/// Our own queue server sends this header with every answer; Amazon and others do not.
const TAKES_POLLS_BACK: &str = "x-takes-polls-back";

/// No server answers slower than this and is well.
const ATTEMPT: Duration = Duration::from_secs(5);
/// All attempts of a call together.
const CALL: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(2);
/// What a long poll may take beyond the wait that it asked for.
const POLL_MARGIN: Duration = Duration::from_secs(5);

/// Region and credentials from the usual places.
pub(super) async fn configure(endpoint: Option<&str>) -> SdkConfig {
    let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(http_client(plain));
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
        // A server of one's own checks no signature, so a machine without an account can use it.
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
            // It ends bodies that come too slowly. Ours are small and have time-outs.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(CountRequests)
            .interceptor(HearOfPolls(takes_polls_back.clone()));
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT);
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
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(CALL)
                    .build(),
            );
        Clients {
            poll: Client::from_conf(poll.build()),
            act: Client::from_conf(act.build()),
            takes_polls_back,
        }
    }
}

/// Counts what Amazon charges for: every request, retries and all.
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

/// Hears whether polls may be dropped.
#[derive(Debug)]
struct HearOfPolls(Arc<AtomicBool>);

impl Intercept for HearOfPolls {
    fn name(&self) -> &'static str {
        "hear of polls"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let said = context.response().headers().get(TAKES_POLLS_BACK);
        self.0.store(said.is_some(), Ordering::Relaxed);
        Ok(())
    }
}

/// A plain endpoint needs no certificates, and reading them takes a good part of a start.
fn http_client(plain: bool) -> SharedHttpClient {
    // Connections that rest are closed by Amazon after 60 s, in the middle of a request at worst.
    let builder = Builder::new().pool_idle_timeout(Duration::from_secs(50));
    match plain {
        true => builder.build_http(),
        false => builder
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .build_https(),
    }
}
