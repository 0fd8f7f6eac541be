//! Repeated requests: an idempotency key places one order.

use contracts::http::PlaceOrder;
use futures::future::join_all;

use crate::customer::{new_key, order_of};
use crate::shops::shops;

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let (order, key) = (order_of(&[shop.product().await]), new_key());

        let first = customer.post_order_as(&key, &order).await.order(201);
        let again = customer.post_order_as(&key, &order).await.order(201);
        assert_eq!(again.id, first.id);
        assert_eq!(customer.get("/orders").await.page().items.len(), 1);

        let other = customer.post_order(&order).await.order(201);
        assert_ne!(other.id, first.id);
    }
}

#[tokio::test]
async fn repetitions_at_the_same_time_are_one_order() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let (order, key) = (order_of(&[shop.product().await]), new_key());

        let sent = (0..8).map(|_| customer.post_order_as(&key, &order));
        let answers = join_all(sent).await;
        let ids: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.order(201).id)
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(customer.get("/orders").await.page().items.len(), 1);
    }
}

#[tokio::test]
async fn the_same_key_with_another_order_is_refused() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let (order, key) = (order_of(&[shop.product().await]), new_key());
        customer.post_order_as(&key, &order).await.order(201);

        let other = PlaceOrder {
            payment_method: "tok_declined".to_owned(),
            ..order
        };
        customer
            .post_order_as(&key, &other)
            .await
            .names(422, &["Idempotency-Key"]);
        assert_eq!(customer.get("/orders").await.page().items.len(), 1);
    }
}

#[tokio::test]
async fn a_key_is_its_customers_own() {
    for shop in shops().await {
        let (ada, bob) = (shop.customer().await, shop.customer().await);
        let (order, key) = (order_of(&[shop.product().await]), new_key());
        let of_ada = ada.post_order_as(&key, &order).await.order(201);
        let of_bob = bob.post_order_as(&key, &order).await.order(201);
        assert_ne!(of_ada.id, of_bob.id);
    }
}

#[tokio::test]
async fn an_order_needs_a_key() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let order = order_of(&[shop.product().await]);
        let named = &["Idempotency-Key"];

        let without = customer
            .request(reqwest::Method::POST, "/orders")
            .json(&order);
        crate::answer::Answer::to(without).await.names(422, named);
        customer.post_order_as("", &order).await.names(422, named);
        customer
            .post_order_as(&"k".repeat(256), &order)
            .await
            .names(422, named);
    }
}
