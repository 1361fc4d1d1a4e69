//! Simulated radios against a real `prose-manager serve`, over TLS 1.3. A program of the
//! tests; no package has it.
//!
//! ```text
//! join: manager (a process) <- https <- radio (the TA's logic) x N  -> figures
//! soak: the same, and kills; database, radios and what was acknowledged  -> judge
//! ```
//!
//! A radio is `host/client` over the trusted application's own logic, and asks as
//! `prosectl` does. That is fast enough that no stand-in was needed.
#![forbid(unsafe_code)]

mod crew;
mod crypto;
mod database;
mod failure;
mod https;
mod join;
mod manager;
mod radio;
mod soak;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;

use crate::database::Kind;
use crate::failure::Failure;

const HELP: &str = "\
Simulated radios against a real manager, on this machine.

  prose-fleet join [--manager PROGRAM] [--database sqlite|postgresql] [--devices N] [--connections N]
                   [--servers N]
  prose-fleet soak [--manager PROGRAM] [--database sqlite|postgresql] [--kills N] [--seed N] [--servers N]

--servers: so many processes serve the one manager (on PostgreSQL), each connection goes to the next one, and a kill
ends all of them, every second one a single one.

Prints one JSON object; progress goes to standard error. Ends with 0 if all is as it should
be, else with 1, and says what is not.";

/// What is wanted.
struct Options {
    command: String,
    manager: PathBuf,
    database: Kind,
    devices: usize,
    connections: usize,
    servers: NonZeroUsize,
    extent: soak::Extent,
}

fn main() -> ExitCode {
    let options = match parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("prose-fleet: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(object) => {
            println!("{object}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("prose-fleet: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<serde_json::Value, Failure> {
    match options.command.as_str() {
        "join" => {
            let Options { devices, connections, servers, .. } = *options;
            let fleet = join::Fleet { devices, connections, servers };
            join::run(&options.manager, options.database, &fleet)
        }
        "soak" => soak::run(&options.manager, options.database, &options.extent, options.servers),
        other => Err(Failure::Wrong(format!("there is no command {other}"))),
    }
}

fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        command: String::new(),
        manager: PathBuf::from("target/release/prose-manager"),
        database: Kind::Sqlite,
        devices: 500,
        connections: 128,
        servers: NonZeroUsize::MIN,
        extent: soak::Extent { kills: 20, seed: fastrand::u64(0..1 << 32) },
    };
    let mut words = lexopt::Parser::from_env();
    while let Some(word) = words.next()? {
        match word {
            Long("help") | Short('h') => return Ok(None),
            Long("manager") => options.manager = words.value()?.into(),
            Long("database") => options.database = words.value()?.parse()?,
            Long("devices") => options.devices = words.value()?.parse()?,
            Long("kills") => options.extent.kills = words.value()?.parse()?,
            Long("seed") => options.extent.seed = words.value()?.parse()?,
            Long("servers") => options.servers = words.value()?.parse()?,
            Long("connections") => options.connections = words.value()?.parse()?,
            Value(word) if options.command.is_empty() => options.command = word.string()?,
            other => return Err(other.unexpected()),
        }
    }
    if options.command.is_empty() {
        return Err("a command is missing: see --help".into());
    }
    Ok(Some(options))
}
