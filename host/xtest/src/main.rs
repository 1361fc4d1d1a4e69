//! `prose-xtest`: tests of ProSeal's trusted application against the real
//! TEE, in the manner of OP-TEE's xtest. It erases the device: that of the test
//! build of the TA, which has storage of its own, and in suite `package` the
//! product's too.
//!
//! ```text
//! options -> selection -> runner (a thread a case) -> report, junit
//!                           case -> check, target -> the TA
//! ```
//!
//! A new case is one function under [`cases`] and one line in its table.

mod case;
mod cases;
mod check;
#[cfg(feature = "optee")]
mod child;
mod derivation;
mod device;
mod fixture;
#[cfg(feature = "optee")]
mod ioctl;
mod junit;
#[cfg(feature = "optee")]
mod line;
mod manager;
mod options;
#[cfg(feature = "optee")]
mod random;
mod report;
mod runner;
mod selection;
mod show;
#[cfg(feature = "optee")]
mod store;
#[cfg(feature = "optee")]
mod supplicant;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use proseal_proto::message::Version;

use crate::options::{Action, Options};
use crate::report::Report;
use crate::target::Target;

/// All cases passed.
const PASSED: u8 = 0;
/// A case failed, or none ran.
const FAILED: u8 = 1;
/// The command line is wrong, or there is no TEE.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    ExitCode::from(match Options::parse(lexopt::Parser::from_env()) {
        Ok(Action::Help) => {
            print!("{}", options::USAGE);
            PASSED
        }
        Ok(Action::List) => {
            let lines = cases::all().map(|case| format!("{} {}\n", case.id(), case.title));
            // A reader that went away has read what it wanted.
            let _ = io::stdout().write_all(lines.collect::<String>().as_bytes());
            PASSED
        }
        Ok(Action::Run(options)) => run(&options),
        #[cfg(feature = "optee")]
        Ok(Action::Call { number, request }) => match child::serve(number, &request) {
            Ok(()) => PASSED,
            Err(error) => {
                eprintln!("prose-xtest: {error}");
                UNUSABLE
            }
        },
        Err(error) => {
            eprint!("prose-xtest: {error}\n\n{}", options::USAGE);
            UNUSABLE
        }
    })
}

fn run(options: &Options) -> u8 {
    let selected = match selection::select(cases::all(), options) {
        Ok(selected) => selected,
        Err(nothing) => {
            eprintln!("prose-xtest: {nothing}");
            return FAILED;
        }
    };
    let target = Target::new();
    if let Err(error) = target.client().call(&Version) {
        eprintln!("prose-xtest: {error}: {}", error.hint());
        return UNUSABLE;
    }
    check::silence_panics();
    let mut report = Report::new(io::stdout(), options);
    report.start();
    let summary = runner::run(&selected, &target, options, &mut report);
    report.close(&summary);
    if let Some(path) = &options.junit
        && let Err(error) = std::fs::write(path, junit::render(&summary))
    {
        eprintln!("prose-xtest: {}: {error}", path.display());
        return FAILED;
    }
    if summary.all_passed() { PASSED } else { FAILED }
}
