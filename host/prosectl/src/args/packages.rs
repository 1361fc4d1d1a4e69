//! `identity`, `statement` and `enrol`.

use std::path::PathBuf;

use clap::Subcommand;

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
    #[arg(value_name = "FILE", required_unless_present = "root_key")]
    pub(crate) file: Option<PathBuf>,
    /// The root key, 64 hexadecimal digits, instead of a file
    #[arg(long, value_name = "HEX", value_parser = value::octets::<32>, requires = "manager", conflicts_with = "file")]
    pub(crate) root_key: Option<[u8; 32]>,
    /// The manager's id, 32 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = value::octets::<16>, requires = "root_key")]
    pub(crate) manager: Option<[u8; 16]>,
    /// Do not ask: the root key's fingerprint has been compared
    #[arg(long)]
    pub(crate) yes: bool,
}
