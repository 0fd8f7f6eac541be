use std::process::ExitCode;

use clap::Parser;
use order_service::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("order-service", serving, |context| start(settings, context))
}
