//! `device`.

use std::path::PathBuf;

use clap::Subcommand;
use proseal_proto::id::DeviceId;

use crate::value;

fn fingerprint(text: &str) -> Result<DeviceId, String> {
    value::fingerprint(text).map(DeviceId)
}

#[derive(Subcommand)]
pub(crate) enum Device {
    /// Take a radio's statement: a new radio waits for approval, a known one reports
    ///
    /// It comes from `prosectl identity export` or `prosectl statement export` on the
    /// radio.
    Import {
        /// The statement
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What to call the radio: at most 31 letters, digits, `-`, `_` and `.`
        #[arg(long, value_name = "NAME", value_parser = value::name)]
        name: Option<String>,
        /// Its sequence is older than one before, and it is known why: go on from there
        #[arg(long)]
        accept_rollback: bool,
    },
    /// Make a one-time token, by which a radio enrols over the network
    ///
    /// The file has all that the radio needs: `prosectl enrol --manager URL --token-file FILE`.
    /// Whoever has it can enrol one radio in the subscriber's name: carry it as a secret.
    Invite {
        /// Whose radio it is: at most 31 letters, digits, `-`, `_` and `.`
        #[arg(value_name = "SUBSCRIBER", value_parser = value::name)]
        subscriber: String,
        /// The file: new
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The device id that the radio's secure console shows: only that radio can use the
        /// token, and is approved by it
        #[arg(long, value_name = "ID", value_parser = fingerprint)]
        device: Option<DeviceId>,
        /// How long the token is good
        #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = value::seconds)]
        expires: u64,
        /// Where radios reach the manager [default: the configuration's `url`]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Approve a radio by the device id that its secure console shows
    ///
    /// The console is the one road that the radio's normal world does not write to. Type
    /// what it shows, not what stands in a list here.
    Approve {
        /// The device id, 32 hexadecimal digits in any groups [default: asks]
        #[arg(value_name = "ID", value_parser = fingerprint)]
        id: Option<DeviceId>,
    },
    /// List the radios, by device id
    List {
        /// Those behind this device id
        #[arg(long, value_name = "ID", value_parser = fingerprint)]
        after: Option<DeviceId>,
        /// At most so many; where there are more, the last line says how to go on
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show what is known of a radio
    Show {
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
    },
    /// A radio is lost: exclude it from all of its groups, for good
    ///
    /// After a backup was put back, from each group that has no new key since: it may have
    /// been added in the time that is not known any more.
    ///
    /// If it is found: erase it, enrol it, approve it as a new one.
    Lost {
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
        /// Write the bundles, too, into a new folder: for each of its groups what to carry to the
        /// members
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
