//! `prosectl-test`: `prosectl` against the test build of the trusted application, and
//! with one command more, `key import`, which only that build can answer.

mod args;
mod failure;
mod import;
mod key_file;
mod value;

use std::process::ExitCode;

use proseal_client::{Application, Client};
use proseal_proto::test_command;
use prosectl::{KeyCommands, Report, Tool};

use crate::args::Key;

impl KeyCommands for Key {
    fn carry_out(&self, client: &mut Client) -> Result<Report, prosectl::Failure> {
        match self {
            Self::Import(arguments) => import::import(client, arguments),
            Self::Product(key) => key.carry_out(client),
        }
    }
}

fn main() -> ExitCode {
    prosectl::main::<Key>(&Tool {
        name: env!("CARGO_PKG_NAME"),
        about: env!("CARGO_PKG_DESCRIPTION"),
        application: Application::new(test_command::UUID),
    })
}
