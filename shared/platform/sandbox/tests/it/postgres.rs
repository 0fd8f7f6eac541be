//! The promises of a database: durable, closed to others, and removed at the end.

use sandbox::testing;

async fn fetch(database: &sandbox::Database, query: &'static str) -> String {
    let mut connection = database.connect().await.unwrap();
    sqlx::query_scalar(query)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn durability_is_on() {
    let database = testing::database("durable").await;
    assert_eq!(fetch(&database, "show fsync").await, "on");
    assert_eq!(fetch(&database, "show synchronous_commit").await, "on");
    assert_eq!(fetch(&database, "show full_page_writes").await, "on");
}

#[tokio::test]
async fn a_role_connects_to_its_own_database_only() {
    let orders = testing::database("orders").await;
    let payments = testing::database("payments").await;
    assert_eq!(
        fetch(&orders, "select current_user::text").await,
        orders.name
    );

    let (address, rest) = orders.url.rsplit_once(&orders.name).unwrap();
    let other_url = format!("{address}{}{rest}", payments.name);
    assert_ne!(other_url, orders.url);
    let refused = sqlx::PgPool::connect(&other_url).await.unwrap_err();

    assert!(
        refused
            .to_string()
            .contains("permission denied for database"),
        "{refused}"
    );
}

/// Every server has these two databases, and by default every role may connect to them.
#[tokio::test]
async fn a_role_connects_to_no_common_database() {
    let orders = testing::database("orders").await;
    // The settings of an external server are not ours to change.
    if orders.server_pid.is_none() {
        return;
    }
    let (address, rest) = orders.url.rsplit_once(&orders.name).unwrap();
    for name in ["postgres", "template1"] {
        let refused = sqlx::PgPool::connect(&format!("{address}{name}{rest}")).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied for database"),
            "{name}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let database = testing::database("secret").await;
    let (credentials, address) = database.url.split_once('@').unwrap();
    let (role, _) = credentials.rsplit_once(':').unwrap();
    let wrong = format!("{role}:guess@{address}");

    let refused = sqlx::PgPool::connect(&wrong).await.unwrap_err();

    assert!(
        refused
            .to_string()
            .contains("password authentication failed"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_test_database_is_gone_after_the_test() {
    let witness = testing::database("witness").await;
    let name = {
        let database = testing::database("short_lived").await;
        database.name.clone()
    };

    let mut connection = witness.connect().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from pg_database where datname = $1")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap();

    assert_eq!(left, 0);
}
