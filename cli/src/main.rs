//! `ergosql`: parse, run, exit code. 0 ok, 1 failed, 2 usage.

use std::process::ExitCode;

use clap::Parser;
use cli::commands::{Arguments, run};

/// Queries allocate and free on many threads: this one does it in half the time of the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    cli::telemetry::start();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain of causes on one line: what failed, on which value, why.
            eprintln!("ergosql: {error:#}");
            ExitCode::FAILURE
        }
    }
}
