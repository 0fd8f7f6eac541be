//! The file for a shell: addresses, databases and two functions, in place of passwords on the
//! screen.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use analysis::model::Arm;
use anyhow::Context as _;
use live::Started;

/// The functions that `docs/labs.md` uses.
const FUNCTIONS: &str = include_str!("env_file.sh");

/// What a shell needs to know of one arm.
pub(super) struct Shop {
    name: String,
    url: String,
    provider: String,
    queues: Option<String>,
    databases: Vec<(String, String)>,
}

impl Shop {
    pub(super) fn of(started: &Started) -> Shop {
        let deployment = &started.deployment;
        let databases = deployment.databases.iter();
        let queues = deployment.queues.as_ref();
        Shop {
            name: match started.spec.arm {
                Arm::Monolith => "MONOLITH".to_owned(),
                Arm::Services => "SERVICES".to_owned(),
                other => other.code().to_owned(),
            },
            url: deployment.base_urls[0].clone(),
            provider: deployment.provider.process.url.clone(),
            queues: queues.map(|queues| queues.process.url.clone()),
            databases: databases
                .map(|(context, database)| (context.to_uppercase(), database.url.clone()))
                .collect(),
        }
    }
}

/// Writes the file for its owner alone, since it has passwords of databases.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(file: &Path, shops: &[Shop], page: &str) -> anyhow::Result<()> {
    let mut text = format!("PAGE='{page}'\n");
    for shop in shops {
        let name = &shop.name;
        let _ = writeln!(text, "{name}={}", shop.url);
        let _ = writeln!(text, "{name}_PROVIDER={}", shop.provider);
        if let Some(queues) = &shop.queues {
            let _ = writeln!(text, "SQS={queues}");
        }
        for (context, url) in &shop.databases {
            let _ = writeln!(text, "{name}_{context}_DATABASE='{url}'");
        }
    }
    text += FUNCTIONS;
    let written = fs::write(file, "");
    let written = written.and_then(|()| fs::set_permissions(file, Permissions::from_mode(0o600)));
    let written = written.and_then(|()| fs::write(file, text));
    written.with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_the_file_and_only_its_owner_can() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shop.env");
        let shop = Shop {
            name: "SERVICES".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            provider: "http://127.0.0.1:2".to_owned(),
            queues: Some("http://127.0.0.1:3".to_owned()),
            databases: vec![("ORDERS".to_owned(), "postgres://a:b@c/d?e=f&g".to_owned())],
        };
        write(&file, &[shop], "http://127.0.0.1:4/#t").unwrap();
        let script = format!(
            ". {} && type order sign_up >/dev/null && \
             echo \"$SERVICES $SERVICES_PROVIDER $SQS $SERVICES_ORDERS_DATABASE $PAGE\"",
            file.display()
        );
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "http://127.0.0.1:1 http://127.0.0.1:2 http://127.0.0.1:3 \
             postgres://a:b@c/d?e=f&g http://127.0.0.1:4/#t\n"
        );
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
