//! What the device holds while it is measured: one group with one PGK.

use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::message::ReceiveItem;
use proseal_proto::profile::{Profile, Suite};

/// The group.
pub(crate) const GROUP: GroupId = GroupId::from_octets([0x0a, 0, 1]);
/// Its PGK.
pub(crate) const GENERATION: Generation = Generation::FIRST;

const MEMBER: MemberId = MemberId::from_octets([0, 0, 1]);
const OTHER: MemberId = MemberId::from_octets([0, 0, 2]);
/// 2026-01-01, seconds since 1970 UTC.
const TIME: u64 = 1_767_225_600;

/// A group whose PGKs come and are revoked.
pub(crate) const REVOKED: GroupId = GroupId::from_octets([0x0a, 0, 2]);

/// The content of this sequence; but for that, all are the same.
pub(crate) fn octets(sequence: u64) -> Vec<u8> {
    encoded(sequence, GROUP, GENERATION, &[0x5a; 32])
}

/// A content with one PGK of [`REVOKED`], whose generation is its sequence.
pub(crate) fn octets_to_revoke(sequence: u64) -> Vec<u8> {
    let mut key = [0xa5; 32];
    key[..8].copy_from_slice(&sequence.to_be_bytes());
    encoded(sequence, REVOKED, generation(sequence), &key)
}

/// A generation.
pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).expect("callers count from 1")
}

fn encoded(sequence: u64, group: GroupId, generation: Generation, key: &[u8; 32]) -> Vec<u8> {
    let policy = Policy {
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
    };
    let pgk = Pgk { generation, id: PgkId(1), key, is_root: false, policy };
    let group = Group { group, member: MEMBER, next: 1, may_send: true, pgks: vec![pgk] };
    let content = Content {
        device: DeviceId::NONE,
        sequence,
        time: TIME,
        start_nonce: None,
        groups: vec![group],
    };
    let mut octets = Vec::new();
    content.encode(&mut octets);
    octets
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
