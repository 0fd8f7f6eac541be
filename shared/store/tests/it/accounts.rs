use domain::{CustomerId, Email};
use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::PgConnection;
use store::{Context, accounts};

async fn database() -> (Lease, PgConnection) {
    let database = testing::database("accounts").await;
    let mut connection = database.connect().await.unwrap();
    let migrated = Context::Accounts.migrations().run(&mut connection).await;
    migrated.unwrap();
    (database, connection)
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

#[tokio::test]
async fn an_account_is_found_by_its_email_in_any_case() {
    let (_database, mut tx) = database().await;
    let ada = CustomerId::new();

    let inserted = accounts::insert(&mut tx, ada, &email("Ada@Example.org"), "hash").await;
    assert!(inserted.unwrap());

    let found = accounts::find_by_email(&mut tx, &email("ada@example.ORG")).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.customer, found.password_hash.as_str()),
        (ada, "hash")
    );
    let found = accounts::find_by_email(&mut tx, &email("bob@example.org")).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn an_email_has_one_account() {
    let (_database, mut tx) = database().await;
    let (first, second) = (CustomerId::new(), CustomerId::new());

    let inserted = accounts::insert(&mut tx, first, &email("ada@example.org"), "first").await;
    assert!(inserted.unwrap());
    let inserted = accounts::insert(&mut tx, second, &email("ADA@example.org"), "second").await;
    assert!(!inserted.unwrap());

    let found = accounts::find_by_email(&mut tx, &email("ada@example.org")).await;
    assert_eq!(found.unwrap().unwrap().password_hash, "first");
}
