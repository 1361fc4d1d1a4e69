//! `traffic`: what is asked of the ProSe daemon.

use std::path::PathBuf;

use clap::Subcommand;
use proseal_proto::id::GroupId;

use crate::value;

#[derive(clap::Args)]
pub(crate) struct Traffic {
    /// The daemon's socket
    #[arg(long, global = true, value_name = "PATH", default_value = crate::traffic::SOCKET)]
    pub(crate) socket: PathBuf,
    #[command(subcommand)]
    pub(crate) command: TrafficCommand,
}

#[derive(Subcommand)]
pub(crate) enum TrafficCommand {
    /// Show the groups, the epochs in use, and what became of all frames
    Status {
        /// Show it again every so many seconds, until interrupted
        #[arg(long, value_name = "S", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
        watch: Option<u64>,
    },
    /// Send under a new epoch from now on
    Refresh {
        /// The group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
    },
    /// Carry a notice and packages to the others of a group, over the link
    ///
    /// What is for this device is imported. The rest is kept, sent once, and sent again
    /// when a radio is heard that does not know of it.
    Carry {
        /// The group, 6 hexadecimal digits
        #[arg(value_name = "GROUP", value_parser = value::group)]
        group: GroupId,
        /// A bundle's folder, or a notice or package; - is standard input
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}
