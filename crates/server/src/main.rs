//! The program `owncircle`; everything stands in the library beside it.

use std::process::ExitCode;

/// A request makes some hundreds of small allocations; this one serves them with less work than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Pages of 2 MiB for the allocator's arenas would double the memory under load and make nothing measurably faster.
    // A kernel that can't switch them off costs memory and nothing else.
    #[cfg(target_os = "linux")]
    let _unless_refused = rustix::thread::disable_transparent_huge_pages(true);
    server::cli::main()
}
