//! `prosectl`: ProSeal's command line, as a library, so that the tests' tool is the
//! same with one command more.
//!
//! Arguments (`args`) -> one `command` -> one [`Report`] -> text or JSON.

mod args;
mod command;
mod confirm;
mod enrolment;
pub mod failure;
pub mod file;
mod manager;
mod output;
mod traffic;
pub mod value;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use proseal_client::Application;

use crate::args::Args;
pub use crate::args::Key;
pub use crate::command::KeyCommands;
pub use crate::failure::Failure;
pub use crate::output::Report;
pub use crate::traffic::TrafficError;

/// What tells a tool from others over this library.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// The trusted application that it speaks to.
    pub application: Application,
}

impl Tool {
    /// `prosectl`.
    pub const PRODUCT: Self = Self {
        name: env!("CARGO_PKG_NAME"),
        about: env!("CARGO_PKG_DESCRIPTION"),
        application: Application::PRODUCT,
    };
}

/// How `prosectl`'s arguments are defined, for its manual pages and completions.
#[must_use]
pub fn arguments() -> clap::Command {
    definition::<Key>(&Tool::PRODUCT)
}

/// All that a tool does, whose `key` has the subcommands `K`.
#[must_use]
pub fn main<K: KeyCommands>(tool: &Tool) -> ExitCode {
    // Keys pass through: they must not end up in a core dump. Where the limit
    // cannot be set there is none to be afraid of.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);

    let args = match parse::<K>(tool) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    if let Some(seconds) = args.command.watch() {
        return watch(tool, &args, Duration::from_secs(seconds));
    }
    ExitCode::from(run(tool, &args).unwrap_or_else(|ended| ended))
}

fn definition<K: KeyCommands>(tool: &Tool) -> clap::Command {
    Args::<K>::command().name(tool.name).about(tool.about)
}

fn parse<K: KeyCommands>(tool: &Tool) -> Result<Args<K>, clap::Error> {
    let mut command = definition::<K>(tool);
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Args::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Runs the command and prints what came of it: its exit code; as an error if
/// nobody reads what is printed.
fn run<K: KeyCommands>(tool: &Tool, args: &Args<K>) -> Result<u8, u8> {
    let result = command::run(tool, args);
    let code = result.as_ref().map_or_else(Failure::exit_code, |report| report.exit_code());
    match output::print(result, args.json) {
        Ok(()) => Ok(code),
        // Who closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(code),
        Err(_) => Err(failure::EXIT_FAILED),
    }
}

/// Runs the command again and again, until interrupted or it fails.
fn watch<K: KeyCommands>(tool: &Tool, args: &Args<K>, pause: Duration) -> ExitCode {
    loop {
        if !args.json && io::stdout().is_terminal() {
            // Home, and clear to the end: ECMA-48 CUP and ED.
            print!("\x1b[H\x1b[J");
            // What cannot be cleared is only less tidy.
            let _ = io::stdout().flush();
        }
        match run(tool, args) {
            Ok(0) => std::thread::sleep(pause),
            Ok(code) | Err(code) => return ExitCode::from(code),
        }
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
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            _ => ExitCode::from(code),
        };
    }
    // What cannot be printed cannot be helped either.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { failure::EXIT_USAGE } else { 0 })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// It is of the tests' tool.
    #[test]
    fn a_key_in_clear_is_wrong_usage() {
        let words = "prosectl key import --group 0a0b0c --member 000001 --generation 1 \
                     --pgk-id 01 --key-file key";
        let error = Args::<Key>::try_parse_from(words.split_whitespace()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidSubcommand);
        assert_eq!(message(&error), "unrecognized subcommand 'import'");
        assert_eq!(usage(&error), ExitCode::from(2));
    }

    #[test]
    fn a_usage_error_is_one_line_that_says_what_is_wrong() {
        for (words, expected) in [
            (&["prosectl"][..], "a subcommand is missing"),
            (&["prosectl", "derive"], "a subcommand is missing"),
            (&["prosectl", "frobnicate"], "frobnicate"),
            (
                &["prosectl", "derive", "receive", "--group", "0a0b0c"],
                "--generation <N> --sender <HEX>",
            ),
            (&["prosectl", "derive", "send", "--group", "xyz"], "xyz"),
        ] {
            let error = Args::<Key>::try_parse_from(words).err().unwrap();
            let message = message(&error);
            assert!(message.contains(expected), "{words:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
