//! Abuse of connections: slow and half-open ones, floods of headers and of bytes, and bytes that
//! are not HTTP.

mod client;

use futures::future::join_all;

use self::client::End::{self, Closed, Status};
use self::client::Then::{self, Drip, EndSending, Flood, FloodUnread, Wait};
use self::client::{HUGE, end};
use super::memory::Peaks;
use crate::customer::new_key;
use crate::shops::Shop;

/// How much a process may grow while all of it is sent: the bodies alone have 400 MB.
const GROWTH_LIMIT: u64 = 50 << 20;

struct Row {
    name: &'static str,
    sent: Vec<u8>,
    then: Then,
    /// Any of these.
    expected: &'static [End],
}

/// A server that closes with unread bytes resets the connection, and the answer may be lost.
const TOO_LARGE: &[End] = &[Status(413), Closed];

pub(super) async fn surprises(shop: &Shop) -> Vec<String> {
    let token = shop.customer().await.token;
    let before = Peaks::of(shop);
    let rows = slow(&token)
        .into_iter()
        .chain(floods(&token))
        .chain(not_http(&token))
        // A proxy in front of a shop elsewhere, such as Docker's, reads the answers itself.
        .filter(|row| shop.started.is_some() || !matches!(row.then, FloodUnread(_)));
    let surprises = join_all(rows.map(|row| surprise(shop.address(), row))).await;
    let grown = before.grown(shop, GROWTH_LIMIT);
    surprises.into_iter().flatten().chain(grown).collect()
}

fn slow(token: &str) -> Vec<Row> {
    let row = |name, sent: Vec<u8>, then, expected| Row {
        name,
        sent,
        then,
        expected,
    };
    let order = |fields| post("/orders", token, fields);
    let half_a_head = || b"GET /products HTTP/1.1\r\nhost: sh".to_vec();
    let many_reads = b"GET /products?limit=100 HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(100);
    vec![
        row("nothing", vec![], Wait, &[Closed]),
        row(
            "a head byte by byte",
            vec![],
            Drip(b"GET /products"),
            &[Closed],
        ),
        row("half a head", half_a_head(), Wait, &[Closed]),
        row(
            "half a head and an end",
            half_a_head(),
            EndSending,
            &[Closed],
        ),
        row(
            "a head and no body",
            order("content-length: 9\r\n"),
            Wait,
            &[Status(408)],
        ),
        row(
            "a body byte by byte",
            order("content-length: 60000\r\n"),
            Drip(b" "),
            &[Status(408)],
        ),
        row(
            "a body in chunks of a byte",
            order("transfer-encoding: chunked\r\n"),
            Drip(b"1\r\n \r\n"),
            &[Status(408)],
        ),
        row(
            "half a body and an end",
            [order("content-length: 9\r\n"), b"{".to_vec()].concat(),
            EndSending,
            &[Status(400), Closed],
        ),
        row(
            "answers that are not read",
            vec![],
            FloodUnread(many_reads),
            &[Closed],
        ),
    ]
}

fn floods(token: &str) -> Vec<Row> {
    let row = |name, sent: Vec<u8>, then, expected| Row {
        name,
        sent,
        then,
        expected,
    };
    let fields = |count| get("/products", &"x-field: 1\r\n".repeat(count));
    let wide = |bytes| get("/products", &format!("x-field: {}\r\n", "x".repeat(bytes)));
    let long = |bytes| get(&format!("/products?{}", "x".repeat(bytes)), "");
    let length = format!("content-length: {HUGE}\r\n");
    let chunked = "transfer-encoding: chunked\r\n";
    let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
    let trailers = [post("/orders", token, chunked), b"0\r\n".to_vec()].concat();
    vec![
        row("65 header fields", fields(65), Wait, &[Status(431)]),
        row("101 header fields", fields(101), Wait, &[Status(431)]),
        row(
            "endless header fields",
            b"GET /products HTTP/1.1\r\n".to_vec(),
            Flood(b"x-field: 1\r\n".repeat(1000)),
            &[Status(431), Closed],
        ),
        row("a field of 20 KB", wide(20_000), Wait, &[Status(431)]),
        row(
            "a field of 1 MB",
            wide(1 << 20),
            Wait,
            &[Status(431), Closed],
        ),
        row("an address of 9 KB", long(9_000), Wait, &[Status(414)]),
        row(
            "an address of 1 MB",
            long(1 << 20),
            Wait,
            &[Status(414), Status(431), Closed],
        ),
        row(
            "endless trailers",
            trailers,
            Flood(b"x-field: 1\r\n".repeat(1000)),
            &[Status(400), Closed],
        ),
        row(
            "100 MB as an order",
            post("/orders", token, &length),
            Flood(vec![b' '; 0x10000]),
            TOO_LARGE,
        ),
        row(
            "100 MB of chunks as an order",
            post("/orders", token, chunked),
            Flood(chunk.clone()),
            TOO_LARGE,
        ),
        row(
            "100 MB as a login",
            post("/auth/login", token, &length),
            Flood(vec![b' '; 0x10000]),
            TOO_LARGE,
        ),
        row(
            "100 MB of chunks as a registration",
            post("/auth/register", token, chunked),
            Flood(chunk),
            TOO_LARGE,
        ),
    ]
}

fn not_http(token: &str) -> Vec<Row> {
    let row = |name, sent: &[u8], status| Row {
        name,
        sent: sent.to_vec(),
        then: Wait,
        expected: status,
    };
    let order = |fields| post("/orders", token, fields);
    let bad_request = &[Status(400)];
    vec![
        row("no HTTP", b"ping\r\n\r\n", bad_request),
        row(
            "the beginning of TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
            bad_request,
        ),
        row("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[Closed]),
        row("HTTP/9", b"GET / HTTP/9.0\r\n\r\n", bad_request),
        row(
            "U+0000 in an address",
            b"GET /products/\0 HTTP/1.1\r\n\r\n",
            bad_request,
        ),
        row(
            "U+0000 in a field",
            b"GET /products HTTP/1.1\r\nx: \0\r\n\r\n",
            bad_request,
        ),
        row(
            "bytes in a method",
            b"G\xff /products HTTP/1.1\r\n\r\n",
            bad_request,
        ),
        row(
            "two lengths",
            &order("content-length: 1\r\ncontent-length: 2\r\n"),
            bad_request,
        ),
        row(
            "a negative length",
            &order("content-length: -1\r\n"),
            bad_request,
        ),
        row(
            "a chunk of 2^64 bytes",
            &[
                order("transfer-encoding: chunked\r\n"),
                b"10000000000000000\r\n".to_vec(),
            ]
            .concat(),
            bad_request,
        ),
    ]
}

fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: shop\r\n{fields}\r\n").into_bytes()
}

fn post(path: &str, token: &str, fields: &str) -> Vec<u8> {
    let key = new_key();
    format!(
        "POST {path} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {key}\r\ncontent-type: application/json\r\n{fields}\r\n"
    )
    .into_bytes()
}

async fn surprise(address: &str, row: Row) -> Option<String> {
    let end = end(address, row.sent, row.then).await;
    let (name, expected) = (row.name, row.expected);
    let complaint = || format!("{name}: expected {expected:?} at {address}, and it is {end:?}");
    (!expected.contains(&end)).then(complaint)
}
