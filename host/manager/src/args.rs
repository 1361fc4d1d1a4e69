//! The arguments. Help and usage come from here.

mod device;
mod group;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::device::Device;
pub(crate) use self::group::{Group, GroupAdd, GroupSet, Member};
pub(crate) use self::serve::{Operator, Serve};

/// The command line.
#[derive(Parser)]
#[command(
    name = "prose-manager",
    version,
    about,
    long_about = "ProSeal's group manager: it names the radios and makes the groups' keys. Without a network it writes \
the files that a USB stick carries to the radios; `serve` does the same over one. Nobody can read a key on the way: each \
package is sealed to one radio.",
    after_help = "From nothing to the first key:\n  \
prose-manager init                                  once; then put the root key away\n  \
prose-manager enrolment --out county.enrol          carry it to each radio: `prosectl enrol county.enrol`,\n  \
                                                    then `prosectl identity export --out r1.statement`\n  \
prose-manager device import r1.statement --name r1\n  \
prose-manager device approve                        type the device id that the radio's secure console shows\n  \
prose-manager group add 0a0b0c --name patrol\n  \
prose-manager member add patrol r1 000001\n  \
prose-manager package r1 --out r1.package           carry it to the radio: `prosectl import r1.package`\n\n\
Later: `key rotate`, `key replace`, each followed by `bundle GROUP --out DIR`, `exclude` and `device lost` with `--out DIR`; and a walk with the stick.\n\n\
Over the network instead:\n  \
prose-manager operator add NAME                     who signs in\n  \
prose-manager serve                                 radios come, operators work (https://127.0.0.1:8444)\n  \
prose-manager member allow patrol r1                subscriber r1 may join\n  \
prose-manager device invite r1 --out r1.token       `prosectl enrol --manager URL --token-file FILE`\n\n\
GROUP and DEVICE are ids or names. Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a rule."
)]
pub struct Args {
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// The folder with the manager's keys and database [default: ~/.prose-manager]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// The database, if it is not SQLite in the folder: postgres://user@host/name
    ///
    /// `init` writes it into the folder's configuration, and no other command needs it then.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// This machine's clock was compared with another one, and is right
    #[arg(long, global = true)]
    pub(crate) accept_clock: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    pub(crate) const fn is_serve(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Set a manager up: its folder, its keys, its first signer
    ///
    /// The root key is what every radio trusts. Only this and `signer renew` need it: keep
    /// it on a medium of its own (--root-key FILE, or move the file `root-key` there).
    Init {
        /// Put the root key into this file, not into the folder
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
    /// Write the file that makes a radio this manager's
    ///
    /// On the radio: `prosectl enrol FILE`. It asks whether the root key's fingerprint is
    /// the one that is shown here: bring that on paper.
    Enrolment {
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Radios: take their statements, approve them, declare them lost
    #[command(subcommand)]
    Device(Device),
    /// Groups: what their keys are for, and how long
    #[command(subcommand)]
    Group(Group),
    /// Who is in a group, as whom
    #[command(subcommand)]
    Member(Member),
    /// A group's keys
    #[command(subcommand)]
    Key(Key),
    /// End all that a radio holds of a group, also where it cannot be reached
    ///
    /// The other members need a new key at once: their packages, and the notice, which
    /// ends the old keys wherever it gets to. `bundle` writes both.
    Exclude {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
        /// Write the bundle, too, into a new folder: what to carry to the members
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write the package for a radio: all that it should hold, sealed to it
    ///
    /// Asked again without a change it is the same, octet by octet.
    Package {
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Show it as a QR code too, if it fits one (2,953 octets)
        #[arg(long)]
        qr: bool,
    },
    /// Write the newest notice of a group: what is below a generation is ended
    Notice {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write a folder with all that a group's members need, and what to do with it
    Bundle {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// The folder: new, or empty
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// The key that packages and notices are signed with
    #[command(subcommand)]
    Signer(Signer),
    /// Let radios enrol, join and update over the network, and operators work
    ///
    /// Two listeners of HTTPS (TLS 1.3): one for radios, one for operators. Any number of
    /// processes may serve one database. Ends on SIGTERM or SIGINT, when what has begun is
    /// answered.
    Serve(Serve),
    /// Write the certificate of this manager's own authority, for an operator's browser (PEM)
    ///
    /// Radios have it by their token files.
    Authority {
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Who may sign in to the server
    #[command(subcommand)]
    Operator(Operator),
    /// Write a copy of the database (SQLite), whole, also while it serves
    ///
    /// The key file is not in it: keep a copy of that apart. PostgreSQL has pg_dump.
    Backup {
        /// The file: new
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Put a backup in the database's place (SQLite)
    ///
    /// Not while anything has the database open. What was there stays beside it, as
    /// manager.db.replaced. docs/runbook.md says what to do then.
    Restore {
        /// What `backup` has written
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// See that the database is whole, and that the key file opens all that is sealed in it
    Check,
    /// Show how all stands: radios that lag, alarms, keys that end soon
    Status,
}

#[derive(Subcommand)]
pub(crate) enum Key {
    /// The group's next key begins now; the one in use goes on for the overlap
    ///
    /// Members that hold a future key have it already; the others need a package
    /// before the overlap is over.
    Rotate {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Only add future keys, until members can hold as many as the group wants
        #[arg(long)]
        extend: bool,
    },
    /// All keys of a group end at once, future ones too, and new ones begin
    ///
    /// What `exclude` does, without a radio that leaves: after a theft, or when a backup
    /// was put back. Every member needs a package before it hears the others again.
    Replace {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Signer {
    /// A new signer takes over: needs the root key
    ///
    /// If the folder may have been copied by somebody, or once a year. Every group
    /// gets a notice by it; radios refuse the old signer as soon as they hear the new one.
    Renew {
        /// Where the root key is, if it is not in the folder
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_leads_from_nothing_to_a_key() {
        let help = Args::command().render_long_help().to_string();
        let steps = [
            "init",
            "enrolment",
            "device import",
            "device approve",
            "group add",
            "member add",
            "package",
        ];
        let places: Vec<_> =
            steps.iter().map(|step| help.find(&format!("  prose-manager {step}"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{help}");
    }

    #[test]
    fn bad_usage_is_refused() {
        for words in [
            "prose-manager",
            "prose-manager frobnicate",
            "prose-manager group add 0a0b",
            "prose-manager group add 000001 --name 0a0b0c",
            "prose-manager group add 0a0b0c --ahead 3",
            "prose-manager group add 0a0b0c --lifetime soon",
            "prose-manager group add 0a0b0c --suite rot13",
            "prose-manager member add g r 01",
            "prose-manager package r1",
            "prose-manager device approve 12",
            "prose-manager device import f --name a/b",
            "prose-manager device invite r1",
            "prose-manager serve --listen nowhere",
            "prose-manager operator add a --role king",
        ] {
            assert!(Args::try_parse_from(words.split(' ')).is_err(), "{words}");
        }
    }
}
