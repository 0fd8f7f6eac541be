//! The errors of the monolith's use cases. A business "no" is a value, not an error.

use chassis::Problem;
use domain::IllegalMove;
use storefront::ProviderError;
use thiserror::Error;

/// Why a use case has failed.
#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The limit of orders that are placed at a time is reached.
    #[error("too many orders are being placed")]
    Busy,
    /// Only the database knows whether the order is committed.
    #[error("the commit failed: {0}")]
    Commit(#[source] sqlx::Error),
    /// The sweep came first, so the payment is voided.
    #[error("the order took too long: its authorization was voided")]
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
                "the shop is busy and has not placed the order: send the same request again",
            ),
            Error::Voided => Problem::unavailable(
                "the order took too long and its payment was voided: send the same request again",
            ),
            Error::IllegalMove(error) => Problem::internal(error),
        }
    }
}
