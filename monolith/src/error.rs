//! Why a use case of the monolith has failed. A business "no" is a value, and not one of these.

use chassis::Problem;
use domain::IllegalMove;
use storefront::ProviderError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// As many orders are being placed as the database can take.
    #[error("too many orders are being placed")]
    Busy,
    /// The order may have been committed or not: only the database knows.
    #[error("the commit failed: {0}")]
    Commit(#[source] sqlx::Error),
    /// The sweep has claimed the order first, so its payment is voided.
    #[error("the order took so long that its authorization is voided")]
    Voided,
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Provider(error) => storefront::provider::unavailable(&error),
            Error::Database(error) | Error::Commit(error) => error.into(),
            Error::Busy => Problem::unavailable(
                "the shop is busy and has not begun with the order: send the same request again",
            ),
            Error::Voided => Problem::unavailable(
                "the order took too long and its payment is voided: send the same request again",
            ),
            Error::IllegalMove(error) => Problem::internal(error),
        }
    }
}
