//! The sandbox as a whole, on servers of its own and on external ones.

use std::path::Path;

use sandbox::{Options, PostgresMode, Sandbox, Server, Storage, testing};
use sqlx::Connection;

async fn count(database: &sandbox::Database, name: &str) -> i64 {
    let mut connection = database.connect().await.unwrap();
    sqlx::query_scalar("select count(*) from pg_database where datname like '%' || $1")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// Creates a role that may create databases and roles, but is no superuser. Returns its address.
async fn administrator(server: &Server) -> String {
    let database = server.database("administrator").await.unwrap();
    let mut superuser = sqlx::PgConnection::connect(&server.admin_url())
        .await
        .unwrap();
    sqlx::raw_sql("alter role administrator createdb createrole")
        .execute(&mut superuser)
        .await
        .unwrap();
    database.url
}

#[tokio::test]
async fn one_call_starts_all_servers() {
    let options = Options {
        storage: Storage::Memory,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let orders = sandbox.database("orders").await.unwrap();
    let payments = sandbox.database("payments").await.unwrap();

    assert_eq!(
        (orders.name.as_str(), payments.name.as_str()),
        ("orders", "payments")
    );
    assert_eq!(orders.server_pid, payments.server_pid);
    orders.connect().await.unwrap().ping().await.unwrap();
    let calls = reqwest::get(format!("{}/control/calls", sandbox.sqs_endpoint()))
        .await
        .unwrap();
    assert!(calls.status().is_success());
}

#[tokio::test]
async fn each_database_can_have_its_own_server() {
    let options = Options {
        postgres: PostgresMode::Each,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let orders = sandbox.database("orders").await.unwrap();
    let payments = sandbox.database("payments").await.unwrap();

    assert_ne!(orders.server_pid, payments.server_pid);
    assert_eq!(sandbox.servers().await.len(), 2);
    assert_eq!(count(&orders, "payments").await, 0);
}

#[tokio::test]
async fn an_external_server_is_used_and_left_unchanged() {
    let server = Server::start(Storage::Disk).await.unwrap();
    let witness = server.database("witness").await.unwrap();
    let url = administrator(&server).await;
    let options = Options {
        database_url: Some(url),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();

    let orders = sandbox.database("orders").await.unwrap();
    assert!(orders.name.starts_with("twofold_") && orders.name.ends_with("_orders"));
    orders.connect().await.unwrap().ping().await.unwrap();
    assert_eq!(count(&witness, "_orders").await, 1);

    drop(sandbox);
    assert_eq!(count(&witness, "_orders").await, 0);
}

#[tokio::test]
async fn the_next_run_removes_the_databases_of_a_killed_one_from_an_external_server() {
    let server = Server::start(Storage::Disk).await.unwrap();
    let witness = server.database("witness").await.unwrap();
    let url = administrator(&server).await;
    let killed = Server::external(&url).await.unwrap();
    killed.database("of_the_killed").await.unwrap();
    let alive = Server::external(&url).await.unwrap();
    alive.database("of_the_living").await.unwrap();

    // As after a kill: the connection of the run ends, and its databases stay.
    drop(killed);
    let next = async {
        while count(&witness, "of_the_killed").await > 0 {
            Server::external(&url).await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), next)
        .await
        .unwrap();

    assert_eq!(count(&witness, "of_the_living").await, 1);
}

#[tokio::test]
async fn queues_of_tests_are_separate() {
    let (one, other) = (testing::sqs().await, testing::sqs().await);
    assert_ne!(one.prefix, other.prefix);
    let calls = reqwest::get(format!("{}/control/calls", one.endpoint))
        .await
        .unwrap();
    assert!(calls.status().is_success());
}

#[tokio::test]
async fn each_error_is_one_line_that_names_the_remedy() {
    let check = async |options: Options, expected: &str| {
        let error = Sandbox::start(options).await.err().unwrap().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    };
    let external = |url: &str| Options {
        database_url: Some(url.to_owned()),
        ..Options::default()
    };

    check(
        external("postgres://me:secret@127.0.0.1:1/shop"),
        "cannot reach the database at 127.0.0.1:1",
    )
    .await;
    check(
        external("mysql://root@127.0.0.1/shop"),
        "start it or correct DATABASE_URL",
    )
    .await;
    check(external("nonsense"), "start it or correct DATABASE_URL").await;
    let each = Options {
        postgres: PostgresMode::Each,
        ..external("postgres://127.0.0.1/shop")
    };
    check(each, "DATABASE_URL names one server: unset it").await;
}

#[tokio::test]
async fn an_external_endpoint_is_used_and_the_other_servers_are_started() {
    let options = Options {
        sqs_endpoint_url: Some("http://127.0.0.1:1".to_owned()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();

    assert_eq!(sandbox.sqs_endpoint(), "http://127.0.0.1:1");
    let database = sandbox.database("orders").await.unwrap();
    database.connect().await.unwrap().ping().await.unwrap();
}

#[test]
fn a_server_that_never_ran_leaves_nothing() {
    let failing = tempfile::tempdir().unwrap();
    let error_of = |variable: &str, value: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sandbox"));
        command
            .env_remove("DATABASE_URL")
            .env("RUST_LOG", "off")
            .env(variable, value);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };

    let missing = error_of("TWOFOLD_POSTGRES_DIR", failing.path());
    assert!(missing.starts_with("error: no postgres found (") && missing.lines().count() == 1);
    assert!(missing.contains("apt-get install postgresql"), "{missing}");

    let file = failing.path().join("file");
    std::fs::write(&file, "").unwrap();
    let unusable = error_of("TWOFOLD_SANDBOX_DIR", &file);
    assert!(
        unusable.contains("cannot use") && unusable.lines().count() == 1,
        "{unusable}"
    );
    assert_eq!(std::fs::read_dir(failing.path()).unwrap().count(), 1);
}
