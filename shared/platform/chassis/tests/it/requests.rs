//! Requests that cannot be answered: each gets a problem document that names the reason.

use reqwest::{Client, Method, StatusCode};

use crate::{fields, problem, start};

#[tokio::test]
async fn a_body_that_cannot_be_accepted_is_a_problem() {
    let server = start().await;
    let check = async |kind: &str, body: &str, status: u16, named: &[&str]| {
        let request = Client::new()
            .post(server.url() + "/baskets")
            .header("content-type", kind);
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), status, "{body:.40}");
        let problem = problem(response).await;
        if !named.is_empty() {
            assert_eq!(fields(&problem), named);
        }
    };
    let json = "application/json";
    let huge = format!(r#"{{"lines": [{}]}}"#, " ".repeat(70_000));

    check("text/plain", r#"{"lines": []}"#, 415, &[]).await;
    check(json, "", 400, &[]).await;
    check(json, r#"{"lines": "#, 400, &[]).await;
    check(json, r#"{"lines": []} tail"#, 400, &[]).await;
    check(json, "\u{0}", 400, &[]).await;
    check(json, &"[".repeat(10_000), 400, &[]).await;
    check(json, "{}", 422, &["body"]).await;
    check(json, &huge, 413, &[]).await;
    check(json, r#"{"lines": 3}"#, 422, &["lines"]).await;
    check(json, "[[{\"quantity\": 1}]]", 400, &["body"]).await;
    check(json, r#"{"lines": [[1]]}"#, 400, &["lines[0]"]).await;
    check(
        json,
        r#"{"lines": [{"quantity": 1}, {"quantity": -1}]}"#,
        422,
        &["lines[1].quantity"],
    )
    .await;
    check(
        json,
        r#"{"lines": [{"quantity": 1, "price": 1}]}"#,
        422,
        &["lines[0].price"],
    )
    .await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_limited_too() {
    let server = start().await;
    let chunks = (0..80).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = Client::new()
        .post(server.url() + "/baskets")
        .header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    problem(response).await;
}

#[tokio::test]
async fn a_wrong_path_or_query_names_its_field() {
    let server = start().await;
    let check = async |path: &str, named: &[&str]| {
        let response = reqwest::get(server.url() + path).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(fields(&problem(response).await), named);
    };
    check("/baskets/seven", &["id"]).await;
    check("/baskets/%ff", &["id"]).await;
    check("/page?limit=300", &["limit"]).await;
    check("/page?limit=", &["limit"]).await;
}

#[tokio::test]
async fn every_failure_of_a_handler_is_a_problem() {
    let server = start().await;
    let check = async |method: Method, path: &str, status: u16| {
        let request = Client::new().request(method, server.url() + path);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        problem(response).await
    };
    check(Method::GET, "/panic", 500).await;
    check(Method::GET, "/hang", 504).await;
    check(Method::GET, "/nowhere", 404).await;
    check(Method::DELETE, "/baskets", 405).await;
    let broken = check(Method::GET, "/broken", 500).await;
    assert!(!broken.to_string().contains("secret"));
}

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_ones() {
    let server = start().await;
    let response = reqwest::get(server.url() + "/baskets").await.unwrap();
    assert_eq!(response.headers()["allow"], "POST");
}
