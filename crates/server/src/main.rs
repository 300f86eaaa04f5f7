//! The program `owncircle`; everything stands in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
