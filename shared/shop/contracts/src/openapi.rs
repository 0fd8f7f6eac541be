//! The document that describes the HTTP contract. Both architectures serve this one, so it stands
//! beside the bodies and not beside either's handlers.

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

/// Nobody calls these: each carries the description of one endpoint.
#[allow(dead_code)]
mod paths {
    use crate::http::{
        AccessToken, Credentials, Cursor, HistoryEntry, OrderBody, OrderPage, PlaceOrder,
        ProductBody, ProductCursor, ProductPage,
    };

    /// Opens an account and signs in.
    #[utoipa::path(
        post, path = "/auth/register", tag = "accounts", request_body = Credentials,
        responses(
            (status = 201, description = "The account is open", body = AccessToken),
            (status = 409, description = "The email has an account"),
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

    /// The catalogue, page by page, in the order of the SKUs.
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

    /// Places an order, once for each key however often it is sent.
    ///
    /// The order is answered in whatever status it has reached: `confirmed` or `cancelled` where
    /// all is decided at once, `placed` where it is not. Follow it at `/orders/{id}`.
    #[utoipa::path(
        post, path = "/orders", tag = "orders", request_body = PlaceOrder,
        params((
            "Idempotency-Key" = String, Header, max_length = 255, pattern = "^[ -~]+$",
            description = "New with each order, the same with each repetition: a UUID will do",
        )),
        responses(
            (status = 201, description = "The order is placed", body = OrderBody),
            (status = 401, description = "No good token"),
            (status = 422, description = "Fields that cannot be accepted, or a key used before"),
        ),
        security(("token" = []))
    )]
    fn place_order() {}

    /// The customer's orders, page by page, the newest first.
    #[utoipa::path(
        get, path = "/orders", tag = "orders", params(Cursor),
        responses(
            (status = 200, description = "A page of orders", body = OrderPage),
            (status = 401, description = "No good token"),
        ),
        security(("token" = []))
    )]
    fn list_orders() {}

    /// One of the customer's orders.
    #[utoipa::path(
        get, path = "/orders/{id}", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 200, description = "The order", body = OrderBody),
            (status = 401, description = "No good token"),
            (status = 404, description = "No order of the customer has this id"),
        ),
        security(("token" = []))
    )]
    fn show_order() {}

    /// What is known of the order, in the order in which it happened.
    #[utoipa::path(
        get, path = "/orders/{id}/history", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 200, description = "The order's facts", body = Vec<HistoryEntry>),
            (status = 401, description = "No good token"),
            (status = 404, description = "No order of the customer has this id"),
        ),
        security(("token" = []))
    )]
    fn show_history() {}

    /// Asks for the order to be cancelled. Whether it was in time shows in `cancellation`.
    #[utoipa::path(
        post, path = "/orders/{id}/cancel", tag = "orders", params(("id" = Uuid, Path)),
        responses(
            (status = 202, description = "The wish is on record", body = OrderBody),
            (status = 401, description = "No good token"),
            (status = 404, description = "No order of the customer has this id"),
            (status = 409, description = "It is known to be too late"),
        ),
        security(("token" = []))
    )]
    fn cancel_order() {}
}

/// How a customer proves to be one.
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

/// Whatever is no success is a problem document, on every path.
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
    fn whatever_is_no_success_is_a_problem_document() {
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
    fn what_stands_behind_the_question_mark_is_said_to() {
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
