//! Accounts: registering, logging in, and requests with a token.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::answer::Answer;
use crate::shops::{Shop, shops};

async fn post(shop: &Shop, path: &str, email: &str, password: &str) -> Answer {
    let credentials = json!({"email": email, "password": password});
    Answer::to(shop.request(Method::POST, path).json(&credentials)).await
}

fn new_email() -> String {
    format!("{}@example.org", Uuid::now_v7())
}

#[tokio::test]
async fn a_registered_customer_can_sign_in() {
    for shop in shops().await {
        let email = new_email();
        let token = post(&shop, "/auth/register", &email, "correct horse")
            .await
            .token(201);
        assert_eq!(token.token_type, "Bearer");
        assert!(token.expires_in > 0);

        let token = post(&shop, "/auth/login", &email, "correct horse")
            .await
            .token(200);
        let orders = shop
            .request(Method::GET, "/orders")
            .bearer_auth(token.access_token);
        assert_eq!(Answer::to(orders).await.page().items, []);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_look_alike() {
    for shop in shops().await {
        let email = new_email();
        post(&shop, "/auth/register", &email, "correct horse")
            .await
            .token(201);

        let wrong = post(&shop, "/auth/login", &email, "wrong horse")
            .await
            .problem(401);
        let unknown = post(&shop, "/auth/login", &new_email(), "wrong horse")
            .await
            .problem(401);
        assert_eq!(wrong, unknown);
    }
}

#[tokio::test]
async fn an_email_has_one_account_in_any_case() {
    for shop in shops().await {
        let email = new_email();
        post(&shop, "/auth/register", &email, "correct horse")
            .await
            .token(201);
        let again = post(
            &shop,
            "/auth/register",
            &email.to_uppercase(),
            "another horse",
        )
        .await;
        again.problem(409);
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_are_named() {
    for shop in shops().await {
        let check = async |email: &str, password: &str, named: &[&str]| {
            post(&shop, "/auth/register", email, password)
                .await
                .names(422, named);
        };
        check("", "correct horse", &["email"]).await;
        check("ada@example.org\u{0}", "correct horse", &["email"]).await;
        check("ada@example.org", "short", &["password"]).await;
        check("ada", "", &["email", "password"]).await;
    }
}
