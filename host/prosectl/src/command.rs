//! One file a command: arguments in, a report out.

mod derive;
mod doctor;
mod erase;
mod events;
mod key;
mod lifecycle;
mod status;

use std::time::Duration;

use crate::args::{Args, Command, Derive, Key};
use crate::failure::Failure;
use crate::output::Report;
use crate::tee;
use crate::value::EpochName;

/// Carries out the command.
pub(crate) fn run(args: &Args) -> Result<Report, Failure> {
    let mut client = tee::client(Duration::from_secs(args.timeout));
    match &args.command {
        Command::Status { .. } => status::run(&mut client),
        Command::Key(Key::Import(import)) => key::import(&mut client, import),
        Command::Key(Key::List) => key::list(&mut client),
        Command::Derive(Derive::Send { group, generation, show_keys }) => {
            derive::send(&mut client, *group, *generation, *show_keys)
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
            derive::receive(&mut client, *group, *generation, epoch, *show_keys)
        }
        Command::Derive(Derive::Receive { group, generation, epoch, show_keys, .. }) => {
            derive::receive_all(&mut client, *group, *generation, epoch, *show_keys)
        }
        Command::Derive(Derive::Admission { group, generation, show_keys }) => {
            derive::admission(&mut client, *group, *generation, *show_keys)
        }
        Command::Refresh { group, generation } => {
            derive::send(&mut client, *group, *generation, false)
        }
        Command::Suspend { group } => lifecycle::suspend(&mut client, *group, true),
        Command::Resume { group } => lifecycle::suspend(&mut client, *group, false),
        Command::Revoke { group, below } => lifecycle::revoke(&mut client, *group, *below),
        Command::Events { since } => events::run(&mut client, *since),
        Command::Erase { yes } => erase::run(&mut client, *yes),
        Command::Doctor => Ok(doctor::run(&mut client)),
    }
}
