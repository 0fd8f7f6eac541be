use std::process::ExitCode;

use clap::Parser;
use shipping_service::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("shipping-service", serving, |context| {
        start(settings, context)
    })
}
