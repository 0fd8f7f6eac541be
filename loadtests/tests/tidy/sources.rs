//! What sources must not contain: each rule is one that neither rustc nor clippy can check.

use std::fs;

use crate::tree::{files, root};

#[test]
fn the_store_never_begins_or_commits() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.starts_with(root().join("shared/shop/store/src")))
    {
        let text = fs::read_to_string(&file).unwrap();
        for word in [".begin()", ".commit()", ".rollback()", "PgPool"] {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
}

/// clippy forbids the pool's own ways to a connection (`clippy.toml`); that a pool is an executor,
/// too, no lint can see. The load tests have no pool.
#[test]
fn no_statement_runs_on_a_pool() {
    const CALLS: [&str; 4] = [
        "execute(&",
        "fetch_one(&",
        "fetch_all(&",
        "fetch_optional(&",
    ];
    let sources = files(".rs").into_iter().filter(|file| {
        let path = file.strip_prefix(root()).unwrap();
        path.components().any(|part| part.as_os_str() == "src") && !path.starts_with("loadtests")
    });
    for file in sources {
        let text = fs::read_to_string(&file).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let on_a_pool = CALLS.iter().any(|call| {
                let argument = line.split_once(call).map_or("", |(_, rest)| rest);
                let argument = argument.split(')').next().unwrap_or_default();
                let name = argument.rsplit('.').next().unwrap_or_default();
                ["db", "pool", "database"].contains(&name)
            });
            assert!(
                !on_a_pool,
                "{}: {line}: use `database::lend`",
                file.display()
            );
        }
    }
}

#[test]
fn the_domain_has_no_async_and_no_clock() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.starts_with(root().join("shared/shop/domain/src")))
    {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["async ", "SystemTime", "Instant::now", "sqlx"] {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
}

#[test]
fn tests_wait_on_conditions_and_not_on_time() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.components().any(|c| c.as_os_str() == "tests"))
    {
        let text = fs::read_to_string(&file).unwrap();
        // Assembled, so that this line does not find itself.
        let blocking = ["thread", "sleep("].join("::");
        assert!(!text.contains(&blocking), "{} sleeps", file.display());
        assert!(
            !text.contains(&["#[", "ignore"].concat()),
            "{} ignores a test",
            file.display()
        );
    }
}

/// serde reads such types from a buffer, in which `strict_json` does not see their structs. The
/// analysis reads nothing but files that this project has written.
#[test]
fn no_type_is_read_from_a_buffer() {
    let analysis = root().join("loadtests/analysis");
    for file in files(".rs")
        .into_iter()
        .filter(|file| !file.starts_with(&analysis))
    {
        let text = fs::read_to_string(&file).unwrap();
        // Assembled, so that this line does not find itself.
        for attribute in text.split(&["#[", "serde("].concat()).skip(1) {
            let attribute = attribute.split(")]").next().unwrap_or_default();
            for word in ["untagged", "tag = ", "flatten"] {
                assert!(!attribute.contains(word), "{} says {word}", file.display());
            }
        }
    }
}
