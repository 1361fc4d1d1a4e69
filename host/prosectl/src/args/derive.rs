//! `derive`.

use clap::Subcommand;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};

use crate::value::{self, EpochName};

#[derive(Subcommand)]
pub(crate) enum Derive {
    /// Start a new epoch of this device
    Send {
        /// Destination group, 6 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = value::group)]
        group: GroupId,
        /// Generation of the PGK [default: the newest that may be sent with]
        #[arg(long, value_name = "N", value_parser = value::generation)]
        generation: Option<Generation>,
        /// Print the derived keys
        #[arg(long)]
        show_keys: bool,
    },
    /// Derive the keys of another sender's epoch, or of up to 64
    Receive {
        /// Destination group, 6 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = value::group)]
        group: GroupId,
        /// Generation of the PGK
        #[arg(long, value_name = "N", value_parser = value::generation)]
        generation: Generation,
        /// The sender's member id, 6 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = value::member, required_unless_present = "epoch")]
        sender: Option<MemberId>,
        /// The epoch's PTK Id, 4 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = value::ptk_id, required_unless_present = "epoch")]
        ptk_id: Option<PtkId>,
        /// The epoch's salt, 16 hexadecimal digits; only profile 3gpp-ts33303 has none
        #[arg(long, value_name = "HEX", value_parser = value::salt)]
        salt: Option<EpochSalt>,
        /// All of an epoch in one, instead of the three above; up to 64 times, for one call of the TEE
        #[arg(long, value_name = "SENDER:PTK_ID[:SALT]", value_parser = value::epoch, conflicts_with_all = ["sender", "ptk_id", "salt"])]
        epoch: Vec<EpochName>,
        /// Print the derived keys
        #[arg(long)]
        show_keys: bool,
    },
    /// Derive a PGK's admission key
    Admission {
        /// Destination group, 6 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = value::group)]
        group: GroupId,
        /// Generation of the PGK
        #[arg(long, value_name = "N", value_parser = value::generation)]
        generation: Generation,
        /// Print the derived key
        #[arg(long)]
        show_keys: bool,
    },
}
