//! What is not done because a rule says so, and what to do about it.

use proseal_proto::id::{DeviceId, GroupId, MemberId};
use proseal_proto::limit;
use proseal_proto::message::DeviceState;

use crate::value::rfc3339;

/// A rule that would be broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("this machine's clock says {}: it was never set", rfc3339(*now))]
    ClockNotSet { now: u64 },
    #[error(
        "this machine's clock says {}, and the newest change was made at {}: the clock is behind",
        rfc3339(*now), rfc3339(*newest)
    )]
    ClockBehind { now: u64, newest: u64 },
    #[error(
        "this machine's clock says {}, more than a day after the newest change at {}",
        rfc3339(*now), rfc3339(*newest)
    )]
    ClockAhead { now: u64, newest: u64 },
    #[error("device {device} was declared lost: nothing is sealed for this identity any more")]
    Lost { device: DeviceId },
    #[error("device {device} is not approved")]
    NotApproved { device: DeviceId },
    #[error("the newest statement of device {device} says that it is {}, not enrolled", state.name())]
    NotEnrolled { device: DeviceId, state: DeviceState },
    #[error("the newest statement of device {device} says that it belongs to another manager")]
    ForeignRoot { device: DeviceId },
    #[error(
        "a statement of device {device} has an older sequence than one before it: its storage was put back, or an old statement was imported"
    )]
    RolledBack { device: DeviceId },
    #[error("no device that waits for approval has this fingerprint")]
    NoSuchFingerprint,
    #[error("device {device} is approved already")]
    ApprovedAlready { device: DeviceId },
    #[error(
        "{open} generations of the group would be open at once, and a device holds {}",
        limit::PGKS
    )]
    TooManyOpen { open: usize, closes: u64 },
    #[error(
        "group {group} has generation {present} in use by now: it was done, or something else was"
    )]
    MovedOn { group: GroupId, present: u64 },
    #[error("the group has no further generation")]
    NoGeneration,
    #[error("member id {member} of group {group} is device {device}'s")]
    MemberTaken { group: GroupId, member: MemberId, device: DeviceId },
    #[error("device {device} is in group {group} as member {member}")]
    OtherMember { group: GroupId, member: MemberId, device: DeviceId },
    #[error(
        "device {device} is called {called}: this statement may be another radio's than you think"
    )]
    OtherName { device: DeviceId, called: String },
    #[error("device {device} is in {} groups, the most that a device holds", limit::GROUPS)]
    TooManyGroups { device: DeviceId },
    #[error(
        "device {device} was in more than 32 groups that it is not in any more, and can keep the numbers of no more"
    )]
    TooManyLeft { device: DeviceId },
    #[error("device {device} is not in group {group}")]
    NotMember { group: GroupId, device: DeviceId },
    #[error("nothing was ended in group {group}: it has no notice")]
    NoNotice { group: GroupId },
    #[error("no device {device} is enrolled here")]
    UnknownDevice { device: DeviceId },
    #[error("device {device} may not join this group")]
    NotAuthorised { device: DeviceId },
    #[error("{subscriber} is not listed for group {group}")]
    NotListed { group: GroupId, subscriber: String },
    #[error("no operator is called {name}")]
    NoOperator { name: String },
    #[error("there is no such token, or it is another device's")]
    BadToken,
    #[error("the token was used by another device")]
    TokenUsed,
    #[error("the token has expired")]
    TokenExpired,
    #[error("no member id above those that were used is left in group {group}")]
    NoMemberId { group: GroupId },
    #[error("the nonce was used before")]
    NonceUsed,
    #[error("a statement over a later nonce came before this one")]
    LateStatement,
    #[error("the signer's versions are used up")]
    NoVersion,
    #[error("sequences of device {device} are used up")]
    NoSequence { device: DeviceId },
}

