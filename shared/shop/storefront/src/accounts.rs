//! `POST /auth/register` and `POST /auth/login`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chassis::auth::TokenIssuer;
use chassis::{Json, Problem};
use contracts::http::{AccessToken, Credentials};
use domain::CustomerId;
use sqlx::PgPool;
use store::accounts;

use crate::passwords::{Passwords, PasswordsError};

#[derive(Clone)]
struct Accounts {
    db: PgPool,
    tokens: TokenIssuer,
    passwords: Passwords,
}

/// The routes, the same in both architectures, because an account needs one statement only.
pub fn routes(db: PgPool, tokens: TokenIssuer) -> Router {
    Router::new()
        .route("/auth/register", post(register))
        .route("/auth/login", post(login))
        .with_state(Accounts {
            db,
            tokens,
            passwords: Passwords::new(),
        })
}

async fn register(
    State(state): State<Accounts>,
    Json(credentials): Json<Credentials>,
) -> Result<(StatusCode, Json<AccessToken>), Problem> {
    let (email, password) = credentials.validate().map_err(Problem::invalid)?;
    let slot = state.passwords.queue()?;
    let customer = CustomerId::new();
    let hash = slot.hash(password).await?;

    let mut connection = database::lend(&state.db).await?;
    if !accounts::insert(&mut connection, customer, &email, &hash).await? {
        return Err(Problem::conflict(
            "this email has an account: sign in at /auth/login",
        ));
    }
    Ok((StatusCode::CREATED, token(&state.tokens, customer)?))
}

async fn login(
    State(state): State<Accounts>,
    Json(credentials): Json<Credentials>,
) -> Result<Json<AccessToken>, Problem> {
    let (email, password) = credentials.validate().map_err(Problem::invalid)?;
    let slot = state.passwords.queue()?;
    let account = accounts::find_by_email(&mut *database::lend(&state.db).await?, &email).await?;
    let (customer, hash) = account
        .map(|account| (account.customer, account.password_hash))
        .unzip();

    let verified = slot.verify(password, hash).await?;
    match customer.filter(|_| verified) {
        Some(customer) => token(&state.tokens, customer),
        None => Err(Problem::unauthorized(
            "no account has this email and password",
        )),
    }
}

fn token(tokens: &TokenIssuer, customer: CustomerId) -> Result<Json<AccessToken>, Problem> {
    Ok(Json(AccessToken {
        access_token: tokens.issue(customer.0).map_err(Problem::internal)?,
        token_type: "Bearer".to_owned(),
        expires_in: tokens.life().as_secs(),
    }))
}

impl From<PasswordsError> for Problem {
    fn from(error: PasswordsError) -> Problem {
        match error {
            PasswordsError::Busy => {
                Problem::unavailable("too many requests wait for a password check: try again")
            }
            error => Problem::internal(error),
        }
    }
}
