//! The supervisor as a program of its own: one request on standard input, one response on standard output.

fn main() -> std::process::ExitCode {
    sigma_sandbox::supervisor::main()
}
