//! Secrets: none is logged, not even at the level trace, and none is on a command line.

use std::fs;

use contracts::http::{AccessToken, PlaceOrder};
use harness::deployment::{Deployment, Infrastructure};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::answer::Answer;
use crate::customer::order_of;
use crate::shops::{Shop, Started, own_shops};

/// A secret with its name for the message.
type Secret = (String, String);

#[tokio::test]
async fn no_secret_is_in_a_log_or_on_a_command_line() {
    // Shops of its own, since logs of everything make them slow.
    for shop in own_shops("secrets", "trace").await.into_iter().flatten() {
        let Started {
            infrastructure,
            deployment,
        } = shop.started.as_ref().unwrap();
        let mut secrets = secrets_of(infrastructure, deployment);
        let order = use_everything(&shop, &mut secrets).await;

        let logs = fs::read_dir(infrastructure.logs.join(deployment.arm.code())).unwrap();
        let mut text = String::new();
        for log in logs {
            let path = log.unwrap().path();
            let log = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            check(&path.display().to_string(), &log, &secrets);
            text += &log;
        }
        assert!(text.contains("TRACE") && text.contains(&order.to_string()));

        for process in fs::read_dir("/proc").unwrap() {
            let path = process.unwrap().path().join("cmdline");
            // Other entries, and processes that have just ended, have none.
            let arguments = fs::read(&path).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments);
            check(&path.display().to_string(), &arguments, &secrets);
        }
    }
}

/// The secrets that a deployment gets from its environment.
fn secrets_of(infrastructure: &Infrastructure, deployment: &Deployment) -> Vec<Secret> {
    let key = infrastructure.keys.private.expose();
    let key = key.lines().filter(|line| !line.starts_with('-'));
    let mut secrets: Vec<Secret> = key.map(|line| named("private key", line)).collect();
    for (context, database) in &deployment.databases {
        let (_, after_role) = database
            .url
            .split_once("://")
            .unwrap()
            .1
            .split_once(':')
            .unwrap();
        let password = after_role.split_once('@').unwrap().0;
        secrets.push(named(
            &format!("password of the database {context}"),
            password,
        ));
    }
    secrets
}

/// Registers, signs in, places an order and cancels it. Adds the secrets of the customer.
async fn use_everything(shop: &Shop, secrets: &mut Vec<Secret>) -> Uuid {
    let password = format!("correct horse {}", Uuid::now_v7());
    let credentials = json!({"email": format!("{}@example.org", Uuid::now_v7()),
                             "password": password});
    let sign_in = async |path| -> AccessToken {
        let answer = Answer::to(shop.request(Method::POST, path).json(&credentials)).await;
        assert!(answer.status < 300, "{answer:?}");
        answer.read()
    };
    let first = sign_in("/auth/register").await.access_token;
    let second = sign_in("/auth/login").await.access_token;
    let refused = format!("{first}x");

    let card = format!("tok_{}", Uuid::now_v7().simple());
    let customer = shop.customer_with(&first);
    let order = PlaceOrder {
        payment_method: card.clone(),
        ..order_of(&[shop.product().await])
    };
    let placed = customer.place(&order).await;
    customer.settled(placed.id).await;
    customer.cancel(placed.id).await.is(202);
    let request = shop.request(Method::GET, "/orders");
    Answer::to(request.bearer_auth(refused)).await.problem(401);

    let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
    secrets.extend([
        named("customer's password", &password),
        named("token of the registration", &signature(&first)),
        named("token of the login", &signature(&second)),
        named("card", &card),
    ]);
    placed.id
}

fn named(name: &str, secret: &str) -> Secret {
    (name.to_owned(), secret.to_owned())
}

fn check(place: &str, text: &str, secrets: &[Secret]) {
    for (name, secret) in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "the {name} is in {place}");
    }
}
