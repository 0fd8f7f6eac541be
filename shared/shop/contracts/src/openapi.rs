//! The OpenAPI document of the HTTP contract. Both architectures serve it, so it is next to the
//! bodies and not next to the handlers of one of them.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::http::ProblemBody;

/// The OpenAPI document as JSON.
pub fn json() -> String {
    Document::openapi()
        .to_json()
        .expect("the document has only string keys")
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Twofold", description = "One shop, built twice."),
    paths(
        paths::register,
        paths::login,
        paths::list_products,
        paths::show_product,
        paths::place_order,
        paths::list_orders,
        paths::show_order,
        paths::show_history,
        paths::cancel_order,
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer, &Problems)
)]
struct Document;

/// Never called: each function carries the description of one endpoint.
#[allow(dead_code)]
mod paths {
    use crate::http::{
        AccessToken, Credentials, Cursor, HistoryEntry, OrderBody, OrderPage, PlaceOrder,
        ProductBody, ProductCursor, ProductPage,
    };

    /// Creates an account and signs in.
    #[utoipa::path(
        post, path = "/auth/register", tag = "accounts", request_body = Credentials,
        responses(
            (status = 201, description = "The account was created", body = AccessToken),
            (status = 409, description = "The email has an account already"),
        )
    )]
    fn register() {}

    /// Signs in.
    #[utoipa::path(
        post, path = "/auth/login", tag = "accounts", request_body = Credentials,
        responses(
            (status = 200, description = "Signed in", body = AccessToken),
            (status = 401, description = "No account has this email and password"),
        )
    )]
    fn login() {}

    /// The catalogue, page by page, sorted by SKU.
    #[utoipa::path(
        get, path = "/products", tag = "products", params(ProductCursor),
        responses((status = 200, description = "A page of products", body = ProductPage))
    )]
    fn list_products() {}

    /// One product.
    #[utoipa::path(
        get, path = "/products/{sku}", tag = "products",
        params(("sku" = String, Path, example = "product-00001")),
        responses(
            (status = 200, description = "The product", body = ProductBody),
            (status = 404, description = "No product has this SKU"),
        )
    )]
    fn show_product() {}

    /// Places an order. A repeated request with the same key gets the order of the first one.
    ///
    /// The response has the status that the order has reached: `confirmed` or `cancelled` if
    /// everything is decided at once, otherwise `placed`. Follow the order at `/orders/{id}`.
    #[utoipa::path(
        post, path = "/orders", tag = "orders", request_body = PlaceOrder,
        params((
            "Idempotency-Key" = String, Header, max_length = 255, pattern = "^[ -~]+$",
            description = "New for each order, such as a UUID; the same for a repeated request",
        )),
        responses(
            (status = 201, description = "The order is placed", body = OrderBody),
            (status = 401, description = "No valid token"),
            (status = 422, description = "Invalid fields, or the key of another order"),
        ),
        security(("token" = []))
    )]
    fn place_order() {}

    /// The customer's orders, page by page, newest first.
    #[utoipa::path(
        get, path = "/orders", tag = "orders", params(Cursor),
        responses(
            (status = 200, description = "A page of orders", body = OrderPage),
            (status = 401, description = "No valid token"),
        ),
        security(("token" = []))
    )]
    fn list_orders() {}

    /// One of the customer's orders.
    #[utoipa::path(
        get, path = "/orders/{id}", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 200, description = "The order", body = OrderBody),
            (status = 401, description = "No valid token"),
            (status = 404, description = "No order of the customer has this id"),
        ),
        security(("token" = []))
    )]
    fn show_order() {}

    /// The facts of the order, sorted by the time at which they happened.
    #[utoipa::path(
        get, path = "/orders/{id}/history", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 200, description = "The order's facts", body = Vec<HistoryEntry>),
            (status = 401, description = "No valid token"),
            (status = 404, description = "No order of the customer has this id"),
        ),
        security(("token" = []))
    )]
    fn show_history() {}

    /// Requests that the order is cancelled. The result is in its field `cancellation`.
    #[utoipa::path(
        post, path = "/orders/{id}/cancel", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 202, description = "The request is recorded", body = OrderBody),
            (status = 401, description = "No valid token"),
            (status = 404, description = "No order of the customer has this id"),
            (status = 409, description = "It is too late to cancel"),
        ),
        security(("token" = []))
    )]
    fn cancel_order() {}
}

/// Adds the security scheme: a bearer token.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    }
}

/// Makes every error response a problem document, on every path.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schema = Ref::from_schema_name("ProblemBody");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let problem = ResponseBuilder::new()
            .description("What went wrong")
            .content("application/problem+json", content.clone())
            .build();

        let operations = document.paths.paths.values_mut();
        let operations = operations.flat_map(|item| [&mut item.get, &mut item.post]);
        for responses in operations
            .flatten()
            .map(|operation| &mut operation.responses.responses)
        {
            for (status, response) in responses.iter_mut() {
                if let RefOr::T(response) = response
                    && status.starts_with('4')
                {
                    let content = RefOr::T(content.clone());
                    let kind = "application/problem+json".to_owned();
                    response.content.insert(kind, content);
                }
            }
            responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_the_contract_is_described() {
        let document = Document::openapi();
        let paths: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
        let expected = [
            "/auth/login",
            "/auth/register",
            "/orders",
            "/orders/{id}",
            "/orders/{id}/cancel",
            "/orders/{id}/history",
            "/products",
            "/products/{sku}",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn every_error_is_a_problem_document() {
        let document: serde_json::Value = serde_json::from_str(&json()).unwrap();
        let place = &document["paths"]["/orders"]["post"]["responses"];
        for status in ["401", "422", "default"] {
            let schema = &place[status]["content"]["application/problem+json"]["schema"];
            assert_eq!(
                schema["$ref"], "#/components/schemas/ProblemBody",
                "{status}"
            );
        }
    }

    #[test]
    fn parameters_of_a_page_are_in_the_query() {
        let document: serde_json::Value = serde_json::from_str(&json()).unwrap();
        for path in ["/orders", "/products"] {
            let parameters = document["paths"][path]["get"]["parameters"]
                .as_array()
                .unwrap();
            assert!(
                parameters
                    .iter()
                    .all(|parameter| parameter["in"] == "query")
            );
        }
    }
}
