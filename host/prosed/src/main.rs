//! `prosed`: one-to-many traffic of a ProSe group. The protocol is the library; here are
//! the sockets around it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use proseal_client::Application;

mod daemon;

use daemon::config::Config;
use daemon::run::{Daemon, say};

const CONFIG: &str = "/etc/proseal/prosed.toml";
/// A call of the TEE that takes longer has failed.
const TEE_LIMIT: Duration = Duration::from_secs(30);
const HELP: &str = "\
Protects and opens the traffic of ProSe groups, under keys that the trusted application
derives. Applications use its socket (varlink) or a TUN interface a group.

Usage: prosed [run|check] [--config FILE]

  run            the daemon (without any word too)
  check          reads the configuration and says what is wrong with it
  --config FILE  /etc/proseal/prosed.toml unless said otherwise
  --help, --version

SIGHUP reads the configuration again, SIGTERM ends. docs/prosed.md has the rest.
";
#[cfg(feature = "sim")]
const SIM_HELP: &str = "\
This is a build for tests, without any TEE:
  --sim FILE           install this content (docs/commands.md) in a trusted application that
                       runs in this process; FILE.store keeps what it has stored
  --sim-enrolled FILE  instead of it, be enrolled by the manager of FILE (his root key, 32
                       octets, and id, 16); FILE.statement is what the device says of itself
";

struct Arguments {
    check: bool,
    config: PathBuf,
    #[cfg(feature = "sim")]
    sim: Option<sim::Sim>,
}

enum Asked {
    Do(Arguments),
    Print(String),
}

fn main() -> ExitCode {
    match parse() {
        Err(error) => {
            say(&format!("{error}: prosed --help lists what there is"));
            ExitCode::from(2)
        }
        Ok(Asked::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Asked::Do(arguments)) => match start(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(&error);
                ExitCode::FAILURE
            }
        },
    }
}

fn parse() -> Result<Asked, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments {
        check: false,
        config: CONFIG.into(),
        #[cfg(feature = "sim")]
        sim: None,
    };
    let mut parser = lexopt::Parser::from_env();
    let mut word = None::<OsString>;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") => arguments.config = parser.value()?.into(),
            #[cfg(feature = "sim")]
            Long("sim") => arguments.sim = Some(sim::Sim::Content(parser.value()?.into())),
            #[cfg(feature = "sim")]
            Long("sim-enrolled") => {
                arguments.sim = Some(sim::Sim::Enrolled(parser.value()?.into()));
            }
            Long("help") | Short('h') => {
                #[cfg(feature = "sim")]
                let help = format!("{HELP}{SIM_HELP}");
                #[cfg(not(feature = "sim"))]
                let help = HELP.to_owned();
                return Ok(Asked::Print(help));
            }
            Long("version") => {
                return Ok(Asked::Print(format!("prosed {}\n", env!("CARGO_PKG_VERSION"))));
            }
            Value(value) if word.is_none() && (value == "run" || value == "check") => {
                arguments.check = value == "check";
                word = Some(value);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Asked::Do(arguments))
}

fn start(arguments: Arguments) -> Result<(), String> {
    let path = arguments.config.display();
    let text =
        std::fs::read_to_string(&arguments.config).map_err(|error| format!("{path}: {error}"))?;
    let config = Config::parse(&text).map_err(|error| format!("{path}: {error}"))?;
    if arguments.check {
        println!("{path}: good");
        return Ok(());
    }
    #[cfg(feature = "sim")]
    let sim = arguments.sim.clone();
    let open = move || {
        #[cfg(feature = "sim")]
        if let Some(sim) = sim {
            return sim.client();
        }
        proseal_client::connect(Application::PRODUCT, TEE_LIMIT)
    };
    let (daemon, api) =
        Daemon::start(arguments.config, config, open).map_err(|error| error.to_string())?;
    daemon.run(api).map_err(|error| error.to_string())
}

#[cfg(feature = "sim")]
mod sim;
