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

#[tokio::test]
async fn all_spellings_of_an_email_are_one_account() {
    let (_database, mut tx) = database().await;
    let first = CustomerId::new();
    let composed = accounts::insert(&mut tx, first, &email("ü@example.org"), "hash").await;
    assert!(composed.unwrap());

    for spelling in [
        "Ü@example.org",
        "u\u{308}@example.org",
        "U\u{308}@EXAMPLE.org",
    ] {
        let other = CustomerId::new();
        let inserted = accounts::insert(&mut tx, other, &email(spelling), "hash").await;
        assert!(!inserted.unwrap(), "{spelling}");
        let found = accounts::find_by_email(&mut tx, &email(spelling)).await;
        assert_eq!(found.unwrap().unwrap().customer, first, "{spelling}");
    }
}

/// Inserts accounts as an earlier version did, without keys, and migrates.
async fn with_accounts_from_before(emails: &[&str]) -> (Lease, PgConnection, Vec<CustomerId>) {
    let database = testing::database("accounts").await;
    let mut tx = database.connect().await.unwrap();
    let mut before = Context::Accounts.migrations();
    before.migrations.to_mut().retain(|one| one.version < 101);
    before.run(&mut tx).await.unwrap();
    let mut customers = vec![];
    for email in emails {
        let customer = CustomerId::new();
        let insert = "insert into customers (id, email, password_hash) values ($1, $2, 'old')";
        let inserted = sqlx::query(insert).bind(customer.0).bind(email);
        inserted.execute(&mut tx).await.unwrap();
        customers.push(customer);
    }
    Context::Accounts.migrations().run(&mut tx).await.unwrap();
    (database, tx, customers)
}

#[tokio::test]
async fn accounts_from_before_keys_are_found_and_stay_unique() {
    let emails = ["Ada@example.org", "ü@example.org", "u\u{308}@example.org"];
    let (_database, mut tx, customers) = with_accounts_from_before(&emails).await;

    for (spelling, customer) in emails.iter().zip(&customers) {
        let found = accounts::find_by_email(&mut tx, &email(spelling)).await;
        assert_eq!(found.unwrap().unwrap().customer, *customer, "{spelling}");
        let again = accounts::insert(&mut tx, CustomerId::new(), &email(spelling), "new").await;
        assert!(!again.unwrap(), "{spelling}");
    }
    let found = accounts::find_by_email(&mut tx, &email("ADA@EXAMPLE.ORG")).await;
    assert_eq!(found.unwrap().unwrap().customer, customers[0]);
}
