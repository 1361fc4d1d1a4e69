//! `group` and `member`.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proseal_proto::content::Label;
use proseal_proto::id::{GroupId, MemberId};
use proseal_proto::profile::{Profile, Suite};

use crate::domain::member::Joining;
use crate::value;

/// One of all that there are, by its name.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|&choice| name(choice))).try_map(move |text| {
        all.iter().copied().find(|&choice| name(choice) == text).ok_or("there is none of this name")
    })
}

#[derive(Subcommand)]
pub(crate) enum Group {
    /// Make a group, with its first key
    Add(Box<GroupAdd>),
    /// Change what a group's next keys are to be; those that there are stay as they were
    Set(Box<GroupSet>),
    /// List the groups
    List,
    /// Show a group: its keys (never their octets) and members
    Show {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct GroupAdd {
    /// Layer-2 id, 6 hexadecimal digits
    #[arg(value_name = "HEX", value_parser = value::group)]
    pub(crate) group: GroupId,
    /// What to call it: at most 31 letters, digits, `-`, `_` and `.`
    #[arg(long, value_name = "NAME", value_parser = value::group_name)]
    pub(crate) name: Option<String>,
    /// How IK and CK are derived
    #[arg(long, default_value = "hkdf-sha256", value_parser = one_of(Profile::ALL, Profile::name))]
    pub(crate) profile: Profile,
    /// How frames are protected [default: aead; of 3gpp-ts33303: 3gpp]
    #[arg(long, value_parser = one_of(Suite::ALL, Suite::name))]
    pub(crate) suite: Option<Suite>,
    /// The operator's own mark in the derivation, at most 32 octets (not of 3gpp-ts33303)
    #[arg(long, default_value = "", hide_default_value = true, value_parser = value::label)]
    pub(crate) label: Label,
    /// How long a key is the newest
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = value::seconds)]
    pub(crate) lifetime: u64,
    /// How long it goes on beside the one that follows
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = value::seconds)]
    pub(crate) overlap: u64,
    /// How many future keys members hold, so that they need no package at each change
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) ahead: u8,
    /// How long after its end a key may be received with
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = value::seconds32)]
    pub(crate) receive_grace: u32,
    /// How long after its end a key may be sent with
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = value::seconds32)]
    pub(crate) send_grace: u32,
    /// Powered time without a new package after which sending stops; 0 is off
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = value::seconds32)]
    pub(crate) max_unsynced: u32,
    /// Longest use of an epoch
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = value::seconds32)]
    pub(crate) epoch: u32,
    /// Most packets of an epoch
    #[arg(long, value_name = "N", default_value_t = 1 << 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epoch_packets: u32,
    /// Who may join by network: subscribers that are listed (`member allow`), or every approved radio
    #[arg(long, default_value = "listed", value_parser = one_of(Joining::ALL, Joining::name))]
    pub(crate) joining: Joining,
    /// Let 3gpp-ts33303, which has no epoch salt, send on storage that can be rolled back
    #[arg(long)]
    pub(crate) accept_rollback: bool,
}

#[derive(clap::Args)]
pub(crate) struct GroupSet {
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
    /// How IK and CK are derived
    #[arg(long, value_parser = one_of(Profile::ALL, Profile::name))]
    pub(crate) profile: Option<Profile>,
    /// How frames are protected
    #[arg(long, value_parser = one_of(Suite::ALL, Suite::name))]
    pub(crate) suite: Option<Suite>,
    /// The operator's own mark in the derivation, at most 32 octets
    #[arg(long, value_parser = value::label)]
    pub(crate) label: Option<Label>,
    /// How long a key is the newest
    #[arg(long, value_name = "SPAN", value_parser = value::seconds)]
    pub(crate) lifetime: Option<u64>,
    /// How long it goes on beside the one that follows
    #[arg(long, value_name = "SPAN", value_parser = value::seconds)]
    pub(crate) overlap: Option<u64>,
    /// How many future keys members hold
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) ahead: Option<u8>,
    /// How long after its end a key may be received with
    #[arg(long, value_name = "SPAN", value_parser = value::seconds32)]
    pub(crate) receive_grace: Option<u32>,
    /// How long after its end a key may be sent with
    #[arg(long, value_name = "SPAN", value_parser = value::seconds32)]
    pub(crate) send_grace: Option<u32>,
    /// Powered time without a new package after which sending stops; 0 is off
    #[arg(long, value_name = "SPAN", value_parser = value::seconds32)]
    pub(crate) max_unsynced: Option<u32>,
    /// Who may join by network: subscribers that are listed, or every approved radio
    #[arg(long, value_parser = one_of(Joining::ALL, Joining::name))]
    pub(crate) joining: Option<Joining>,
}

#[derive(Subcommand)]
pub(crate) enum Member {
    /// Put a radio into a group, or change whether it may send
    ///
    /// Where it may hold none of the group's keys (it was a member before, or its member
    /// id was another radio's), the group gets a new one.
    Add {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
        /// Its layer-2 id in the group, 6 hexadecimal digits
        #[arg(value_name = "MEMBER", value_parser = value::member)]
        member: MemberId,
        /// It may receive and not send
        #[arg(long)]
        receive_only: bool,
    },
    /// Take a radio out of a group by its next package
    ///
    /// It holds the keys until that is imported. Where it cannot be waited for: `exclude`.
    Remove {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// The radio
        #[arg(value_name = "DEVICE")]
        device: String,
    },
    /// Let a subscriber join a group by network, once his radio is approved
    Allow {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Whose token the radio enrolled with
        #[arg(value_name = "SUBSCRIBER", value_parser = value::name)]
        subscriber: String,
        /// The radio's layer-2 id in the group, 6 hexadecimal digits [default: the next that is free]
        #[arg(long, value_name = "MEMBER", value_parser = value::member)]
        member: Option<MemberId>,
        /// It may receive and not send
        #[arg(long)]
        receive_only: bool,
    },
    /// Take that back; a radio that has joined stays a member
    Forbid {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
        /// Whom
        #[arg(value_name = "SUBSCRIBER")]
        subscriber: String,
    },
    /// List a group's members
    List {
        /// The group
        #[arg(value_name = "GROUP")]
        group: String,
    },
}
