//! Customers and their password hashes.

use domain::{CustomerId, Email};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

/// An account, as signing in needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub customer: CustomerId,
    /// A PHC string.
    pub password_hash: String,
}

/// Opens an account. `false`, and nothing written, when the email has one, in any spelling.
pub async fn insert(
    tx: &mut PgConnection,
    customer: CustomerId,
    email: &Email,
    password_hash: &str,
) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "insert into customers (id, email, email_key, password_hash)
         values ($1, $2, $3, $4)
         on conflict do nothing",
    )
    .bind(customer.0)
    .bind(email.as_str())
    .bind(email.key())
    .bind(password_hash)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// The account with this email, in any spelling. One from before keys were kept is found in the
/// spelling that it was opened with, in any case.
pub async fn find_by_email(
    connection: &mut PgConnection,
    email: &Email,
) -> Result<Option<Account>, Error> {
    let found: Option<(Uuid, String)> = sqlx::query_as(
        "select id, password_hash from customers
         where email_key = $1 or (email_key is null and lower(email) = lower($2))
         order by email_key nulls first
         limit 1",
    )
    .bind(email.key())
    .bind(email.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(id, password_hash)| Account {
        customer: CustomerId(id),
        password_hash,
    }))
}
