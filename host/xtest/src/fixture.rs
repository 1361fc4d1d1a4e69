//! Contents, groups and PGKs for cases: plain values that a case then
//! changes where it matters.

use proseal_proto::command::Command;
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::limit;
use proseal_proto::message::{Admission, Receive, ReceiveItem, Send};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;

/// When the fixtures' contents are made: 2026-01-01, seconds since 1970 UTC.
pub(crate) const TIME: u64 = 1_767_225_600;
/// The device's member id in every group.
pub(crate) const MEMBER: u32 = 0x00_0001;
/// Another member.
pub(crate) const OTHER: u32 = 0x00_0002;
/// A group.
pub(crate) const GROUP: u32 = 0x0a_0001;

/// Keys for tests, each unlike the others.
static KEYS: [[u8; 32]; 128] = {
    let mut keys = [[0; 32]; 128];
    let mut at = 0;
    while at < keys.len() {
        let mut octet = 0;
        while octet < 32 {
            keys[at][octet] = (at as u8).wrapping_mul(37) ^ (octet as u8).wrapping_mul(11);
            octet += 1;
        }
        keys[at][0] = at as u8;
        at += 1;
    }
    keys
};

/// Key number `at`, below 128.
pub(crate) fn key(at: usize) -> &'static [u8; 32] {
    &KEYS[at]
}

/// The role by which a command is called here.
pub(crate) const fn caller(number: u32) -> Role {
    match number {
        Send::NUMBER | Receive::NUMBER | Admission::NUMBER => Role::Daemon,
        _ => Role::Administrator,
    }
}

/// A content for a device without an identity.
pub(crate) const fn content(sequence: u64, groups: Vec<Group<'static>>) -> Content<'static> {
    Content { device: DeviceId::NONE, sequence, time: TIME, start_nonce: None, groups }
}

/// A group whose `next` lets in all of `pgks`.
pub(crate) fn group(group: u32, pgks: Vec<Pgk<'static>>) -> Group<'static> {
    let next = pgks.first().map_or(1, |pgk| pgk.generation.get());
    Group { group: group_id(group), member: member(MEMBER), next, may_send: true, pgks }
}

/// A PGK with key number `at`; its PGK Id is its generation's low octet.
pub(crate) fn pgk(generation: u64, at: usize) -> Pgk<'static> {
    Pgk {
        generation: self::generation(generation),
        id: PgkId(generation.to_le_bytes()[0]),
        key: key(at),
        is_root: false,
        policy: policy(),
    }
}

/// An ordinary policy.
pub(crate) fn policy() -> Policy {
    Policy {
        not_before: TIME,
        not_after: TIME + 30 * 24 * 3600,
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        label: label("field"),
        epoch_s: 3600,
        epoch_packets: 1_000_000,
        receive_grace_s: 600,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: false,
    }
}

/// One group with one PGK: the smallest content that derives.
pub(crate) fn one_pgk() -> Content<'static> {
    content(1, vec![group(GROUP, vec![pgk(1, 0)])])
}

/// As many groups as fit, each with as many PGKs as fit. Generations 1 to 4.
pub(crate) fn largest(sequence: u64) -> Content<'static> {
    let groups = (0..limit::GROUPS).map(|g| {
        let pgks = (0..limit::PGKS).map(|p| pgk(p as u64 + 1, g * limit::PGKS + p));
        group(numbered_group(g), pgks.collect())
    });
    content(sequence, groups.collect())
}

/// A content as long as an `install` can be: behind its own entries stands an
/// extension that is ignored.
pub(crate) fn padded(content: &Content<'_>) -> Vec<u8> {
    let mut octets = encoded(content);
    // One entry more in the map, under key 64: a string with a length of two
    // octets.
    octets[0] += 1;
    // The request's version and scope stand before the content.
    let filler = limit::REQUEST_MAX - 3 - octets.len() - 5;
    octets.extend([0x18, 64, 0x59]);
    octets.extend((filler as u16).to_be_bytes());
    octets.resize(limit::REQUEST_MAX - 3, 0);
    octets
}

/// The id of group number `at` of [`largest`].
pub(crate) fn numbered_group(at: usize) -> u32 {
    GROUP + at as u32
}

/// One epoch of `sender`.
pub(crate) fn epoch(group: u32, generation: u64, sender: u32, ptk_id: u16) -> ReceiveItem {
    ReceiveItem {
        group: group_id(group),
        generation: self::generation(generation),
        sender: member(sender),
        ptk_id: PtkId::new(ptk_id).expect("cases have no PTK Id 0"),
        salt: EpochSalt(ptk_id.to_be_bytes().repeat(4).try_into().expect("8 octets")),
    }
}

/// The content's octets.
pub(crate) fn encoded(content: &Content<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    content.encode(&mut octets);
    octets
}

/// A group id of 24 bits.
pub(crate) fn group_id(id: u32) -> GroupId {
    GroupId::new(id).expect("cases have ids of 24 bits")
}

/// A member id of 24 bits.
pub(crate) fn member(id: u32) -> MemberId {
    MemberId::new(id).expect("cases have ids of 24 bits")
}

/// A generation in its range.
pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).expect("cases have generations in range")
}

/// A label that fits.
pub(crate) fn label(text: &str) -> Label {
    Label::new(text).expect("cases have labels that fit")
}
