//! `prose-manager`: ProSeal's group manager.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use prose_manager::{Args, EXIT_USAGE, Failure, Here, print, run};

fn main() -> ExitCode {
    // Keys pass through: they must not end up in a core dump. Where the limit
    // cannot be set there is none to be afraid of.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);

    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let result = run(&args, &Here::of_process());
    let code = result.as_ref().map_or_else(Failure::exit_code, |_| 0);
    // Whether it is done the code says, also where nobody reads.
    let _ = print(&result, args.json);
    ExitCode::from(code)
}

/// Help is a success; a usage error is one object too, when JSON is asked for.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let _ = print(&Err(Failure::Usage(message(error))), true);
    } else {
        // What cannot be printed cannot be helped either.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 })
}

/// A usage error in one line.
fn message(error: &clap::Error) -> String {
    // clap's text for this one is the help.
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a subcommand is missing".to_owned();
    }
    let text = error.to_string();
    let paragraph = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    paragraph.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
