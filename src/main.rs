//! The command line: arguments to the library, its outcome to the terminal and the exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
