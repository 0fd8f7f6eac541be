use std::process::ExitCode;

use clap::Parser;
use payment_service::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("payment-service", serving, |context| {
        start(settings, context)
    })
}
