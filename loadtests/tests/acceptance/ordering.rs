//! Placing an order: its way to confirmed and dispatched, or to cancelled.

use contracts::http::{NewLine, PlaceOrder, ProductBody};
use domain::{Cancellation, Fact, Refusal, Status};

use crate::customer::order_of;
use crate::shops::{SOLD_OUT, shops};

#[tokio::test]
async fn a_paid_order_is_confirmed_and_dispatched_when_its_window_has_ended() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let sku = shop.product().await;
        let product: ProductBody = shop.get(&format!("/products/{sku}")).await.is(200).read();
        let order = PlaceOrder {
            lines: vec![NewLine { sku, quantity: 3 }],
            ..order_of::<&str>(&[])
        };

        let placed = customer.place(&order).await;
        assert_eq!(placed.total.minor, 3 * product.unit_price.minor);
        assert_eq!(placed.total.currency, product.unit_price.currency);
        assert_eq!(placed.lines.len(), 1);
        assert_eq!(placed.lines[0].unit_price, product.unit_price);
        assert!(matches!(placed.status, Status::Placed | Status::Confirmed));

        let settled = customer.settled(placed.id).await;
        assert_eq!((settled.status, settled.refusal), (Status::Confirmed, None));
        assert_eq!(settled.placed_at, placed.placed_at);

        let dispatched = customer.dispatched(placed.id).await;
        assert_eq!(dispatched.cancellation, Cancellation::None);
        let expected = [
            Fact::OrderPlaced,
            Fact::PaymentAuthorized,
            Fact::StockReserved,
            Fact::ShipmentScheduled,
            Fact::Dispatched,
        ];
        // Each service sends its own facts to the order service: the fact of a dispatch may arrive
        // before that of the payment.
        let all = |facts: &Vec<Fact>| facts.len() == expected.len();
        assert_eq!(customer.history_when(placed.id, all).await, expected);
    }
}

#[tokio::test]
async fn a_declined_payment_cancels_the_order() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let order = PlaceOrder {
            payment_method: "tok_declined".to_owned(),
            ..order_of(&[shop.product().await])
        };
        let placed = customer.place(&order).await;
        let settled = customer.settled(placed.id).await;
        assert_eq!(settled.status, Status::Cancelled);
        assert_eq!(settled.refusal, Some(Refusal::PaymentDeclined));
        assert_eq!(settled.cancellation, Cancellation::None);
        let history = customer.history(placed.id).await;
        assert_eq!(history, [Fact::OrderPlaced, Fact::PaymentDeclined]);
    }
}

#[tokio::test]
async fn an_order_that_is_sold_out_in_part_is_cancelled_as_a_whole() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let product = shop.product().await;
        for skus in [
            vec![SOLD_OUT.to_owned()],
            vec![product, SOLD_OUT.to_owned()],
        ] {
            let placed = customer.place(&order_of(&skus)).await;
            let settled = customer.settled(placed.id).await;
            assert_eq!(settled.status, Status::Cancelled);
            assert_eq!(settled.refusal, Some(Refusal::OutOfStock));
        }
    }
}
