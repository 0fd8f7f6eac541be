use std::process::ExitCode;

use clap::Parser;
use template_service::{Settings, start};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("template-service", serving, |c| start(settings, c))
}
