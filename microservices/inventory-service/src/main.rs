use std::process::ExitCode;

use clap::Parser;
use inventory_service::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("inventory-service", serving, |context| {
        start(settings, context)
    })
}
