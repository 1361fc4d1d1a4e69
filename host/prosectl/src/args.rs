//! The arguments. Help and usage come from here.

mod derive;
mod key;
mod packages;
mod traffic;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use proseal_proto::id::{Generation, GroupId};

pub(crate) use self::derive::Derive;
pub use self::key::Key;
pub(crate) use self::packages::{Bundle, Destination, Enrol, Identity, Join, Statement, Update};
pub(crate) use self::traffic::{Traffic, TrafficCommand};
use crate::value;

/// The command line of a tool whose `key` has the subcommands `K`.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 refused by the \
trusted application, the manager or prosed, 4 no TEE or no prosed, 5 no permission, \
6 manager unreachable.\n\n\
derive and refresh need group prose (870); enrol, resume, revoke, events and \
erase need group prose-admin (871); identity, statement, import, join, \
update, bundle, status, key list and suspend either. traffic needs no group: \
prosed lets root carry and refresh, and everyone look."
)]
pub(crate) struct Args<K: Subcommand = Key> {
    /// Print one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Seconds to wait for the TEE
    #[arg(long, global = true, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Where this device's manager is remembered
    #[arg(long, global = true, value_name = "FOLDER", default_value = crate::manager::FOLDER)]
    pub(crate) state: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command<K>,
}

#[derive(Subcommand)]
pub(crate) enum Command<K: Subcommand = Key> {
    /// Show what the device holds, and for how long
    ///
    /// Epochs up to a PTK Id (`ptk_id` of --json) are used: each was given out,
    /// or reserved before the trusted application's last start.
    Status {
        /// Show it again every so many seconds, until interrupted
        #[arg(long, value_name = "S", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
        watch: Option<u64>,
    },
    /// Hand out who this device is, for a manager to approve
    #[command(subcommand)]
    Identity(Identity),
    /// Hand out what this device signs of itself: identity, state, what it holds
    #[command(subcommand)]
    Statement(Statement),
    /// Make this device a manager's: pin his root key
    ///
    /// From then on it takes packages and notices of this manager and no other,
    /// until it is erased.
    Enrol(Enrol),
    /// Bring in a manager's package or notice
    ///
    /// A package is all that this device should hold, sealed to it; a notice ends
    /// keys of a group. Either may come by any road, and be imported again.
    Import {
        /// The package or notice; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Join a group through the manager, over the network
    ///
    /// The manager lets the device in if the group's rule does, and answers with its
    /// package. Said again, it is the same.
    Join(Join),
    /// Ask the manager for what is new, and import it
    Update(Update),
    /// Fetch from the manager what this device can carry to the others of its group
    Bundle(Bundle),
    /// The keys that are held
    #[command(subcommand)]
    Key(K),
    /// Derive the integrity and confidentiality key of an epoch
    #[command(subcommand)]
    Derive(Derive),
    /// Start a new epoch of this device: fresh IK and CK from the same PGK
    Refresh {
        /// Destination group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
        /// Generation of the PGK [default: the newest that may be sent with]
        #[arg(long, value_name = "N", value_parser = value::generation)]
        generation: Option<Generation>,
    },
    /// Stop deriving for a group, until resumed
    Suspend {
        /// The group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
    },
    /// Let deriving go on for a suspended group
    Resume {
        /// The group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
    },
    /// End PGKs of a group for ever: all below a generation
    Revoke {
        /// The group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
        /// The first generation that stays; the group's next one ends all
        #[arg(long, value_name = "N", value_parser = value::generation)]
        below: Generation,
    },
    /// Show what has happened to the device's keys
    Events {
        /// Number of the first event to show
        #[arg(long, value_name = "N", default_value_t = 0)]
        since: u32,
    },
    /// What the ProSe daemon sends and receives
    Traffic(Traffic),
    /// Erase everything that the device holds
    Erase {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Check the way to the trusted application, step by step
    Doctor,
}

impl<K: Subcommand> Command<K> {
    /// Seconds until it is done again, if it is.
    pub(crate) const fn watch(&self) -> Option<u64> {
        match self {
            Self::Status { watch }
            | Self::Traffic(Traffic { command: TrafficCommand::Status { watch }, .. }) => *watch,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::<Key>::command().debug_assert();
    }

    #[test]
    fn the_help_names_the_group_of_every_command_that_needs_one() {
        let mut command = Args::<Key>::command();
        let said = command.render_help().to_string();
        let said = said.split("Exit codes").nth(1).unwrap();
        for subcommand in command.get_subcommands().map(|command| command.get_name()) {
            let is_named = said.split([' ', ';', ',', '.', '\n']).any(|word| word == subcommand);
            assert!(is_named || ["doctor", "help"].contains(&subcommand), "{subcommand}: {said}");
        }
    }

    #[test]
    fn a_root_key_comes_from_a_file_or_with_its_manager_as_an_argument() {
        let parses = |words: &str| Args::<Key>::try_parse_from(words.split_whitespace()).is_ok();
        let (root_key, manager) = ("07".repeat(32), "c0".repeat(16));
        assert!(parses("prosectl enrol manager.enrol"));
        assert!(parses(&format!(
            "prosectl enrol --root-key {root_key} --manager-id {manager} --yes"
        )));
        for wrong in [
            "prosectl enrol".to_owned(),
            format!("prosectl enrol --root-key {root_key}"),
            format!("prosectl enrol --manager-id {manager}"),
            format!("prosectl enrol --root-key 07 --manager-id {manager}"),
            format!("prosectl enrol file --root-key {root_key} --manager-id {manager}"),
        ] {
            assert!(!parses(&wrong), "{wrong}");
        }
    }
}
