//! The auth service on real Postgres, over HTTP.
#![allow(clippy::unwrap_used)]

#[path = "it/service.rs"]
mod service;

use contracts::http::AccessToken;
use reqwest::Client;
use serde_json::{Value, json};

use crate::service::Service;

#[tokio::test]
async fn a_login_gives_a_token_for_the_registered_customer() {
    let service = Service::start().await;
    let registered = service.register("Ada@example.org", "correct horse").await;
    assert_eq!(registered.status(), 201);
    let registered: AccessToken = registered.json().await.unwrap();

    let login = service.login("ada@example.org", "correct horse").await;
    assert_eq!(login.status(), 200);
    let login: AccessToken = login.json().await.unwrap();

    assert_eq!(
        (login.token_type.as_str(), login.expires_in),
        ("Bearer", 3600)
    );
    let customer = |token: AccessToken| service.tokens.verify(&token.access_token).unwrap();
    assert_eq!(customer(login), customer(registered));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_look_alike() {
    let service = Service::start().await;
    let registered = service.register("ada@example.org", "correct horse").await;
    assert_eq!(registered.status(), 201);

    let wrong = service.login("ada@example.org", "wrong horse").await;
    let unknown = service.login("bob@example.org", "correct horse").await;
    assert_eq!(
        (wrong.status().as_u16(), unknown.status().as_u16()),
        (401, 401)
    );
    assert_eq!(wrong.text().await.unwrap(), unknown.text().await.unwrap());
}

#[tokio::test]
async fn a_second_account_for_an_email_is_a_conflict() {
    let service = Service::start().await;
    let both = tokio::join!(
        service.register("ada@example.org", "correct horse"),
        service.register("ADA@example.org", "wrong horse"),
    );
    let mut statuses = [both.0.status().as_u16(), both.1.status().as_u16()];
    statuses.sort();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn credentials_that_cannot_be_are_named() {
    let service = Service::start().await;
    for path in ["/auth/register", "/auth/login"] {
        let response = service.post(path, "ada", "short").await;
        assert_eq!(response.status(), 422);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "email");
        assert_eq!(problem["errors"][1]["field"], "password");
    }
}

#[tokio::test]
async fn it_is_ready_while_its_database_is() {
    let service = Service::start().await;
    let ready = reqwest::get(service.running.url() + "/readyz")
        .await
        .unwrap();
    assert_eq!(ready.status(), 200);
}

#[tokio::test]
async fn a_flood_of_logins_is_refused_beyond_the_queue_and_the_rest_is_answered() {
    let service = Service::start().await;
    let registered = service.register("ada@example.org", "correct horse").await;
    assert_eq!(registered.status(), 201);

    let http = Client::new();
    let body = json!({"email": "ada@example.org", "password": "correct horse"});
    let login = || {
        http.post(service.running.url() + "/auth/login")
            .json(&body)
            .send()
    };
    let (mut answered, mut refused) = (0, 0);
    for answer in futures::future::join_all((0..250).map(|_| login())).await {
        let answer = answer.unwrap();
        match answer.status().as_u16() {
            200 => answered += 1,
            503 => {
                assert_eq!(answer.headers()["retry-after"], "1");
                refused += 1;
            }
            other => panic!("a login was answered with {other}"),
        }
    }
    assert!(
        answered > 0 && refused > 0,
        "{answered} answered, {refused} refused"
    );
    assert_eq!(
        service
            .login("ada@example.org", "correct horse")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_a_503() {
    let service = Service::start().await;
    let database = &service.database;
    let mut owner = database.connect().await.unwrap();
    for statement in [
        "alter role current_user set default_transaction_read_only = on",
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    ] {
        sqlx::raw_sql(statement).execute(&mut owner).await.unwrap();
    }

    // The first few find connections that were just closed.
    for n in 0..12 {
        let email = format!("ada-{n}@example.org");
        let answer = service.register(&email, "correct horse").await;
        assert_eq!(answer.status(), 503, "{}", answer.text().await.unwrap());
        assert_eq!(answer.headers()["retry-after"], "1");
    }
}

#[tokio::test]
async fn all_spellings_of_an_email_are_one_account() {
    let service = Service::start().await;
    let registered = service
        .register("\u{fc}@example.org", "correct horse")
        .await;
    assert_eq!(registered.status(), 201);
    for spelling in ["\u{dc}@example.org", "u\u{308}@example.org"] {
        let again = service.register(spelling, "correct horse").await;
        assert_eq!(again.status(), 409, "{spelling}");
        let login = service.login(spelling, "correct horse").await;
        assert_eq!(login.status(), 200, "{spelling}");
    }
}
