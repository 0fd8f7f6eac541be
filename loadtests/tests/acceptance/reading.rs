//! Reading products and orders, page by page.

use contracts::http::ProductPage;
use uuid::Uuid;

use crate::customer::{Customer, order_of};
use crate::shops::{SOLD_OUT, shops};

async fn pages(customer: &Customer, limit: usize) -> Vec<Vec<Uuid>> {
    let mut pages = vec![];
    let mut after = String::new();
    loop {
        let page = customer
            .get(&format!("/orders?limit={limit}{after}"))
            .await
            .page();
        pages.push(page.items.iter().map(|order| order.id).collect());
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn orders_are_read_page_by_page_the_newest_first() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let order = order_of(&[SOLD_OUT]);
        let mut placed = vec![];
        for _ in 0..5 {
            placed.insert(0, customer.place(&order).await.id);
        }

        assert_eq!(pages(&customer, 100).await, [placed.clone()]);
        assert_eq!(pages(&customer, 3).await, [&placed[..3], &placed[3..]]);
        let by_five = pages(&customer, 5).await.concat();
        assert_eq!(by_five, placed);
        assert_eq!(pages(&customer, 1).await.concat(), placed);
    }
}

#[tokio::test]
async fn a_page_is_not_disturbed_by_new_orders() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let order = order_of(&[SOLD_OUT]);
        let first = customer.place(&order).await.id;
        let second = customer.place(&order).await.id;

        let page = customer.get("/orders?limit=1").await.page();
        assert_eq!(page.items[0].id, second);
        customer.place(&order).await;
        let after = page.next.unwrap();
        let page = customer
            .get(&format!("/orders?limit=1&after={after}"))
            .await
            .page();
        assert_eq!(page.items[0].id, first);
    }
}

#[tokio::test]
async fn products_are_read_page_by_page_in_the_order_of_their_skus() {
    for shop in shops().await {
        let mut skus: Vec<String> = vec![];
        let mut after = String::new();
        loop {
            let page = shop
                .get(&format!("/products?limit=40{after}"))
                .await
                .is(200);
            let page: ProductPage = page.read();
            assert!(page.items.len() <= 40);
            skus.extend(page.items.into_iter().map(|product| product.sku));
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert!(skus.iter().any(|sku| sku == SOLD_OUT));
        assert!(skus.windows(2).all(|pair| pair[0] < pair[1]), "{skus:?}");
    }
}

#[tokio::test]
async fn products_are_read_without_a_token() {
    for shop in shops().await {
        let sku = shop.product().await;
        let product = shop.get(&format!("/products/{sku}")).await.is(200).json();
        assert_eq!(product["sku"], sku);
        assert!(product["unit_price"]["minor"].as_i64().unwrap() > 0);
        shop.get("/products/no-such-product").await.problem(404);
    }
}
