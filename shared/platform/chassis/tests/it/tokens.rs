//! Access tokens and their keys.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use chassis::auth::{Bearer, KeyPair, TokenIssuer, TokenVerifier};
use chassis::config::{Serving, TokenKey, TokenSigning};
use chassis::launch;
use reqwest::{Client, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::problem;

#[derive(Clone, FromRef)]
struct State {
    tokens: TokenVerifier,
}

#[tokio::test]
async fn only_a_valid_token_identifies_a_customer() {
    let (ours, others) = (KeyPair::generate(), KeyPair::generate());
    let issuer = |keys: &KeyPair, auth_token_life_s| {
        let auth_private_key = keys.private.clone();
        let settings = TokenSigning {
            auth_private_key,
            auth_token_life_s,
        };
        TokenIssuer::new(&settings, "tests").unwrap()
    };
    let auth_public_key = ours.public.clone();
    let tokens = TokenVerifier::new(&TokenKey { auth_public_key }, "tests").unwrap();
    let routes = Router::new()
        .route("/me", get(async |Bearer(id): Bearer| id.to_string()))
        .with_state(State { tokens });
    let stop = CancellationToken::new();
    let server = launch("test", Serving::on_free_port(), stop, async |_| Ok(routes))
        .await
        .unwrap();
    let me = async |authorization: &str| {
        let request = Client::new().get(server.url() + "/me");
        request
            .header("authorization", authorization)
            .send()
            .await
            .unwrap()
    };
    let customer = uuid::Uuid::now_v7();

    let token = issuer(&ours, 60).issue(customer).unwrap();
    let response = me(&format!("Bearer {token}")).await;
    assert_eq!(response.text().await.unwrap(), customer.to_string());

    let (head, signature) = token.rsplit_once('.').unwrap();
    let forged = issuer(&others, 60).issue(customer).unwrap();
    let expired = issuer(&ours, 0).issue(customer).unwrap();
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        &format!("Basic {token}"),
        &format!("Bearer {head}"),
        &format!("Bearer {head}."),
        &format!("Bearer {head}.{}", &signature[1..]),
        &format!("Bearer {forged}"),
        &format!("Bearer {expired}"),
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ] {
        let response = me(bad).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{bad}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        problem(response).await;
    }
}

#[tokio::test]
async fn a_key_on_one_line_is_read() {
    let keys = KeyPair::generate();
    let folded = keys.public.expose().replace('\n', "\\n");
    let auth_public_key = chassis::config::Secret::new(folded);
    assert!(TokenVerifier::new(&TokenKey { auth_public_key }, "tests").is_ok());

    let auth_public_key = keys.private;
    let error = TokenVerifier::new(&TokenKey { auth_public_key }, "tests")
        .err()
        .unwrap();
    assert!(error.to_string().contains("AUTH_PUBLIC_KEY"));
}
