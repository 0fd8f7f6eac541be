//! The sources of a target's audit, from the options of the command line.

use std::collections::{BTreeMap, HashMap};

use analysis::model::Arm;
use anyhow::bail;
use harness::audit::sources::Delayed;
use harness::audit::{Ledger, QueueServer, Sources};
use harness::deployment::wiring::CONTEXTS;
use uuid::Uuid;

use crate::cli::Options;

/// Stands for the name of each database in an address.
const PLACEHOLDER: &str = "{database}";
/// The audit reads nothing from accounts.
const NOT_AUDITED: &str = "accounts";

/// Everything that a target's audit reads, or what is missing for an audit.
///
/// # Errors
/// When an address belongs to no target.
pub(crate) fn sources(
    options: &Options,
    name: &str,
    arm: Arm,
) -> anyhow::Result<Result<Sources, String>> {
    check_names(options)?;
    Ok(found(options, name, arm))
}

fn found(options: &Options, name: &str, arm: Arm) -> Result<Sources, String> {
    let missing = |what: &str, option: &str| {
        format!("{what} is not known: name it with --{option} {name}=URL")
    };
    let mut databases = BTreeMap::new();
    for (context, _) in CONTEXTS.iter().filter(|(name, _)| *name != NOT_AUDITED) {
        let alone = find(&options.target_database, &format!("{name}.{context}"));
        let url = alone.or_else(|| find(&options.target_database, name));
        let what = format!("its database of {context}");
        let url = url.ok_or_else(|| missing(&what, "target-database"))?;
        databases.insert(*context, url.replace(PLACEHOLDER, context));
    }
    let provider = find(&options.target_provider, name);
    let provider = provider.ok_or_else(|| missing("its payment provider", "target-provider"))?;
    let queues = find(&options.target_queues, name);
    if queues.is_none() && arm.uses_sqs() {
        return Err(missing("its queue server", "target-queues"));
    }
    Ok(Sources {
        databases,
        ledger: Ledger::at(provider),
        queues: queues.map(QueueServer::at),
        delivered: HashMap::new(),
        since: Uuid::nil(),
        delayed: Delayed::None,
    })
}

fn find<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = all.iter().filter(|(one, _)| one == name);
    found.next().map(|(_, url)| url.as_str())
}

fn check_names(options: &Options) -> anyhow::Result<()> {
    let (databases, providers) = (&options.target_database, &options.target_provider);
    let named = databases.iter().chain(providers);
    for (name, _) in named.chain(&options.target_queues) {
        let whole = find(&options.target, name).is_some();
        let parts = name.rsplit_once('.').filter(|_| !whole);
        let (target, context) = parts.unwrap_or((name, "orders"));
        if find(&options.target, target).is_none() {
            bail!("there is no --target {target}=URL that the address of {name} belongs to");
        }
        if !CONTEXTS.iter().any(|(known, _)| *known == context) {
            bail!("{name}: choose from {target}.orders, .payments, .inventory and .shipping");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};

    fn options(arguments: &str) -> Options {
        let arguments = arguments.split_whitespace();
        let targets = [
            "--target",
            "monolith=http://m",
            "--target",
            "services=http://s",
        ];
        let all = ["cargo", "compare"]
            .into_iter()
            .chain(targets)
            .chain(arguments);
        let Top::Compare(compare) = Cli::try_parse_from(all).unwrap().command;
        compare.options
    }

    #[test]
    fn one_address_serves_all_contexts_or_each_has_its_own() {
        let check = |arguments: &str, name: &str, arm: Arm, orders: &str, shipping: &str| {
            let found = sources(&options(arguments), name, arm).unwrap().unwrap();
            assert_eq!(found.databases["orders"], orders);
            assert_eq!(found.databases["shipping"], shipping);
            assert_eq!(found.queues.is_some(), arm.uses_sqs());
        };
        check(
            "--target-database monolith=postgres://h/shop --target-provider monolith=http://p",
            "monolith",
            Arm::Monolith,
            "postgres://h/shop",
            "postgres://h/shop",
        );
        check(
            "--target-database services=postgres://{database}@h/{database} \
             --target-database services.orders=postgres://elsewhere/x \
             --target-provider services=http://p --target-queues services=http://q",
            "services",
            Arm::Services,
            "postgres://elsewhere/x",
            "postgres://shipping@h/shipping",
        );
    }

    #[test]
    fn a_missing_address_is_named_with_its_option() {
        let check = |arguments: &str, hint: &str| {
            let missing = sources(&options(arguments), "services", Arm::Services).unwrap();
            let missing = missing.map(|_| ()).unwrap_err();
            assert!(missing.contains(hint), "{missing}");
        };
        let one = "--target-database services.orders=postgres://h/o";
        let all = "--target-database services=postgres://h/{database}";
        check("", "--target-database services=");
        check(one, "its database of payments");
        check(all, "--target-provider services=");
        check(
            &format!("{all} --target-provider services=http://p"),
            "--target-queues services=",
        );
    }

    #[test]
    fn an_address_of_no_target_is_refused() {
        let check = |arguments: &str, hint: &str| {
            let refused = sources(&options(arguments), "services", Arm::Services);
            let refused = refused.map(|_| ()).unwrap_err().to_string();
            assert!(refused.contains(hint), "{refused}");
        };
        check("--target-provider shop=http://p", "--target shop=URL");
        check(
            "--target-database services.order=postgres://h/o",
            "services.orders",
        );
    }
}
