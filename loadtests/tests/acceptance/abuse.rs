//! Abuse: what only an attacker or a broken client sends. Each table has one row per abuse: its
//! name, what is sent, and what is expected. Both architectures answer alike.
//!
//! The test uses the shops alone: it takes nearly all of their connections, and at the end it
//! audits them. Its slowest rows wait until the server ends a connection, after 30 s.

mod audit;
mod connections;
mod memory;
mod requests;
mod sequences;
mod tokens;

use domain::Status;
use futures::future::join_all;

use crate::customer::order_of;
use crate::shops::{Shop, shops_alone};

#[tokio::test]
async fn abuse_is_refused_and_harms_nothing() {
    let (_alone, shops) = shops_alone().await;
    let surprises: Vec<String> = join_all(shops.iter().map(abuse)).await.concat();
    assert!(surprises.is_empty(), "{surprises:#?}");
}

/// Returns what was not as expected.
async fn abuse(shop: &Shop) -> Vec<String> {
    let mut surprises = vec![];
    surprises.extend(requests::surprises(shop).await);
    surprises.extend(tokens::surprises(shop).await);
    surprises.extend(sequences::surprises(shop).await);
    surprises.extend(connections::surprises(shop).await);

    let customer = shop.customer().await;
    let placed = customer.place(&order_of(&[shop.product().await])).await;
    let settled = customer.settled(placed.id).await;
    assert_eq!(settled.status, Status::Confirmed);
    surprises.extend(audit::surprises(shop, &placed).await);
    surprises
}
