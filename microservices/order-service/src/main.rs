//! The process; everything of it is in the library, where tests reach it.

fn main() -> std::process::ExitCode {
    order_service::main()
}
