//! The auth service's process.

use std::process::ExitCode;

use auth_service::{Settings, start};
use clap::Parser;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("auth-service", serving, |context| start(settings, context))
}
