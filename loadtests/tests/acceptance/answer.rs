//! The answer to a request, and what a test can check of it.

use contracts::http::{AccessToken, OrderBody, OrderPage, ProblemBody};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A whole answer, with its request for a clear failure.
#[derive(Debug)]
pub(crate) struct Answer {
    request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let sent = format!("{} {}", request.method(), request.url());
        let response: Response = client.execute(request).await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
            request: sent,
        }
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.read()
    }

    #[track_caller]
    pub(crate) fn token(self, status: u16) -> AccessToken {
        self.is(status).read()
    }

    #[track_caller]
    pub(crate) fn order(self, status: u16) -> OrderBody {
        self.is(status).read()
    }

    #[track_caller]
    pub(crate) fn page(self) -> OrderPage {
        self.is(200).read()
    }

    /// The answer as a problem document; fails if it is none.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> ProblemBody {
        let kind = self
            .headers
            .get("content-type")
            .map(|kind| kind.to_str().unwrap());
        assert_eq!(
            kind,
            Some("application/problem+json"),
            "{}: {}",
            self.request,
            self.text
        );
        assert!(
            self.headers.contains_key("x-request-id"),
            "{}",
            self.request
        );
        let answer = self.is(status);
        let problem: ProblemBody = answer.read();
        assert_eq!(problem.status, status, "{}", answer.request);
        assert!(!problem.title.is_empty() && !problem.kind.is_empty());
        problem
    }

    /// Whether it is a success, or a problem document.
    pub(crate) fn is_documented(&self) -> bool {
        let kind = self.headers.get("content-type");
        self.status < 400 || kind.is_some_and(|kind| kind == "application/problem+json")
    }

    /// The answer as a problem document that names exactly these fields.
    #[track_caller]
    pub(crate) fn names(self, status: u16, fields: &[&str]) {
        let request = self.request.clone();
        let problem = self.problem(status);
        let named: Vec<&str> = problem
            .errors
            .iter()
            .map(|error| error.field.as_str())
            .collect();
        assert_eq!(named, fields, "{request}: {:?}", problem.errors);
        assert!(problem.errors.iter().all(|error| !error.message.is_empty()));
    }

    #[track_caller]
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, self.text))
    }
}
