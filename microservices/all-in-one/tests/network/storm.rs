//! Delays, cuts, half-open connections, silence and leaving clients, all at once for a while.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use sandbox::testing::until;
use sandbox::{Direction, PostgresProxy};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::shop::{BOTH, CONNECTIONS, PRODUCTS, Shop};

const CLIENTS: usize = 8;
/// How soon a shop is whole again. Unoptimised and on a busy machine the services have taken longer
/// than the 5 s of a release build; every new connection has its password to hash.
const RECOVERY: Duration = match cfg!(debug_assertions) {
    true => Duration::from_secs(30),
    false => Duration::from_secs(5),
};
/// Messages that failed come back after a backoff that grows with the storm.
const SETTLING: Duration = Duration::from_secs(240);

/// What the shop acknowledged.
#[derive(Default)]
struct Acknowledged {
    emails: Mutex<Vec<String>>,
    orders: Mutex<HashSet<Uuid>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_leaves_no_transaction_and_breaks_no_promise() {
    let seconds = std::env::var("NETWORK_STORM_S").map_or(8, |text| text.parse().unwrap());
    for kind in BOTH {
        let shop = Shop::start(kind, CONNECTIONS, Duration::from_secs(2)).await;
        let (acknowledged, end) = (
            Acknowledged::default(),
            Instant::now() + Duration::from_secs(seconds),
        );
        let clients = (0..CLIENTS).map(|n| client(&shop, &acknowledged, n, end));
        let faults = async {
            let registered = async || acknowledged.emails.lock().unwrap().len() == CLIENTS;
            until("all clients have an account", registered).await;
            inject_faults(&shop.proxy, end).await;
        };
        tokio::join!(join_all(clients), faults);
        shop.proxy.heal();

        recovers(&shop).await;
        settles(&shop).await;
        audit(&shop, &acknowledged).await;
        let orders = acknowledged.orders.lock().unwrap().len();
        println!("{kind:?}: {orders} orders acknowledged");
        assert!(
            orders > 2 * CLIENTS,
            "the storm was too strong to say anything"
        );
    }
}

/// Injects one fault after another, with a pause between them.
async fn inject_faults(proxy: &PostgresProxy, end: Instant) {
    const STEP: Duration = Duration::from_millis(200);
    for n in 0.. {
        if Instant::now() + STEP > end {
            return;
        }
        match n % 9 {
            0 => proxy.delay_answer("begin", Duration::from_secs(1)),
            1 => proxy.delay_answer("commit", Duration::from_secs(1)),
            2 => proxy.cut(),
            3 => proxy.delay_answer("insert", Duration::from_secs(1)),
            4 => proxy.half_open(),
            5 => proxy.lose_answer("commit"),
            6 => proxy.blackhole(),
            7 => proxy.delay(Direction::ToServer, Duration::from_millis(20)),
            _ => proxy.delay(Direction::ToClient, Duration::from_millis(20)),
        }
        sleep(STEP).await;
        if n % 9 == 4 {
            // The host is back and knows nothing of its connections.
            proxy.cut();
        }
        proxy.heal();
        sleep(STEP).await;
    }
}

/// Orders. Every second request times out before its answer, and is then repeated under the
/// same key. Registers now and then.
async fn client(shop: &Shop, acknowledged: &Acknowledged, n: usize, end: Instant) {
    let email = format!("{n}@example.org");
    let token = loop {
        // All at once they may take longer than a request may, as hashing is slow on purpose.
        if let Some(token) = acknowledged.register(shop, email.clone()).await {
            break token;
        }
    };
    for m in 0.. {
        if Instant::now() > end {
            return;
        }
        if m % 10 == 9 {
            let email = format!("{n}-{m}@example.org");
            acknowledged.register(shop, email).await;
        }
        let first_timeout = match m % 2 {
            0 => Duration::from_millis(10 + (n * 37 + m * 53) as u64 % 200),
            _ => Duration::from_secs(10),
        };
        for timeout in [first_timeout, Duration::from_secs(10)] {
            let order = shop.order(&token, (n * 7 + m) % PRODUCTS, &m.to_string());
            // An answer whose body did not arrive in time is no answer: the request is repeated.
            if let Ok(answer) = order.timeout(timeout).send().await
                && answer.status() == 201
                && let Ok(order) = answer.json::<Value>().await
            {
                let id = order["id"].as_str().unwrap().parse().unwrap();
                acknowledged.orders.lock().unwrap().insert(id);
                break;
            }
        }
        shop.status("/products").await;
    }
}

impl Acknowledged {
    async fn register(&self, shop: &Shop, email: String) -> Option<String> {
        let token = shop.register(&email).await?;
        self.emails.lock().unwrap().push(email);
        Some(token)
    }
}

/// No connection is in a transaction, and the whole pool can be used at once.
async fn recovers(shop: &Shop) {
    let healed = Instant::now();
    loop {
        let reads = (0..CONNECTIONS * 2).map(|_| shop.status("/products"));
        let answered = join_all(reads)
            .await
            .into_iter()
            .all(|status| status == 200);
        let open = shop.in_transaction().await;
        if answered && open == 0 {
            println!("whole again after {:?}", healed.elapsed());
            return;
        }
        let late = healed.elapsed() > RECOVERY;
        assert!(
            !late,
            "after {RECOVERY:?}: answered {answered}, in a transaction {open}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

/// Every order is dispatched and captured.
async fn settles(shop: &Shop) {
    const OPEN: &str = "
        select (select count(*) from orders where not exists (
                    select from order_facts where order_id = id and fact = 'dispatched'))
             + (select count(*) from payments where state <> 'captured')
             + (select count(*) from shipments where state <> 'dispatched')";
    let deadline = Instant::now() + SETTLING;
    loop {
        let open = shop.count(OPEN).await;
        if open == 0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{open} orders, payments or shipments are open"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

async fn audit(shop: &Shop, acknowledged: &Acknowledged) {
    let emails = acknowledged.emails.lock().unwrap().join("','");
    let kept = format!("select count(*) from customers where email in ('{emails}')");
    let expected = acknowledged.emails.lock().unwrap().len() as i64;
    assert_eq!(shop.count(&kept).await, expected, "customers are kept");

    let orders: Vec<Uuid> = acknowledged
        .orders
        .lock()
        .unwrap()
        .iter()
        .copied()
        .collect();
    let listed = orders
        .iter()
        .map(Uuid::to_string)
        .collect::<Vec<_>>()
        .join("','");
    let kept = format!("select count(*) from orders where id::text in ('{listed}')");
    assert_eq!(
        shop.count(&kept).await,
        orders.len() as i64,
        "orders are kept"
    );

    const UNLIKE: &str = "
        select count(*) from orders o
        full join payments p on p.order_id = o.id full join shipments s on s.order_id = o.id
        full join reservations r on r.order_id = o.id
        where p.state is distinct from 'captured' or s.state is distinct from 'dispatched'
           or r.state is distinct from 'held' or p.amount_minor is distinct from o.total_minor";
    assert_eq!(
        shop.count(UNLIKE).await,
        0,
        "one payment, reservation and shipment per order"
    );
    const STOCK: &str = "
        select count(*) from stock where sku <> 'sold-out' and available + reserved <> 10000000";
    assert_eq!(shop.count(STOCK).await, 0, "stock is conserved");
    const RESERVED: &str = "
        select (select coalesce(sum(reserved), 0) from stock)::bigint
             - (select coalesce(sum(quantity), 0) from reservations, unnest(quantities) quantity
                where state = 'held')::bigint";
    assert_eq!(
        shop.count(RESERVED).await,
        0,
        "what is reserved is held by an order"
    );
    // Those of no order are authorized and voided later, or were voided.
    let ledger = shop.provider.ledger();
    let captured = ledger
        .iter()
        .filter(|entry| entry.status == payment_provider::Status::Captured);
    let payments = shop.count("select count(*) from payments").await;
    assert_eq!(
        captured.count() as i64,
        payments,
        "the provider has captured as much"
    );
}
