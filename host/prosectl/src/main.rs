//! `prosectl`: ProSeal's command line.
//!
//! Arguments ([`args`]) -> one [`command`] -> one [`output::Report`] -> text or JSON.

mod args;
mod command;
mod failure;
mod key_file;
mod output;
mod tee;
mod value;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Args;
use crate::failure::Failure;

fn main() -> ExitCode {
    // Keys pass through: they must not end up in a core dump. Where the limit
    // cannot be set there is none to be afraid of.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);

    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let result = command::run(&args);
    let code = result.as_ref().map_or_else(Failure::exit_code, |report| report.exit_code());
    match output::print(result, args.json) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// A usage error in one line.
fn message(error: &clap::Error) -> String {
    // clap's text for this one is the help.
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a subcommand is missing".to_owned();
    }
    // The first paragraph; what follows is usage and help. Its further lines
    // list what is missing or possible.
    let text = error.to_string();
    let paragraph = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    paragraph.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

/// Help is a success; a usage error is one object too, when JSON is asked for.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let failure = Failure::Usage(message(error));
        let code = failure.exit_code();
        return match output::print(Err(failure), true) {
            Ok(()) => ExitCode::from(code),
            Err(_) => ExitCode::FAILURE,
        };
    }
    // What cannot be printed cannot be helped either.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { failure::EXIT_USAGE } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_one_line_that_says_what_is_wrong() {
        for (words, expected) in [
            (&["prosectl"][..], "a subcommand is missing"),
            (&["prosectl", "derive"], "a subcommand is missing"),
            (&["prosectl", "frobnicate"], "frobnicate"),
            (
                &["prosectl", "key", "import", "--group", "0a0b0c"],
                "--member <HEX> --generation <N>",
            ),
            (&["prosectl", "derive", "send", "--group", "xyz"], "xyz"),
        ] {
            let error = Args::try_parse_from(words).err().unwrap();
            let message = message(&error);
            assert!(message.contains(expected), "{words:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
