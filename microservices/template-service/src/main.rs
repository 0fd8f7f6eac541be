fn main() -> std::process::ExitCode {
    template_service::main()
}
