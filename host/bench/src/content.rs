//! What the device holds while it is measured: one group with three PGKs, as a
//! content in clear and as a state to be sealed.

use proseal_issuer::{DesiredState, GroupKey};
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::message::ReceiveItem;
use proseal_proto::profile::{Profile, Suite};

/// The group.
pub(crate) const GROUP: GroupId = GroupId::from_octets([0x0a, 0, 1]);
/// The one of its PGKs that keys are derived from.
pub(crate) const GENERATION: Generation = Generation::FIRST;

/// PGKs of the group; their generations count from 1.
const PGKS: u8 = 3;
const MEMBER: MemberId = MemberId::from_octets([0, 0, 1]);
const OTHER: MemberId = MemberId::from_octets([0, 0, 2]);
/// 2026-01-01, seconds since 1970 UTC.
const TIME: u64 = 1_767_225_600;

/// A group whose PGKs come and are revoked.
pub(crate) const REVOKED: GroupId = GroupId::from_octets([0x0a, 0, 2]);

/// The content of this sequence; but for that, all are the same.
pub(crate) fn octets(device: DeviceId, sequence: u64) -> Vec<u8> {
    let keys: Vec<_> = numbers().map(key).collect();
    let pgks =
        numbers().zip(&keys).map(|(number, key)| pgk(generation(number.into()), number, key));
    encoded(device, sequence, GROUP, pgks.collect())
}

/// The same, for a package.
pub(crate) fn state(sequence: u64) -> DesiredState {
    let pgks = numbers().map(|number| proseal_issuer::Pgk {
        generation: generation(number.into()),
        id: PgkId(number),
        key: GroupKey::from_octets(&key(number)),
        is_root: false,
        policy: policy(),
    });
    let group = proseal_issuer::Group {
        group: GROUP,
        member: MEMBER,
        next: GENERATION,
        may_send: true,
        pgks: pgks.collect(),
    };
    DesiredState { sequence, time: TIME, start_nonce: None, groups: vec![group] }
}

/// A content with one PGK of [`REVOKED`], whose generation is its sequence.
pub(crate) fn octets_to_revoke(device: DeviceId, sequence: u64) -> Vec<u8> {
    let mut key = [0xa5; 32];
    key[..8].copy_from_slice(&sequence.to_be_bytes());
    encoded(device, sequence, REVOKED, vec![pgk(generation(sequence), 1, &key)])
}

/// A generation.
pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).expect("callers count from 1")
}

/// An epoch of another sender.
pub(crate) fn epoch(ptk_id: u16) -> ReceiveItem {
    ReceiveItem {
        group: GROUP,
        generation: GENERATION,
        sender: OTHER,
        ptk_id: PtkId::new(ptk_id).expect("callers count from 1"),
        salt: EpochSalt([0xa5; 8]),
    }
}

fn numbers() -> impl Iterator<Item = u8> {
    1..=PGKS
}

const fn key(number: u8) -> [u8; 32] {
    [0x5a ^ number; 32]
}

fn pgk(generation: Generation, id: u8, key: &[u8; 32]) -> Pgk<'_> {
    Pgk { generation, id: PgkId(id), key, is_root: false, policy: policy() }
}

fn policy() -> Policy {
    Policy {
        not_before: TIME,
        not_after: TIME + 30 * 24 * 3600,
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        label: Label::new("bench").expect("five octets fit"),
        epoch_s: 3600,
        epoch_packets: 1_000_000,
        receive_grace_s: 600,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: false,
    }
}

fn encoded(device: DeviceId, sequence: u64, group: GroupId, pgks: Vec<Pgk<'_>>) -> Vec<u8> {
    let group = Group { group, member: MEMBER, next: 1, may_send: true, pgks };
    let content = Content { device, sequence, time: TIME, start_nonce: None, groups: vec![group] };
    let mut octets = Vec::new();
    content.encode(&mut octets);
    octets
}
