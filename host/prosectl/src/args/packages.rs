//! `identity`, `statement`, `enrol`, and what is asked of a manager over the network.

use std::path::PathBuf;

use clap::Subcommand;
use proseal_proto::id::GroupId;

use crate::value;

#[derive(Subcommand)]
pub(crate) enum Identity {
    /// Hand out this device's statement, with its public keys
    ///
    /// The first time it makes the device's keys, which takes a moment; the secure
    /// console then shows the device id. A manager approves a device by that id.
    Export(Destination),
}

#[derive(Subcommand)]
pub(crate) enum Statement {
    /// Hand out this device's statement, over a manager's nonce
    Export {
        /// The manager's nonce, 64 hexadecimal digits [default: a random one]
        #[arg(long, value_name = "HEX", value_parser = value::octets::<32>)]
        nonce: Option<[u8; 32]>,
        #[command(flatten)]
        destination: Destination,
    },
}

/// How a statement leaves this program.
#[derive(clap::Args)]
pub(crate) struct Destination {
    /// File for the statement; - is standard output [default: standard output, if it is no terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Show the statement as a QR code (77 columns wide, 39 lines)
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(clap::Args)]
pub(crate) struct Enrol {
    /// The manager's enrolment file (docs/package.md); - is standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["root_key", "token_file"])]
    pub(crate) file: Option<PathBuf>,
    /// The root key, 64 hexadecimal digits, instead of a file
    #[arg(long, value_name = "HEX", value_parser = value::octets::<32>, requires = "manager_id", conflicts_with = "file")]
    pub(crate) root_key: Option<[u8; 32]>,
    /// The manager's id, 32 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = value::octets::<16>, requires = "root_key")]
    pub(crate) manager_id: Option<[u8; 16]>,
    /// Over the network: the token file that `prose-manager device invite` wrote for this radio; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "root_key"])]
    pub(crate) token_file: Option<PathBuf>,
    /// Where the manager is, as https://HOST:PORT [default: what the token file says]
    #[arg(long, value_name = "URL", value_parser = crate::manager::url, requires = "token_file")]
    pub(crate) manager: Option<String>,
    /// The root key's fingerprint, as it came by another road: do not ask for it
    #[arg(long, value_name = "HEX", value_parser = value::octets::<32>)]
    pub(crate) fingerprint: Option<[u8; 32]>,
    /// Do not ask: the root key's fingerprint has been compared
    #[arg(long, conflicts_with = "fingerprint")]
    pub(crate) yes: bool,
}

#[derive(clap::Args)]
pub(crate) struct Join {
    /// The group's id, 6 hexadecimal digits
    #[arg(value_name = "GROUP", value_parser = value::group)]
    pub(crate) group: GroupId,
}

#[derive(clap::Args)]
pub(crate) struct Update {
    /// Wait so many seconds for something new
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=86400))]
    pub(crate) wait: u64,
}

#[derive(clap::Args)]
pub(crate) struct Bundle {
    /// The group's id, 6 hexadecimal digits; this device is a member
    #[arg(value_name = "GROUP", value_parser = value::group)]
    pub(crate) group: GroupId,
    /// A new folder, for the group's notice and a package for each member
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}
