//! The binary. All code is in the library, so that tests can use it.

fn main() -> std::process::ExitCode {
    shipping_service::main()
}
