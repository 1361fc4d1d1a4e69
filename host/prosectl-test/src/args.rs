//! `key`: what prosectl has of it, and the import.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use proseal_proto::content::Label;
use proseal_proto::id::{Generation, GroupId, MemberId, PgkId};
use proseal_proto::profile::{Profile, Suite};

use crate::value;

/// The subcommands of `key`.
#[derive(Subcommand)]
pub(crate) enum Key {
    /// Seal a group's PGK in the TEE, unsigned; needs group prose-admin (871)
    Import(Box<Import>),
    #[command(flatten)]
    Product(prosectl::Key),
}

#[derive(clap::Args)]
pub(crate) struct Import {
    /// Destination group, 6 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = value::group)]
    pub(crate) group: GroupId,
    /// This device's member id in the group, 6 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = value::member)]
    pub(crate) member: MemberId,
    /// Generation of the PGK: grows with each new one of the group
    #[arg(long, value_name = "N", value_parser = value::generation)]
    pub(crate) generation: Generation,
    /// PGK Id, 2 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = value::pgk_id)]
    pub(crate) pgk_id: PgkId,
    /// File with the key, 32 octets or 64 hexadecimal digits; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// The key is a root, from which the group's PGK is derived
    #[arg(long)]
    pub(crate) root: bool,
    /// How IK and CK are derived
    #[arg(long, default_value = "hkdf-sha256", value_parser = one_of(Profile::ALL, profile))]
    pub(crate) profile: Profile,
    /// How frames are protected [default: aead; of 3gpp-ts33303: 3gpp]
    #[arg(long, value_parser = one_of(Suite::ALL, suite))]
    pub(crate) suite: Option<Suite>,
    /// The operator's own mark in the derivation, at most 32 octets (of 3gpp-ts33303 only with --root)
    #[arg(long, default_value = "", hide_default_value = true, value_parser = value::label)]
    pub(crate) label: Label,
    /// Start, RFC 3339 UTC [default: now]
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub(crate) not_before: Option<u64>,
    /// End, RFC 3339 UTC [default: 30 days after the start]
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub(crate) not_after: Option<u64>,
    /// Longest use of an epoch, seconds
    #[arg(long, value_name = "S", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epoch_s: u32,
    /// Most packets of an epoch
    #[arg(long, value_name = "N", default_value_t = 1 << 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epoch_packets: u32,
    /// How long after its end the key may be received with, seconds
    #[arg(long, value_name = "S", default_value_t = 3600)]
    pub(crate) receive_grace_s: u32,
    /// How long after its end the key may be sent with, seconds
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) send_grace_s: u32,
    /// Powered seconds without news from the manager after which sending stops; 0 is off
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) max_unsynced_s: u32,
    /// Let a profile without epoch salt send on storage that can be rolled back
    #[arg(long)]
    pub(crate) accept_rollback: bool,
    /// Only receive in this group
    #[arg(long)]
    pub(crate) receive_only: bool,
    /// End all generations of the group below this one
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true, value_parser = value::generation)]
    pub(crate) next: Generation,
}

/// The suite of a profile, if none is named.
pub(crate) const fn default_suite(profile: Profile) -> Suite {
    match profile {
        Profile::HkdfSha256 => Suite::Aead,
        Profile::Ts33303 => Suite::ThreeGpp,
    }
}

/// A profile as the help shows it.
fn profile(profile: Profile) -> PossibleValue {
    PossibleValue::new(profile.name()).help(match profile {
        Profile::HkdfSha256 => "RFC 5869 with SHA-256",
        Profile::Ts33303 => {
            "TS 33.303 Annex A, for suite 3gpp only; sends with --accept-rollback where storage can be rolled back"
        }
    })
}

/// A suite as the help shows it.
fn suite(suite: Suite) -> PossibleValue {
    PossibleValue::new(suite.name()).help(match suite {
        Suite::Aead => "AES-256-GCM",
        Suite::Integrity => "HMAC-SHA-256-128, payload in clear",
        Suite::ThreeGpp => "128-EEA2 and 128-EIA2",
    })
}

/// One of all that there are, by its name.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    shown: fn(T) -> PossibleValue,
) -> impl TypedValueParser<Value = T> {
    let names = PossibleValuesParser::new(all.iter().map(|&choice| shown(choice)));
    names.try_map(move |name| {
        let mut all = all.iter().copied();
        all.find(|&choice| shown(choice).get_name() == name).ok_or("there is none of this name")
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    /// As `key` stands in the whole line.
    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        key: Key,
    }

    const IMPORT: &str = "key import --group 0a0b0c --member 000001 --generation 1 \
                          --pgk-id 01 --key-file key";

    fn import(more: &[&str]) -> Option<Box<Import>> {
        let words = IMPORT.split_whitespace().chain(more.iter().copied());
        match Line::try_parse_from(words).ok()?.key {
            Key::Import(import) => Some(import),
            Key::Product(_) => None,
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Line::command().debug_assert();
        assert!(matches!(Line::parse_from(["key", "list"]).key, Key::Product(_)));
    }

    #[test]
    fn every_profile_and_suite_goes_by_its_name() {
        for profile in Profile::ALL.iter().copied() {
            assert_eq!(import(&["--profile", profile.name()]).unwrap().profile, profile);
            assert!(profile.suites().contains(&default_suite(profile)));
        }
        for suite in Suite::ALL.iter().copied() {
            assert_eq!(import(&["--suite", suite.name()]).unwrap().suite, Some(suite));
        }
        let default = import(&[]).unwrap();
        assert_eq!((default.profile, default.suite), (Profile::HkdfSha256, None));
        assert!(import(&["--profile", "hkdf"]).is_none());
    }
}
