//! Abuse of tokens: each is refused with 401, but for two that are valid.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chassis::auth::KeyPair;
use contracts::http::TOKEN_ISSUER;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::Answer;
use crate::shops::Shop;

pub(super) async fn surprises(shop: &Shop) -> Vec<String> {
    let valid = shop.customer().await.token;
    let mut rows = rewritten(&valid);
    rows.extend(of_another_key());
    let mut accepted = vec![("of the shop", valid)];
    if let Some(started) = &shop.started {
        let keys = &started.infrastructure.keys;
        rows.extend(key_swapped(keys.public.expose()));
        rows.extend(wrongly_claimed(keys.private.expose()));
        // The others differ from this one in one respect, for which they are refused.
        accepted.push(("signed here", signed(keys.private.expose(), &new_claims())));
    }
    let refused = rows.into_iter().map(|row| (row, 401));
    let accepted = accepted.into_iter().map(|row| (row, 200));
    let mut surprises = vec![];
    for ((name, token), expected) in refused.chain(accepted) {
        let request = shop.request(Method::GET, "/orders").bearer_auth(token);
        let answer = Answer::to(request).await;
        if answer.status != expected {
            surprises.push(format!("a token {name}: {answer:?}"));
        }
    }
    surprises
}

/// A valid token with another head, other claims or another signature.
fn rewritten(valid: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = valid.split('.').collect();
    let [_, claims, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let of_another = part(&new_claims());
    let none = |algorithm: &str| part(&json!({"alg": algorithm, "typ": "JWT"}));
    vec![
        (
            "with alg none and no signature",
            format!("{}.{claims}.", none("none")),
        ),
        (
            "with alg none and its signature",
            format!("{}.{claims}.{signature}", none("none")),
        ),
        ("with alg nOnE", format!("{}.{claims}.", none("nOnE"))),
        (
            "without alg",
            format!("{}.{claims}.{signature}", part(&json!({"typ": "JWT"}))),
        ),
        (
            "of another customer",
            format!("{}.{of_another}.{signature}", parts[0]),
        ),
        ("with an empty signature", format!("{}.{claims}.", parts[0])),
        (
            "with a signature of zeros",
            format!("{}.{claims}.{}", parts[0], "A".repeat(86)),
        ),
        ("in two parts", format!("{}.{claims}", parts[0])),
        ("in four parts", format!("{valid}.{signature}")),
        ("of 8,000 characters", "x".repeat(8000)),
        ("with SQL", "' or '1'='1' --".to_owned()),
    ]
}

/// Signed, with a key that is not the shop's.
fn of_another_key() -> Vec<(&'static str, String)> {
    let others = KeyPair::generate();
    let (private, claims) = (others.private.expose(), new_claims());
    let key = EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
    let mut named = Header::new(Algorithm::EdDSA);
    named.jku = Some("http://127.0.0.1:1/keys".to_owned());
    named.kid = Some("../../dev/null".to_owned());
    vec![
        ("of another key", signed(private, &claims)),
        ("that names its key", encode(&named, &claims, &key).unwrap()),
    ]
}

/// Signed with HMAC, with the public key as the secret.
fn key_swapped(public: &str) -> Vec<(&'static str, String)> {
    let body: String = public
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(&body).unwrap();
    let signed = |algorithm, secret: &[u8]| {
        let key = EncodingKey::from_secret(secret);
        encode(&Header::new(algorithm), &new_claims(), &key).unwrap()
    };
    vec![
        (
            "with HS256 and the PEM",
            signed(Algorithm::HS256, public.as_bytes()),
        ),
        (
            "with HS256 and the PEM's text",
            signed(Algorithm::HS256, public.trim().as_bytes()),
        ),
        ("with HS256 and the DER", signed(Algorithm::HS256, &der)),
        (
            "with HS256 and the bare key",
            signed(Algorithm::HS256, &der[12..]),
        ),
        (
            "with HS512 and the PEM",
            signed(Algorithm::HS512, public.as_bytes()),
        ),
        ("with HS256 and nothing", signed(Algorithm::HS256, b"")),
    ]
}

/// Signed by the shop, with claims that it never issues.
fn wrongly_claimed(private: &str) -> Vec<(&'static str, String)> {
    let with = |claim: &str, value: Value| {
        let mut claims = new_claims();
        claims[claim] = value;
        signed(private, &claims)
    };
    let now = get_current_timestamp();
    vec![
        ("that expired a second ago", with("exp", json!(now - 1))),
        ("that expired in 1970", with("exp", json!(0))),
        ("that expires before 1970", with("exp", json!(-1))),
        ("that expires at a word", with("exp", json!("never"))),
        ("that never expires", with("exp", Value::Null)),
        ("of another issuer", with("iss", json!("another"))),
        ("for another audience", with("aud", json!("another"))),
        ("of no subject", with("sub", Value::Null)),
        ("whose subject is SQL", with("sub", json!("' or '1'='1"))),
    ]
}

/// Valid claims of a new customer.
fn new_claims() -> Value {
    let now = get_current_timestamp();
    json!({
        "sub": Uuid::now_v7(), "iss": TOKEN_ISSUER, "aud": TOKEN_ISSUER, "iat": now,
        "exp": now + 3600,
    })
}

/// A token as the shop signs it.
fn signed(private: &str, claims: &Value) -> String {
    let key = EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
    encode(&Header::new(Algorithm::EdDSA), claims, &key).unwrap()
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
