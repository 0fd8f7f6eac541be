//! Customers and their password hashes.

use domain::{CustomerId, Email};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

/// The part of an account that login needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The customer who owns the account.
    pub customer: CustomerId,
    /// The hash as a PHC string.
    pub password_hash: String,
}

/// Inserts an account. Returns `false`, and writes nothing, if the email has one in any spelling.
///
/// # Errors
/// When the database fails.
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

/// Finds the account with this email, in any spelling. An account without a key, from an earlier
/// version, is found by its email in upper or lower case only.
///
/// # Errors
/// When the database fails.
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
