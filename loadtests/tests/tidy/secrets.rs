//! Settings that hold a secret have a type that does not print it.

use std::fs;

use crate::tree::{files, root};

/// Parts of the names of environment variables that hold a secret.
const SECRETS: &[&str] = &["DATABASE_URL", "PASSWORD", "PRIVATE_KEY", "SECRET"];

#[test]
fn a_secret_setting_is_neither_printed_nor_shown_by_help() {
    let (mut hidden, mut found) = (0, vec![]);
    for file in files(".rs") {
        let file_name = file.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        for setting in settings(&text) {
            let is_secret = SECRETS.iter().any(|part| setting.variable.contains(part));
            match setting.is_hidden() {
                true if is_secret => hidden += 1,
                false if is_secret => found.push(format!("{file_name}: {}", setting.variable)),
                _ => {}
            }
        }
    }
    // The addresses of the databases and the key of the tokens.
    assert!(hidden >= 9, "only {hidden} secrets were found");
    assert!(
        found.is_empty(),
        "make each a `Secret` with `hide_env_values`: {found:#?}"
    );
}

#[test]
fn a_setting_is_hidden_by_its_type_and_its_attribute() {
    let check = |definition: &str, hidden: bool| {
        let text = format!("#[arg(long, env = \"KEY\"{definition},\n");
        let settings = settings(&text);
        assert_eq!(settings.len(), 1, "{text}");
        assert_eq!(settings[0].is_hidden(), hidden, "{text}");
    };
    check(", hide_env_values = true)]\n    pub key: Secret", true);
    check(", hide_env_values = true)]\n    key: Option<Pem>", true);
    check(")]\n    key: Secret", false);
    check(", hide_env_values = true)]\n    key: String", false);
}

/// A field that an environment variable sets.
struct Setting<'a> {
    variable: &'a str,
    /// The rest of its attribute, and its type.
    definition: &'a str,
}

impl Setting<'_> {
    fn is_hidden(&self) -> bool {
        let kind = self.definition.rsplit(": ").next().unwrap_or_default();
        let is_secret = kind.contains("Secret") || kind.contains("Pem");
        is_secret && self.definition.contains("hide_env_values = true")
    }
}

fn settings(text: &str) -> Vec<Setting<'_>> {
    let after = text.split("env = \"").skip(1);
    let settings = after.filter_map(|after| {
        let (variable, rest) = after.split_once('"')?;
        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
        // The definition ends with the line of the field.
        let (_, from_field) = rest.split_once(")]\n")?;
        let length = rest.len() - from_field.len() + from_field.find(",\n")?;
        let definition = &rest[..length];
        variable.chars().all(is_name).then_some(Setting {
            variable,
            definition,
        })
    });
    settings.collect()
}
