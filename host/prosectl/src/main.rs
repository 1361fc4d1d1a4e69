//! `prosectl`: ProSeal's command line.
//!
//! Arguments ([`args`]) -> one [`command`] -> one [`output::Report`] -> text or JSON.

mod args;
mod command;
mod confirm;
mod enrolment;
mod failure;
mod file;
mod key_file;
mod output;
mod tee;
mod value;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Args, Command};
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
    if let Command::Status { watch: Some(seconds) } = args.command {
        return watch(&args, Duration::from_secs(seconds));
    }
    ExitCode::from(run(&args).unwrap_or_else(|ended| ended))
}

/// Runs the command and prints what came of it: its exit code; as an error if
/// nobody reads what is printed.
fn run(args: &Args) -> Result<u8, u8> {
    let result = command::run(args);
    let code = result.as_ref().map_or_else(Failure::exit_code, |report| report.exit_code());
    match output::print(result, args.json) {
        Ok(()) => Ok(code),
        // Who closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(code),
        Err(_) => Err(failure::EXIT_FAILED),
    }
}

/// Runs the command again and again, until interrupted or it fails.
fn watch(args: &Args, pause: Duration) -> ExitCode {
    loop {
        if !args.json && io::stdout().is_terminal() {
            // Home, and clear to the end: ECMA-48 CUP and ED.
            print!("\x1b[H\x1b[J");
            // What cannot be cleared is only less tidy.
            let _ = io::stdout().flush();
        }
        match run(args) {
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
