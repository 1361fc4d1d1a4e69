//! What is wrong with a desired state.

use proseal_proto::id::{Generation, GroupId, PgkId};
use proseal_proto::limit;
use proseal_proto::profile::{Profile, Suite};

/// Why no device would take a desired state, as far as it tells by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Sequence 0.
    #[error("the sequence is 0: it begins at 1")]
    NoSequence,
    /// More groups than a device can hold.
    #[error("{count} groups, and a device holds {}: leave some out", limit::GROUPS)]
    TooManyGroups {
        /// How many.
        count: usize,
    },
    /// A group is listed twice.
    #[error("group {group} is listed twice: list it once")]
    GroupTwice {
        /// Which.
        group: GroupId,
    },
    /// More PGKs than a group can hold.
    #[error("group {group} has {count} PGKs, and {} is the most: end old ones", limit::PGKS)]
    TooManyPgks {
        /// Of which group.
        group: GroupId,
        /// How many.
        count: usize,
    },
    /// A generation is listed twice.
    #[error("group {group} lists generation {generation} twice: each PGK needs its own")]
    GenerationTwice {
        /// In which group.
        group: GroupId,
        /// Which.
        generation: Generation,
    },
    /// A generation is below its group's `next`.
    #[error("generation {generation} of group {group} is below next {next}: leave it out")]
    BelowNext {
        /// In which group.
        group: GroupId,
        /// Which.
        generation: Generation,
        /// The group's `next`.
        next: Generation,
    },
    /// The PGK would end before it begins.
    #[error("generation {generation} of group {group} ends before it begins: set not_after later")]
    Window {
        /// In which group.
        group: GroupId,
        /// Which.
        generation: Generation,
    },
    /// An epoch of no time or no packets.
    #[error("an epoch of generation {generation} of group {group} is empty: allow 1 or more")]
    EmptyEpoch {
        /// In which group.
        group: GroupId,
        /// Which.
        generation: Generation,
    },
    /// The suite is not for the profile.
    #[error("suite {} does not go with profile {}: choose another pair", suite.name(), profile.name())]
    Suite {
        /// The profile.
        profile: Profile,
        /// The suite.
        suite: Suite,
    },
    /// A label that would be without effect.
    #[error("profile {} has no use for a label: leave it out, or bring a root", profile.name())]
    LabelUnused {
        /// The profile.
        profile: Profile,
    },
    /// Two PGKs of a group have the same index on the air.
    #[error("group {group}: PGK Ids {one} and {other} have the same 5 low bits, choose another")]
    IndexClash {
        /// In which group.
        group: GroupId,
        /// One.
        one: PgkId,
        /// The other.
        other: PgkId,
    },
    /// The same key octets in two places.
    #[error("generation {generation} of group {group} has another entry's key: make a new one")]
    KeyRepeated {
        /// In which group.
        group: GroupId,
        /// Which.
        generation: Generation,
    },
}

impl StateError {
    /// A stable short name, the trusted application's for the same refusal
    /// (docs/commands.md, Codes).
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoSequence
            | Self::GroupTwice { .. }
            | Self::GenerationTwice { .. }
            | Self::BelowNext { .. }
            | Self::Window { .. }
            | Self::EmptyEpoch { .. } => "content_malformed",
            Self::TooManyGroups { .. } => "too_many_groups",
            Self::TooManyPgks { .. } => "too_many_pgks",
            Self::Suite { .. } => "unsupported_suite",
            Self::LabelUnused { .. } => "label_unused",
            Self::IndexClash { .. } => "pgk_id_clash",
            Self::KeyRepeated { .. } => "key_repeated",
        }
    }
}
