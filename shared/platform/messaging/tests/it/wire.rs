//! A queue server in this process behind the real SDK, without sockets: so tokio's clock can be
//! paused, and whatever may become of a call can be chosen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::http::{HttpRequest, HttpResponse};
use aws_sdk_sqs::config::{
    Credentials, HttpClient, Region, RuntimeComponents, SharedCredentialsProvider,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use messaging::Sqs;
use sqs_local::{Control, Error, SqsLocal};

/// What becomes of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    None,
    /// No answer, ever.
    Hang,
    /// The connection is closed in the middle.
    Reset,
    /// Nobody listens.
    Down,
    /// The credentials are no good.
    Forbidden,
    /// Calls that send several messages are too long, whatever their length.
    Crowded,
}

/// The line to a server of its own.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    server: SqsLocal,
    trouble: Mutex<Trouble>,
    calls: Mutex<BTreeMap<String, usize>>,
}

impl Wire {
    pub async fn new() -> Wire {
        Wire(Arc::new(Shared {
            server: SqsLocal::start("127.0.0.1:0").await.unwrap(),
            trouble: Mutex::new(Trouble::None),
            calls: Mutex::default(),
        }))
    }

    /// Queues at the other end, which is elsewhere: polls cannot be taken back.
    pub fn sqs(&self) -> Sqs {
        self.sqs_at("http://queues.test")
    }

    /// Queues at this address, on somebody else's server.
    pub fn sqs_at(&self, endpoint: &str) -> Sqs {
        let credentials = Credentials::new("key", "secret", None, None, "a test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint)
            .http_client(self.clone())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .build();
        Sqs::configured(&config, "").unwrap()
    }

    pub fn control(&self) -> Control {
        self.0.server.control()
    }

    pub fn trouble(&self, trouble: Trouble) {
        *self.0.trouble.lock().unwrap() = trouble;
    }

    /// How often an action was asked for, with or without success.
    pub fn calls(&self, action: &str) -> usize {
        self.0
            .calls
            .lock()
            .unwrap()
            .get(action)
            .copied()
            .unwrap_or(0)
    }

    pub fn all_calls(&self) -> usize {
        self.0.calls.lock().unwrap().values().sum()
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let action = target.rsplit('.').next().unwrap_or_default().to_owned();
        *self
            .0
            .calls
            .lock()
            .unwrap()
            .entry(action.clone())
            .or_default() += 1;

        let trouble = *self.0.trouble.lock().unwrap();
        match trouble {
            Trouble::None | Trouble::Crowded => {}
            Trouble::Hang => std::future::pending().await,
            Trouble::Reset => return Err(ConnectorError::io("connection reset by peer".into())),
            Trouble::Down => return Err(ConnectorError::io("connection refused".into())),
            Trouble::Forbidden => {
                let document = r#"{"__type": "com.amazon.coral.service#InvalidClientTokenId",
                    "message": "The security token included in the request is invalid."}"#;
                return Ok(response(
                    403,
                    "InvalidClientTokenId;Sender",
                    document.into(),
                ));
            }
        }
        let document = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        if trouble == Trouble::Crowded && document.matches("MessageBody").count() > 1 {
            let error = Error::BatchRequestTooLong { most: 1, sent: 2 };
            return Ok(response(400, &error.query_error(), error.document()));
        }
        Ok(match self.0.server.call(&action, &document).await {
            Ok(document) => response(200, "", document),
            Err(error) => response(error.status(), &error.query_error(), error.document()),
        })
    }
}

fn response(status: u16, query_error: &str, document: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(document));
    if !query_error.is_empty() {
        let headers = response.headers_mut();
        headers.insert("x-amzn-query-error", query_error.to_owned());
    }
    response
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
