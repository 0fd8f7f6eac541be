//! The gateway's process.

use std::process::ExitCode;

use clap::Parser;
use gateway::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("gateway", serving, |context| start(settings, context))
}
