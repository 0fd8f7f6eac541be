//! Running of short-lived programs, as another account if needed.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::account::Account;

/// Runs a program and returns its standard output.
///
/// # Errors
/// One line with the reason when the program cannot run or does not succeed.
pub(crate) fn output_of(mut command: Command, account: Option<&Account>) -> Result<String, String> {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid).current_dir("/");
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }

    let printed = [output.stderr, output.stdout].concat();
    let printed = String::from_utf8_lossy(&printed);
    let lines: Vec<_> = printed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    Err(if lines.is_empty() {
        output.status.to_string()
    } else {
        lines.join(" / ")
    })
}