impl Refusal {
    /// A stable short name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClockNotSet { .. } => "clock_not_set",
            Self::ClockBehind { .. } => "clock_behind",
            Self::ClockAhead { .. } => "clock_ahead",
            Self::Lost { .. } => "lost",
            Self::NotApproved { .. } => "not_approved",
            Self::NotEnrolled { .. } => "not_enrolled",
            Self::ForeignRoot { .. } => "foreign_root",
            Self::RolledBack { .. } => "rolled_back",
            Self::NoSuchFingerprint => "no_such_fingerprint",
            Self::ApprovedAlready { .. } => "approved_already",
            Self::TooManyOpen { .. } => "too_many_pgks",
            Self::MovedOn { .. } => "moved_on",
            Self::NoGeneration => "no_generation",
            Self::MemberTaken { .. } => "member_taken",
            Self::OtherMember { .. } => "other_member",
            Self::OtherName { .. } => "other_name",
            Self::TooManyGroups { .. } => "too_many_groups",
            Self::TooManyLeft { .. } => "too_many_left",
            Self::NotMember { .. } => "not_member",
            Self::NoNotice { .. } => "no_notice",
            Self::UnknownDevice { .. } => "unknown_device",
            Self::NotAuthorised { .. } => "not_authorised",
            Self::NotListed { .. } => "not_listed",
            Self::NoOperator { .. } => "no_operator",
            Self::BadToken => "bad_token",
            Self::TokenUsed => "token_used",
            Self::TokenExpired => "token_expired",
            Self::NoMemberId { .. } => "no_member_id",
            Self::NonceUsed => "nonce_used",
            Self::LateStatement => "late_statement",
            Self::NoVersion => "no_version",
            Self::NoSequence { .. } => "no_sequence",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::ClockNotSet { .. } => "set this machine's clock: devices believe for ever what is signed of the time".into(),
            Self::ClockBehind { .. } | Self::ClockAhead { .. } => {
                "compare the clock with another one; if it is right, say --accept-clock".into()
            }
            Self::Lost { .. } => "a radio that was found is erased (`prosectl erase`) and enrolled anew, as another device".into(),
            Self::NotApproved { .. } => {
                "read the device id on the device's secure console and type it: `prose-manager device approve ID`".into()
            }
            Self::NotEnrolled { state: DeviceState::Damaged, .. } => {
                "on the radio: `prosectl erase`, then enrol it anew; it will be another device".into()
            }
            Self::NotEnrolled { .. } => {
                "on the radio: `prosectl enrol FILE`, with the file of `prose-manager enrolment`, then `prosectl statement export`; import that here".into()
            }
            Self::ForeignRoot { .. } => {
                "find out who enrolled it; on the radio: `prosectl erase`, enrol it here, and approve the new identity".into()
            }
            Self::RolledBack { .. } => {
                "find out what happened to the radio, then import its present statement with `device import FILE --accept-rollback`".into()
            }
            Self::NoSuchFingerprint => {
                "type what the secure console shows, all 32 digits; the device's statement comes first (`device import FILE`)".into()
            }
            Self::ApprovedAlready { .. } => "nothing has to be done".into(),
            Self::TooManyOpen { closes, .. } => {
                format!(
                    "the first of them is over after {}: again then; or end them all now with `prose-manager key replace GROUP`",
                    rfc3339(*closes)
                )
            }
            Self::MovedOn { .. } => "look at the group again".into(),
            Self::NoGeneration => "move its members to a new group".into(),
            Self::MemberTaken { .. } => "choose another member id: `prose-manager member list GROUP` shows those in use".into(),
            Self::OtherMember { .. } => "remove it first (`member remove`): under another id it starts with a new generation".into(),
            Self::OtherName { .. } => "see which radio the file is from; without --name it is imported under the name that it has".into(),
            Self::TooManyLeft { .. } => "on the radio: `prosectl erase`, and enrol it anew; here `device lost` for the old identity".into(),
            Self::TooManyGroups { .. } => "remove it from a group first: `prose-manager member remove`".into(),
            Self::NotMember { .. } => "`prose-manager member list GROUP` shows who is".into(),
            Self::NoNotice { .. } => "a package is enough for its members; `key replace`, `exclude` and `signer renew` make a notice".into(),
            Self::UnknownDevice { .. } => "enrol it first: `prose-manager device invite SUBSCRIBER --out FILE` makes its token".into(),
            Self::NotAuthorised { .. } => "an operator lets it in: `prose-manager member allow GROUP SUBSCRIBER`, or `member add`".into(),
            Self::NotListed { .. } => "`prose-manager group show GROUP` shows who is".into(),
            Self::NoOperator { .. } => "`prose-manager operator list` shows all".into(),
            Self::BadToken | Self::TokenUsed | Self::TokenExpired => "make another one: `prose-manager device invite SUBSCRIBER --out FILE`".into(),
            Self::NoMemberId { .. } => "name one: `prose-manager member allow GROUP SUBSCRIBER --member HEX`".into(),
            Self::NonceUsed | Self::LateStatement => "ask for another nonce".into(),
            Self::NoSequence { .. } => "no manager gives such a sequence: find out who signed for this radio; `prosectl erase` and enrolling it anew makes it another device".into(),
            Self::NoVersion => "this should not happen before the year 2106: please report it".into(),
        }
    }
}
