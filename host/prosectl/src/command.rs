//! One file a command: arguments in, a report out.

mod derive;
mod doctor;
mod enrol;
mod erase;
mod events;
mod import;
mod key;
mod lifecycle;
mod network;
mod statement;
mod status;
mod traffic;

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Subcommand;
use proseal_client::Client;

use crate::Tool;
use crate::args::{Args, Command, Derive, Identity, Key, Statement};
use crate::confirm;
use crate::failure::Failure;
use crate::manager::{Place, Tell};
use crate::output::Report;
use crate::value::EpochName;

/// The subcommands of `key`: the product's, or those of a tool that has more.
pub trait KeyCommands: Subcommand {
    /// Carries out the one that was given.
    fn carry_out(&self, client: &mut Client) -> Result<Report, Failure>;
}

impl KeyCommands for Key {
    fn carry_out(&self, client: &mut Client) -> Result<Report, Failure> {
        match self {
            Self::List => key::list(client),
        }
    }
}

/// Carries out the command.
pub(crate) fn run<K: KeyCommands>(tool: &Tool, args: &Args<K>) -> Result<Report, Failure> {
    let mut client = proseal_client::connect(tool.application, Duration::from_secs(args.timeout));
    // Progress is for people, beside what is asked for.
    let tell = |what: &str| {
        if !args.json {
            eprintln!("prosectl: {what}");
        }
    };
    carry_out(&mut client, args, io::stdout().is_terminal(), &tell)
}

/// The same through any client, for an output that may be a terminal.
fn carry_out<K: KeyCommands>(
    client: &mut Client,
    args: &Args<K>,
    is_terminal: bool,
    tell: Tell<'_>,
) -> Result<Report, Failure> {
    let output = statement::Output { json: args.json, is_terminal };
    match &args.command {
        Command::Status { .. } => status::run(client),
        Command::Identity(Identity::Export(destination)) => {
            statement::identity(client, destination, output)
        }
        Command::Statement(Statement::Export { nonce, destination }) => {
            statement::export(client, *nonce, destination, output)
        }
        Command::Enrol(enrol) => {
            enrol::run(client, enrol, &enrol::Around { state: &args.state, tell }, confirm::ask)
        }
        Command::Join(join) => network::join(client, &Place::load(&args.state)?, tell, join.group),
        Command::Update(update) => {
            let patience = Duration::from_secs(update.wait);
            network::update(client, &Place::load(&args.state)?, tell, patience)
        }
        Command::Bundle(bundle) => {
            let place = Place::load(&args.state)?;
            network::bundle(client, &place, tell, bundle.group, &bundle.out)
        }
        Command::Import { file } => import::run(client, file),
        Command::Key(key) => key.carry_out(client),
        Command::Derive(Derive::Send { group, generation, show_keys }) => {
            derive::send(client, *group, *generation, *show_keys)
        }
        Command::Derive(Derive::Receive {
            group,
            generation,
            sender: Some(sender),
            ptk_id: Some(ptk_id),
            salt,
            show_keys,
            ..
        }) => {
            let epoch = EpochName { sender: *sender, ptk_id: *ptk_id, salt: *salt };
            derive::receive(client, *group, *generation, epoch, *show_keys)
        }
        Command::Derive(Derive::Receive { group, generation, epoch, show_keys, .. }) => {
            derive::receive_all(client, *group, *generation, epoch, *show_keys)
        }
        Command::Derive(Derive::Admission { group, generation, show_keys }) => {
            derive::admission(client, *group, *generation, *show_keys)
        }
        Command::Refresh { group, generation } => derive::send(client, *group, *generation, false),
        Command::Suspend { group } => lifecycle::suspend(client, *group, true),
        Command::Resume { group } => lifecycle::suspend(client, *group, false),
        Command::Revoke { group, below } => lifecycle::revoke(client, *group, *below),
        Command::Events { since } => events::run(client, *since),
        Command::Traffic(traffic) => traffic::run(traffic, Duration::from_secs(args.timeout)),
        Command::Erase { yes } => erase::run(client, *yes),
        Command::Doctor => Ok(doctor::run(client)),
    }
}

#[cfg(test)]
mod tests;
