//! Orders and their facts.

use super::*;

#[tokio::test]
async fn an_order_is_read_back_as_it_was_placed() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.order(&[(2, 3), (0, 1)]);

    let placed = orders::insert(&mut db, order.clone(), &key("a"), &[Fact::OrderPlaced])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(placed.order, order);
    assert_eq!(placed.facts, Facts::none().with(Fact::OrderPlaced));

    let found = orders::find(&mut db, order.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&placed));
    let all = orders::find_all(&mut db, [OrderId::new(), order.id]).await;
    assert_eq!(all.unwrap(), [placed]);
    assert_eq!(orders::find(&mut db, OrderId::new()).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_key_places_one_order_of_a_customer() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let first = shop.order(&[(0, 1)]);
    let again = Order {
        id: OrderId::new(),
        ..first.clone()
    };
    let of_another = shop.order(&[(0, 1)]);

    assert!(
        orders::insert(&mut db, first.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        orders::insert(&mut db, again.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        orders::insert(&mut db, of_another.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_some()
    );

    let found = orders::find_by_key(&mut db, first.customer, "k")
        .await
        .unwrap();
    assert_eq!(found, Some((first.id, key("k").request)));
    assert_eq!(orders::find(&mut db, again.id).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_orders_under_one_key_at_the_same_time_one_is_placed() {
    let shop = Shop::open().await;
    let (mut one, mut two) = (shop.connect().await, shop.connect().await);
    let first = shop.order(&[(0, 1)]);
    let second = Order {
        id: OrderId::new(),
        ..first.clone()
    };
    let idempotency = key("k");

    let mut tx = one.begin().await.unwrap();
    assert!(
        orders::insert(&mut tx, first.clone(), &idempotency, &[])
            .await
            .unwrap()
            .is_some()
    );
    let (waited, ()) = tokio::join!(
        orders::insert(&mut two, second.clone(), &idempotency, &[]),
        async {
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(waited.unwrap(), None);
}

#[tokio::test]
async fn a_fact_keeps_its_first_record() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let facts = [
        (order.id, Fact::OrderPlaced),
        (order.id, Fact::PaymentAuthorized),
    ];

    facts::record(&mut db, facts).await.unwrap();
    let once = facts::history(&mut db, order.id).await.unwrap();
    facts::record(&mut db, facts.into_iter().rev())
        .await
        .unwrap();
    let twice = facts::history(&mut db, order.id).await.unwrap();

    assert_eq!(once, twice);
    assert_eq!(once.len(), 2);
}

#[tokio::test]
async fn a_status_follows_from_the_recorded_facts() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let facts = [Fact::OrderPlaced, Fact::PaymentDeclined];
    facts::record(&mut db, facts.map(|fact| (order.id, fact)))
        .await
        .unwrap();
    let record = orders::find(&mut db, order.id).await.unwrap().unwrap();
    assert_eq!(record.status(), Status::Cancelled);
}

#[tokio::test]
async fn orders_are_listed_newest_first_and_page_by_page() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let customer = CustomerId::new();
    let mut placed = vec![];
    for n in 0..5 {
        let order = Order {
            customer,
            ..shop.order(&[(0, 1)])
        };
        placed.insert(0, order.id);
        orders::insert(&mut db, order, &key(&n.to_string()), &[])
            .await
            .unwrap();
    }
    shop.placed(&mut db).await;

    let mut seen = vec![];
    let mut after = None;
    loop {
        let page = orders::list(&mut db, customer, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.order.id);
        seen.extend(page.iter().map(|record| record.order.id));
    }
    assert_eq!(seen, placed);
}

#[tokio::test]
async fn an_unknown_fact_is_an_error_and_no_guess() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    sqlx::query("insert into order_facts (order_id, fact) values ($1, 'order_lost')")
        .bind(order.id.0)
        .execute(&mut db)
        .await
        .unwrap();
    let error = orders::find(&mut db, order.id).await.unwrap_err();
    assert!(error.to_string().contains("order_lost"), "{error}");
}
