//! The values of options, parsed into types.

use analysis::model::{Arm, ArmName, Fault, Scenario};

/// Arms in the order of the command line, each under a name of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arms(pub Vec<ArmName>);

/// The faults with one code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults(pub Vec<Fault>);

impl Arms {
    /// The arms of the dial, without targets.
    pub fn on_the_dial(&self) -> Vec<Arm> {
        self.0.iter().filter_map(ArmName::arm).collect()
    }
}

pub(super) fn parse_arms(text: &str) -> Result<Arms, String> {
    let codes: Vec<&str> = match text {
        "all" => vec!["A0", "A1", "A2", "A3"],
        _ => text.split(',').map(str::trim).collect(),
    };
    let mut arms: Vec<ArmName> = vec![];
    for code in codes {
        let arm = Arm::from_code(code).ok_or_else(|| {
            format!("there is no arm {code:?}: choose from A0, A1, A2, A3, or all")
        })?;
        let same = arms.iter().filter(|earlier| earlier.arm() == Some(arm));
        let repeat = same.count();
        arms.push(ArmName::Dial { arm, repeat });
    }
    Ok(Arms(arms))
}

pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of orders per second from 0.1 to 100000".to_owned()),
    }
}

pub(super) fn parse_hours(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if (0.001..=1_000.0).contains(&hours) => Ok(hours),
        _ => Err("a soak takes from 0.001 to 1000 hours, such as 0.5".to_owned()),
    }
}

pub(super) fn parse_scenario(text: &str) -> Result<Scenario, String> {
    Scenario::from_code(&text.to_uppercase())
        .ok_or_else(|| format!("there is no scenario {text:?}: choose from S1 to S8"))
}

pub(super) fn parse_faults(text: &str) -> Result<Faults, String> {
    match Fault::with_code(text) {
        none if none.is_empty() => {
            let codes = fault_codes().join(", ");
            Err(format!("there is no fault {text:?}: choose from {codes}"))
        }
        faults => Ok(Faults(faults)),
    }
}

/// The codes of all faults, each once.
pub(super) fn fault_codes() -> Vec<&'static str> {
    let mut codes = Fault::ALL.map(Fault::code).to_vec();
    codes.dedup();
    codes
}

pub(super) fn parse_database(text: &str) -> Result<(String, String), String> {
    let example = "write NAME=URL, as in monolith=postgres://...";
    let (name, url) = text.split_once('=').ok_or(example)?;
    let schemes = ["postgres://", "postgresql://"];
    match schemes.into_iter().any(|scheme| url.starts_with(scheme)) {
        true => Ok((name.to_owned(), url.to_owned())),
        false => Err(example.to_owned()),
    }
}

pub(super) fn parse_target(text: &str) -> Result<(String, String), String> {
    let (name, url) = text
        .split_once('=')
        .ok_or("write NAME=URL, as in monolith=http://...")?;
    match url.parse::<reqwest::Url>() {
        Ok(address) if matches!(address.scheme(), "http" | "https") => {
            Ok((name.to_owned(), url.trim_end_matches('/').to_owned()))
        }
        _ => Err(format!("{url:?} is not an http or https address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_arm_twice_has_two_names() {
        let labels = |text: &str| -> Vec<String> {
            parse_arms(text)
                .unwrap()
                .0
                .into_iter()
                .map(|name| name.to_string())
                .collect()
        };
        assert_eq!(labels("A0,A3"), ["A0", "A3"]);
        assert_eq!(labels("a0,A0"), ["A0", "A0 again"]);
        assert_eq!(labels("all"), ["A0", "A1", "A2", "A3"]);
        assert!(parse_arms("A0,A9").unwrap_err().contains("A9"));
    }
}
