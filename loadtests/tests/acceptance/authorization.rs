//! Authorization: what a request without a valid token, or with that of another customer, may do.

use reqwest::Method;
use uuid::Uuid;

use crate::answer::Answer;
use crate::customer::{Customer, order_of};
use crate::shops::shops;

/// A forged token: it names another customer under the old signature.
fn forged(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = parts[1].to_owned().into_bytes();
    let middle = claims.len() / 2;
    claims[middle] = if claims[middle] == b'A' { b'B' } else { b'A' };
    format!(
        "{}.{}.{}",
        parts[0],
        String::from_utf8(claims).unwrap(),
        parts[2]
    )
}

#[tokio::test]
async fn orders_are_only_for_signed_in_customers() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let id = Uuid::now_v7();
        for (method, path) in [
            (Method::GET, "/orders".to_owned()),
            (Method::POST, "/orders".to_owned()),
            (Method::GET, format!("/orders/{id}")),
            (Method::GET, format!("/orders/{id}/history")),
            (Method::POST, format!("/orders/{id}/cancel")),
        ] {
            let request = || shop.request(method.clone(), &path);
            let answer = Answer::to(request()).await;
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            answer.problem(401);

            for token in ["", "x", &forged(&customer.token), &customer.token[1..]] {
                Answer::to(request().bearer_auth(token)).await.problem(401);
            }
            let basic = request().basic_auth("ada", Some("correct horse"));
            Answer::to(basic).await.problem(401);
        }
    }
}

#[tokio::test]
async fn another_customers_order_does_not_exist() {
    for shop in shops().await {
        let (ada, bob) = (shop.customer().await, shop.customer().await);
        let order = ada.place(&order_of(&[&shop.product().await])).await;
        let looks_like = async |customer: &Customer, id: Uuid| {
            let problem = customer.get(&format!("/orders/{id}")).await.problem(404);
            customer
                .get(&format!("/orders/{id}/history"))
                .await
                .problem(404);
            customer.cancel(id).await.problem(404);
            (problem.kind, problem.title)
        };

        let of_ada = looks_like(&bob, order.id).await;
        let unknown = looks_like(&bob, Uuid::now_v7()).await;
        assert_eq!(of_ada, unknown);
        assert_eq!(bob.get("/orders").await.page().items, []);

        let settled = ada.settled(order.id).await;
        assert_eq!(settled.cancellation, domain::Cancellation::None);
    }
}
