//! `fitrun list`: what fitrun brings along.

use std::process::ExitCode;

use clap::Args;

#[derive(Args)]
pub(super) struct ListArgs {
    /// presets, layouts, conventions, landmarks, priors, terms or functions; without it, all
    topic: Option<String>,
    /// One of them, whole
    name: Option<String>,
}

pub(super) fn main(args: &ListArgs) -> ExitCode {
    let Some(topic) = &args.topic else {
        for topic in fitrun::TOPICS {
            println!("{topic}");
            for line in fitrun::list(topic, None).unwrap_or_default().lines() {
                println!("  {line}");
            }
            println!();
        }
        return ExitCode::SUCCESS;
    };
    match fitrun::list(topic, args.name.as_deref()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}
