//! A proxy between the real SDK and a queue server in this process. It needs no sockets, so tests
//! can pause tokio's clock, and it injects faults into calls.

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

/// A fault of all calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyFault {
    None,
    /// Calls get no answer.
    Hang,
    /// Connections are reset.
    Reset,
    /// Connections are refused.
    Down,
    /// The credentials are invalid.
    Forbidden,
    /// Calls that send several messages are refused as too long.
    BatchTooLong,
}

/// A proxy with its own server. Clones share it.
#[derive(Clone)]
pub struct FaultyProxy(Arc<Shared>);

struct Shared {
    server: SqsLocal,
    fault: Mutex<ProxyFault>,
    calls: Mutex<BTreeMap<String, usize>>,
}

impl FaultyProxy {
    pub async fn new() -> FaultyProxy {
        FaultyProxy(Arc::new(Shared {
            server: SqsLocal::start("127.0.0.1:0").await.unwrap(),
            fault: Mutex::new(ProxyFault::None),
            calls: Mutex::default(),
        }))
    }

    /// A client whose server seems to be remote and not to take back polls.
    pub fn sqs(&self) -> Sqs {
        self.sqs_at("http://queues.test")
    }

    /// A client whose server seems to be at this address and not to take back polls.
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

    /// Sets the fault of all calls from now on.
    pub fn inject(&self, fault: ProxyFault) {
        *self.0.fault.lock().unwrap() = fault;
    }

    /// The number of calls of an action, successful or not.
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

        let fault = *self.0.fault.lock().unwrap();
        match fault {
            ProxyFault::None | ProxyFault::BatchTooLong => {}
            ProxyFault::Hang => std::future::pending().await,
            ProxyFault::Reset => return Err(ConnectorError::io("connection reset by peer".into())),
            ProxyFault::Down => return Err(ConnectorError::io("connection refused".into())),
            ProxyFault::Forbidden => {
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
        if fault == ProxyFault::BatchTooLong && document.matches("MessageBody").count() > 1 {
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

impl HttpConnector for FaultyProxy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl HttpClient for FaultyProxy {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for FaultyProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyProxy")
    }
}
