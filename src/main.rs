//! The command line: arguments to the library, its outcome to the terminal and the exit code.

mod cli;

use std::process::ExitCode;

/// Exit code of a fault that is ours.
const FAULT: u8 = 3;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|fault| {
        // Whoever read what is printed has seen enough.
        let said = fault.to_string();
        if said.contains("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        eprintln!("error: fitrun itself failed: {fault}");
        eprintln!("please report this, with the spec; no result was written");
    }));
    std::panic::catch_unwind(cli::main).unwrap_or(ExitCode::from(FAULT))
}
