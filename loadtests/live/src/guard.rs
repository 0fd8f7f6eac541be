//! Keeps other pages out. A page that the participant visits must not kill a process, neither by a
//! request to this address nor by a name of its own that resolves to this machine.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::Error;

/// What a request must show.
pub(crate) struct Guard {
    pub(crate) port: u16,
    pub(crate) token: String,
}

/// The header with the token. The stream of events has it in its query, since a browser sets no
/// header there.
const TOKEN: &str = "x-twofold-token";

pub(crate) async fn only_our_page(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    guard.check(
        request.headers(),
        request.uri().path(),
        request.uri().query(),
    )?;
    Ok(next.run(request).await)
}

impl Guard {
    fn check(&self, headers: &HeaderMap, path: &str, query: Option<&str>) -> Result<(), Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST.as_str()).unwrap_or_default();
        let names = ["127.0.0.1", "localhost"];
        if !names
            .iter()
            .any(|name| host == format!("{name}:{}", self.port))
        {
            return Err(Error::new(
                StatusCode::FORBIDDEN,
                "open the address that `cargo compare up` printed",
            ));
        }
        let origin = text(header::ORIGIN.as_str());
        if origin.is_some_and(|origin| origin != format!("http://{host}")) {
            return Err(Error::new(
                StatusCode::FORBIDDEN,
                "pages of another origin may not control this one",
            ));
        }
        let in_query = query.unwrap_or_default().split('&');
        let in_query = in_query
            .filter_map(|pair| pair.strip_prefix("token="))
            .next();
        let token = text(TOKEN).or(in_query.filter(|_| path == "/api/stream"));
        if path.starts_with("/api") && !token.is_some_and(|token| self.is_token(token)) {
            return Err(Error::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or of an earlier start: open the printed address again",
            ));
        }
        Ok(())
    }

    /// Compares all bytes, so that the time it takes shows nothing.
    fn is_token(&self, token: &str) -> bool {
        let pairs = self.token.bytes().zip(token.bytes());
        let differing = pairs.fold(0, |all, (ours, theirs)| all | (ours ^ theirs));
        self.token.len() == token.len() && differing == 0
    }
}
