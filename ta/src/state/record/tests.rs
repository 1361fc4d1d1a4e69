use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use proseal_proto::message::EventKind;

use super::*;

fn policy() -> Policy {
    Policy {
        not_before: 1,
        not_after: 2,
        profile: Profile::HkdfSha256,
        suite: Suite::ThreeGpp,
        label: Label::new("an operator label of 32 octets..").unwrap(),
        epoch_s: 3,
        epoch_packets: 4,
        receive_grace_s: 5,
        send_grace_s: 6,
        max_unsynced_s: 7,
        accept_rollback: true,
    }
}

/// A state with this many of everything; the limits make the largest.
fn state(groups: usize, pgks: usize, removed: usize, events: usize) -> State {
    let id = |at: usize| GroupId::new(at as u32).unwrap();
    let pgk = |at: usize| Pgk {
        generation: Generation::new(at as u64 + 1).unwrap(),
        id: PgkId(at as u8),
        key: GroupKey::copied_from(&[at as u8 + 1; 32]),
        prepared: Prepared::new(),
        is_root: false,
        policy: policy(),
        reserved: 64,
    };
    let group = |at: usize| Group {
        id: id(at),
        member: MemberId::new(9).unwrap(),
        next: 5,
        suspended: true,
        may_send: true,
        pgks: (0..pgks).map(pgk).collect(),
    };
    let gone = |at: usize| RemovedGroup { id: id(100 + at), next: 3, suspended: false };
    let event = |at: usize| Event {
        number: at as u32,
        kind: EventKind::Ended,
        group: id(at),
        generation: 2,
        floor: 7,
    };
    State {
        device: DeviceId([0xd0; 16]),
        root_key: [0x40; 32],
        manager: [0x3a; 16],
        signer_version: 5,
        sequence: 9,
        digest: [0xd1; 32],
        floor: 7,
        unsynced_s: 8,
        lingering: true,
        groups: (0..groups).map(group).collect(),
        removed: (0..removed).map(gone).collect(),
        next_event: 6,
        events: (0..events).map(event).collect(),
    }
}

fn largest() -> State {
    state(limit::GROUPS, limit::PGKS, REMOVED_MAX, EVENTS_MAX)
}

fn hex(octets: &[u8]) -> std::string::String {
    octets.iter().map(|octet| std::format!("{octet:02x}")).collect()
}

#[test]
fn a_state_round_trips_and_is_as_long_as_any() {
    for state in [State::new(), state(1, 1, 0, 0), state(16, 4, 0, 0), largest()] {
        let record = encode(&state).unwrap();
        assert_eq!(record.len(), LEN);
        assert_eq!(*encode(&decode(&record).unwrap()).unwrap(), *record);
    }
}

/// A second buffer would leave keys behind.
#[test]
fn the_buffer_of_a_record_never_moves() {
    assert_eq!(encode(&largest()).unwrap().capacity(), LEN);
    for state in [State::new(), state(1, 1, 1, 1), state(3, 2, 4, 5), largest()] {
        let (record, unpadded) = (encode(&state).unwrap(), encode_unpadded(&state).unwrap());
        // The longest labels: no room is left.
        assert_eq!(unpadded.capacity(), unpadded.len());
        let (said, padding) = record.split_at(unpadded.len());
        assert_eq!(said, *unpadded);
        assert!(padding.iter().all(|&octet| octet == 0));
        assert_eq!(*encode_unpadded(&decode(&unpadded).unwrap()).unwrap(), *unpadded);
    }
}

#[test]
fn a_record_is_laid_out_as_format_1_says() {
    let record = encode(&state(1, 1, 1, 1)).unwrap();
    let golden = [
        "5072536c53746174",
        "0001",
        &hex(&VERSION.to_be_bytes()),
        &"d0".repeat(16),
        &"40".repeat(32),
        &"3a".repeat(16),
        "00000005",
        "0000000000000009",
        &"d1".repeat(32),
        "0000000000000007",
        "00000008 01",
        "0001 000000 000009 0000000000000005 01 01",
        "0001 0000000000000001 00",
        &"01".repeat(32),
        "00 0000000000000001 0000000000000002 01 03 20",
        &hex(b"an operator label of 32 octets.."),
        "00000003 00000004 00000005 00000006 00000007 01 0040",
        "0001 000064 0000000000000003 00",
        "00000006",
        "0001",
        "00000000 04 000000 0000000000000002 0000000000000007",
    ];
    let golden = golden.concat().replace(' ', "");
    let (used, padding) = record.split_at(golden.len() / 2);
    assert_eq!(hex(used), golden);
    assert!(padding.iter().all(|&octet| octet == 0));
}

#[test]
fn what_a_later_build_wrote_is_too_new_and_never_malformed() {
    let record = encode(&state(1, 1, 0, 0)).unwrap();
    for (at, changed) in [(8..10, &[0, 2][..]), (10..14, &(VERSION + 1).to_be_bytes())] {
        let mut later = record.clone();
        later[at].copy_from_slice(changed);
        // Whatever the later build has put behind its head.
        later[14..].fill(0xff);
        assert_eq!(decode(&later).err(), Some(RecordError::TooNew));
    }
    let mut earlier = record.clone();
    earlier[10..14].copy_from_slice(&(VERSION - 1).to_be_bytes());
    assert!(decode(&earlier).is_ok(), "an earlier build of this format is read");
}

#[test]
fn what_is_not_a_record_is_malformed() {
    let record = encode(&state(1, 1, 0, 0)).unwrap();
    let malformed = |octets: &[u8]| decode(octets).err() == Some(RecordError::Malformed);
    assert!(malformed(&[]));
    assert!(malformed(&[0; LEN]), "what an erasure leaves");
    for len in 0..EMPTY + GROUP + PGK {
        assert!(malformed(&record[..len]), "{len} octets");
    }
    let mut padding = record.clone();
    *padding.last_mut().unwrap() = 1;
    assert!(malformed(&padding));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_mutated_record_never_panics(
        changes in vec((any::<Index>(), any::<u8>()), 1..8), whole in any::<bool>(),
    ) {
        let mut record = encode(&state(2, 2, 2, 2)).unwrap().to_vec();
        // The padding is not worth most of the changes.
        let bound = if whole { record.len() } else { 700 };
        for (at, octet) in changes {
            record[at.index(bound)] = octet;
        }
        if let Ok(state) = decode(&record) {
            prop_assert!(encode(&state).is_ok() && encode_unpadded(&state).is_ok());
        }
    }

    #[test]
    fn random_octets_never_panic(octets in vec(any::<u8>(), 0..600)) {
        let record: Vec<u8> =
            [&MAGIC[..], &FORMAT.to_be_bytes(), &VERSION.to_be_bytes(), &octets].concat();
        let _ = decode(&record);
    }
}
