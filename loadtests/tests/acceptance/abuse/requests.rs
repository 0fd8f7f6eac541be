//! Abuse of fields: requests that are HTTP, with values that no field should get.

use reqwest::Method;
use uuid::Uuid;

use crate::answer::Answer;
use crate::customer::{Customer, new_key};
use crate::shops::Shop;

struct Row {
    name: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    expected: u16,
}

pub(super) async fn surprises(shop: &Shop) -> Vec<String> {
    let customer = shop.customer().await;
    let sku = shop.product().await;
    let rows = strings(&sku)
        .into_iter()
        .chain(numbers(&sku))
        .chain(nesting(&sku))
        .chain(addresses())
        .chain(headers(&sku));
    let mut surprises = surprises_of(&customer, rows).await;
    surprises.extend(priceless(shop, &customer).await);
    surprises
}

/// Every string in a body. The texts are JSON, and a password may be any text of the right length.
fn strings(sku: &str) -> Vec<Row> {
    let long = format!("\"{}\"", "x".repeat(60_000));
    let texts: [(&str, &[u8], u16, u16); 12] = [
        ("SQL", br#""'); drop table orders; --""#, 422, 201),
        (
            "more SQL",
            br#""' or '1'='1' union select * from accounts --""#,
            422,
            201,
        ),
        ("U+0000", br#""password\u0000""#, 422, 201),
        ("only U+0000", br#""\u0000""#, 422, 422),
        ("half a surrogate pair", br#""password\ud800""#, 400, 400),
        ("invalid UTF-8", b"\"password\xff\"", 400, 400),
        ("a raw control character", b"\"password\x01\"", 400, 400),
        ("60,000 characters", long.as_bytes(), 422, 422),
        (
            "right-to-left text",
            "\"\u{202e}password\"".as_bytes(),
            422,
            201,
        ),
        ("an object", br#"{"$ne": null}"#, 422, 422),
        ("a number", b"1", 422, 422),
        ("null", b"null", 422, 422),
    ];
    let mut rows = vec![];
    for (name, text, expected, of_a_password) in texts {
        let json = |before: &str, after: &str| [before.as_bytes(), text, after.as_bytes()].concat();
        let email = Uuid::now_v7();
        let with_sku = json(
            r#"{"lines":[{"quantity":1,"sku":"#,
            r#"}],"payment_method":"tok_ok"}"#,
        );
        let with_card = json(
            &format!(r#"{{"lines":[{{"sku":"{sku}","quantity":1}}],"payment_method":"#),
            "}",
        );
        let with_email = json(r#"{"password":"correct horse","email":"#, "}");
        let with_password = json(
            &format!(r#"{{"email":"{email}@example.org","password":"#),
            "}",
        );
        rows.extend([
            order(format!("{name} as a SKU"), with_sku, expected),
            order(format!("{name} as a card"), with_card, expected),
            post(
                "/auth/register",
                format!("{name} as an email"),
                with_email.clone(),
                expected,
            ),
            post(
                "/auth/login",
                format!("{name} as an email"),
                with_email,
                expected,
            ),
            post(
                "/auth/register",
                format!("{name} as a password"),
                with_password,
                of_a_password,
            ),
        ]);
    }
    rows
}

/// Quantities beyond every limit, and prices that are not the client's to set.
fn numbers(sku: &str) -> Vec<Row> {
    let quantity = |number: &str, expected| {
        let body = format!(
            r#"{{"lines":[{{"sku":"{sku}","quantity":{number}}}],"payment_method":"tok_ok"}}"#
        );
        order(format!("a quantity of {number}"), body.into(), expected)
    };
    let priced = |field: &str| {
        let body = format!(
            r#"{{"lines":[{{"sku":"{sku}","quantity":1{field}}}],"payment_method":"tok_ok"}}"#
        );
        order(format!("a price in a line: {field}"), body.into(), 422)
    };
    let total = format!(
        r#"{{"lines":[{{"sku":"{sku}","quantity":1}}],"payment_method":"tok_ok","total":1}}"#
    );
    vec![
        quantity("2147483648", 422),
        quantity("4294967297", 422),
        quantity("9223372036854775807", 422),
        quantity("9223372036854775808", 422),
        quantity("18446744073709551617", 422),
        quantity("-9223372036854775809", 422),
        quantity("1e2", 422),
        quantity("1e999", 400),
        quantity("NaN", 400),
        quantity("0x10", 400),
        quantity("1,\"quantity\":1000", 422),
        priced(r#","unit_price":0"#),
        priced(r#","unit_price":{"minor":-1,"currency":"EUR"}"#),
        priced(r#","price_minor":9223372036854775807"#),
        order("a total".to_owned(), total.into(), 422),
    ]
}

fn nesting(sku: &str) -> Vec<Row> {
    let deep = |before: &str, open: &str, expected| {
        let body = format!("{before}{}", open.repeat(12_000));
        order(format!("deep JSON: {before}{open}"), body.into(), expected)
    };
    let line = format!(r#"{{"sku":"{sku}","quantity":1}}"#);
    let many = vec![line; 1000].join(",");
    let many = format!(r#"{{"payment_method":"tok_ok","lines":[{many}]}}"#);
    vec![
        deep("", "[", 400),
        deep("", r#"{"a":"#, 422),
        deep(r#"{"lines":"#, "[", 400),
        deep(r#"{"lines":[{"sku":"#, "[", 422),
        deep(r#"{"payment_method":"#, r#"{"a":"#, 422),
        order("1,000 lines".to_owned(), many.into(), 422),
    ]
}

fn addresses() -> Vec<Row> {
    let sql = "%27);drop%20table%20orders;--";
    vec![
        read(&format!("/products/{sql}"), 404),
        read(&format!("/products/{}", "x".repeat(8000)), 404),
        read("/products/%00", 404),
        read("/products/%ff", 400),
        read(&format!("/products?after={sql}"), 422),
        read("/products?after=%00", 422),
        read("/products?after=%ff", 422),
        read(&format!("/products?limit={sql}"), 400),
        read("/products?limit=-9223372036854775809", 400),
        read("/products?limit=1&limit=2", 400),
        read("/products?order%20by=price", 400),
        read(&format!("/orders/{sql}"), 400),
        read("/orders/%00", 400),
        read(&format!("/orders?after={sql}"), 400),
        read("/orders?after=%00", 400),
        read("/orders/%2e%2e%2f%2e%2e%2fetc%2fpasswd/history", 400),
    ]
}

fn headers(sku: &str) -> Vec<Row> {
    let with = |name: &'static str, value: &[u8], expected| {
        let body =
            format!(r#"{{"lines":[{{"sku":"{sku}","quantity":1}}],"payment_method":"tok_ok"}}"#);
        let mut row = order(format!("{name}: {value:.20?}"), body.into(), expected);
        row.headers.retain(|(given, _)| *given != name);
        row.headers.push((name, value.to_vec()));
        row
    };
    vec![
        with("idempotency-key", b"'); drop table orders; --", 201),
        with("idempotency-key", b"\xff\xfe", 422),
        with("idempotency-key", &[b'x'; 256], 422),
        with("x-request-id", b"'); drop table orders; --", 201),
        with("x-request-id", b"\xff", 201),
        with("traceparent", b"00-'); drop table orders; ---01", 201),
        with("traceparent", b"\xff", 201),
        with("content-type", b"\xff", 415),
        with("x-forwarded-for", b"'); drop table orders; --", 201),
        with("x-http-method-override", b"DELETE", 201),
    ]
}

fn read(path: &str, expected: u16) -> Row {
    Row {
        name: format!("GET {path:.40}"),
        method: Method::GET,
        path: path.to_owned(),
        headers: vec![],
        body: vec![],
        expected,
    }
}

fn order(name: String, body: Vec<u8>, expected: u16) -> Row {
    let mut row = post("/orders", name, body, expected);
    row.headers.push(("idempotency-key", new_key().into()));
    row
}

fn post(path: &str, name: String, body: Vec<u8>, expected: u16) -> Row {
    Row {
        name: format!("{name}, at {path}"),
        method: Method::POST,
        path: path.to_owned(),
        headers: vec![("content-type", "application/json".into())],
        body,
        expected,
    }
}

async fn surprises_of(customer: &Customer, rows: impl IntoIterator<Item = Row>) -> Vec<String> {
    let mut surprises = vec![];
    for row in rows {
        surprises.extend(surprise(customer, row).await);
    }
    surprises
}

async fn surprise(customer: &Customer, row: Row) -> Option<String> {
    let mut request = customer.request(row.method, &row.path).body(row.body);
    for (name, value) in row.headers {
        request = request.header(name, value);
    }
    let answer = Answer::to(request).await;
    let (name, expected) = (row.name, row.expected);
    let is_as_expected = answer.status == expected && answer.is_documented();
    (!is_as_expected).then(|| format!("{name}: expected {expected}, and it is {answer:?}"))
}

/// A price so high that two pieces overflow. Only the shop can set one.
async fn priceless(shop: &Shop, customer: &Customer) -> Vec<String> {
    let Some(started) = &shop.started else {
        return vec![];
    };
    let mut orders = started
        .deployment
        .sources()
        .connect("orders")
        .await
        .unwrap();
    let insert = "insert into products (sku, name, price_minor, currency)
                  values ('zz-priceless', 'priceless', $1, 'EUR')";
    let inserted = sqlx::query(insert)
        .bind(i64::MAX)
        .execute(&mut orders)
        .await;
    inserted.unwrap();
    let body = br#"{"lines":[{"sku":"zz-priceless","quantity":2}],"payment_method":"tok_ok"}"#;
    let rows = [
        // An unknown product would be refused with 422 too.
        read("/products/zz-priceless", 200),
        order("a total beyond 2^63".to_owned(), body.to_vec(), 422),
    ];
    surprises_of(customer, rows).await
}
