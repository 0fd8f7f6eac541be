//! The monolith's process.

use std::process::ExitCode;

use clap::Parser;
use monolith::Settings;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("monolith", serving, |context| {
        monolith::start(settings, context)
    })
}
