//! The program `owncircle`; everything stands in the library beside it.

use std::process::ExitCode;

/// A request makes some hundreds of small allocations; this one serves them with less work than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
