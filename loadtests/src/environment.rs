//! Checks of this program's environment.

use anyhow::bail;

/// goose reads the environment, and would send its load through a proxy.
pub(crate) fn refuse_proxy() -> anyhow::Result<()> {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let exempt = |name: &str| std::env::var(name).is_ok_and(|all| all.contains("127.0.0.1"));
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    match proxies.into_iter().find(|name| set(name)) {
        Some(name) if !exempt("NO_PROXY") && !exempt("no_proxy") => {
            bail!("{name} would take the load: set NO_PROXY=127.0.0.1,localhost")
        }
        _ => Ok(()),
    }
}
