//! Properties of the codec and of contents: whatever is written reads back,
//! each value has one encoding, and no input makes a decoder panic.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proseal_proto::codec::{Decode, Encode, Writer, decode_all};
use proseal_proto::command::{Command, decode_response, encode_response};
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::limit;
use proseal_proto::message::{
    Admission, AdmissionReply, DeviceState, Erase, Event, EventKind, Events, EventsReply,
    GroupStatus, PgkState, PgkStatus, Receive, ReceiveItem, ReceiveItems, ReceiveReply, Revoke,
    Send, SendReply, Status, StatusReply, Suspend, Version, VersionReply,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::{
    GcmOpen, Hkdf, HkdfReply, Hmac, Install, InstallReply, Kdf, Marks, MarksReply, OpenReply,
};

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut octets = Vec::new();
    value.encode(&mut Writer::new(&mut octets, 1 << 20)).unwrap();
    octets
}

/// What is written reads back, and as nothing else: not with an octet more,
/// nor with one less.
fn round_trip<T: Encode + for<'a> Decode<'a>>(value: &T) -> Result<(), TestCaseError> {
    let octets = encoded(value);
    let back = decode_all::<T>(&octets);
    prop_assert_eq!(back.ok().map(|back| encoded(&back)), Some(octets.clone()));
    let longer = [&octets[..], &[0]].concat();
    prop_assert!(decode_all::<T>(&longer).is_err());
    prop_assert!(decode_all::<T>(&octets[..octets.len() - 1]).is_err());
    Ok(())
}

/// Octets that read as a `T` are the one encoding of it.
fn canonical<'a, T: Encode + Decode<'a>>(octets: &'a [u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = decode_all::<T>(octets) {
        prop_assert_eq!(encoded(&value), octets);
    }
    Ok(())
}

fn group() -> impl Strategy<Value = GroupId> {
    any::<[u8; 3]>().prop_map(GroupId::from_octets)
}

fn member() -> impl Strategy<Value = MemberId> {
    any::<[u8; 3]>().prop_map(MemberId::from_octets)
}

fn generation() -> impl Strategy<Value = Generation> {
    prop_oneof![1..=limit::GENERATION, 1..=40_u64, Just(limit::GENERATION)]
        .prop_map(|number| Generation::new(number).unwrap())
}

fn ptk_id() -> impl Strategy<Value = PtkId> {
    (1..=u16::MAX).prop_map(|number| PtkId::new(number).unwrap())
}

fn salt() -> impl Strategy<Value = EpochSalt> {
    any::<[u8; 8]>().prop_map(EpochSalt)
}

fn suite() -> impl Strategy<Value = Suite> {
    select(Suite::ALL)
}

fn profile() -> impl Strategy<Value = Profile> {
    select(Profile::ALL)
}

prop_compose! {
    fn item()(
        group in group(), generation in generation(), sender in member(),
        ptk_id in ptk_id(), salt in salt(),
    ) -> ReceiveItem {
        ReceiveItem { group, generation, sender, ptk_id, salt }
    }
}

prop_compose! {
    fn pgk_status()(
        generation in generation(), pgk_id in any::<u8>(), profile in profile(), suite in suite(),
        state in select(vec![PgkState::Held, PgkState::ReceiveOnly, PgkState::Ended]),
        windows in any::<(u64, u64, u32, u32, u32)>(), rollback_unprotected in any::<bool>(),
        epochs_left in any::<u16>(),
    ) -> PgkStatus {
        let (not_before, not_after, receive_grace_s, send_grace_s, max_unsynced_s) = windows;
        PgkStatus {
            generation, pgk_id: PgkId(pgk_id), profile, suite, state,
            not_before, not_after, receive_grace_s, send_grace_s, max_unsynced_s,
            rollback_unprotected, epochs_left,
        }
    }
}

prop_compose! {
    fn group_status()(
        group in group(), member in member(), next in any::<u64>(), suspended in any::<bool>(),
        may_send in any::<bool>(),
        pgks in vec(pgk_status(), 0..=limit::PGKS),
    ) -> GroupStatus {
        GroupStatus { group, member, next, suspended, may_send, pgks }
    }
}

prop_compose! {
    fn status()(
        state in select(vec![DeviceState::Factory, DeviceState::Enrolled, DeviceState::Damaged]),
        numbers in any::<(u64, u32, u64, u32, u32)>(),
        octets in any::<([u8; 16], [u8; 32], [u8; 16], [u8; 32])>(),
        groups in vec(group_status(), 0..=limit::GROUPS),
    ) -> StatusReply {
        let (floor, unsynced_s, sequence, signer_version, refusals) = numbers;
        let (device, root_key, manager, start_nonce) = octets;
        StatusReply {
            state, floor, unsynced_s, sequence, device: DeviceId(device), root_key, manager,
            signer_version, start_nonce, groups, refusals,
        }
    }
}

fn keys(ik: [u8; 32], ck: [u8; 32]) -> KeyPair {
    let mut keys = KeyPair::zero();
    *keys.ik.expose_mut() = ik;
    *keys.ck.expose_mut() = ck;
    keys
}

/// A content that owns its keys.
#[derive(Clone, Debug)]
struct Plan {
    device: [u8; 16],
    sequence: u64,
    time: u64,
    start_nonce: Option<[u8; 32]>,
    groups: Vec<PlannedGroup>,
}

#[derive(Clone, Debug)]
struct PlannedGroup {
    group: GroupId,
    member: MemberId,
    next: u64,
    may_send: bool,
    pgks: Vec<(Generation, PgkId, [u8; 32], bool, Policy)>,
}

impl Plan {
    fn content(&self) -> Content<'_> {
        let groups = self.groups.iter().map(|planned| Group {
            group: planned.group,
            member: planned.member,
            next: planned.next,
            may_send: planned.may_send,
            pgks: planned
                .pgks
                .iter()
                .map(|(generation, id, key, is_root, policy)| Pgk {
                    generation: *generation,
                    id: *id,
                    key,
                    is_root: *is_root,
                    policy: *policy,
                })
                .collect(),
        });
        Content {
            device: DeviceId(self.device),
            sequence: self.sequence,
            time: self.time,
            start_nonce: self.start_nonce,
            groups: groups.collect(),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.content().encode(&mut octets);
        octets
    }
}

prop_compose! {
    fn policy()(
        not_before in 0..u64::MAX, window in 1..=u64::MAX, profile in profile(), suite in suite(),
        label in "[a-zé]{0,16}", limits in (1..=u32::MAX, 1..=u32::MAX),
        graces in any::<(u32, u32, u32)>(), accept_rollback in any::<bool>(),
    ) -> Policy {
        Policy {
            not_before,
            not_after: not_before.saturating_add(window),
            profile,
            suite,
            label: Label::new(&label).unwrap(),
            epoch_s: limits.0,
            epoch_packets: limits.1,
            receive_grace_s: graces.0,
            send_grace_s: graces.1,
            max_unsynced_s: graces.2,
            accept_rollback,
        }
    }
}

prop_compose! {
    fn planned_group()(
        group in group(), member in member(), may_send in any::<bool>(),
        mut pgks in vec(
            (generation(), any::<u8>().prop_map(PgkId), any::<[u8; 32]>(), any::<bool>(), policy()),
            0..=limit::PGKS,
        ),
        room in 0..1000_u64,
    ) -> PlannedGroup {
        pgks.sort_by_key(|pgk| pgk.0);
        pgks.dedup_by_key(|pgk| pgk.0);
        let first = pgks.first().map_or(limit::GENERATION, |pgk| pgk.0.get());
        PlannedGroup { group, member, next: first.saturating_sub(room).max(1), may_send, pgks }
    }
}

prop_compose! {
    fn plan()(
        device in any::<[u8; 16]>(), sequence in 1..=u64::MAX, time in any::<u64>(),
        start_nonce in proptest::option::of(any::<[u8; 32]>()),
        mut groups in vec(planned_group(), 0..=limit::GROUPS),
    ) -> Plan {
        groups.sort_by_key(|group| group.group);
        groups.dedup_by_key(|group| group.group);
        Plan { device, sequence, time, start_nonce, groups }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn requests_round_trip(
        group in group(), generation in generation(),
        items in vec(item(), 1..=limit::BATCH), device in any::<[u8; 16]>(),
    ) {
        round_trip(&Send { group, generation })?;
        round_trip(&Admission { group, generation })?;
        let receive = Receive { items };
        let octets = encoded(&receive);
        let stay: ReceiveItems<'_> = decode_all(&octets).unwrap();
        let read: Result<Vec<_>, _> = stay.iter().collect();
        prop_assert_eq!(read.as_ref(), Ok(&receive.items));
        prop_assert_eq!(encoded(&stay), octets);
        round_trip(&receive)?;
        round_trip(&Erase { device: DeviceId(device) })?;
        round_trip(&Suspend { group, on: device[0] & 1 == 0 })?;
        round_trip(&Revoke { group, below: generation })?;
        round_trip(&Events { since: u32::from_be_bytes([device[0], 1, 2, 3]) })?;
    }

    #[test]
    fn a_status_round_trips(status in status()) {
        round_trip(&status)?;
        prop_assert!(encoded(&status).len() <= StatusReply::MAX);
    }

    #[test]
    fn events_round_trip(
        next in any::<u32>(),
        events in vec((any::<u32>(), select(EventKind::ALL), group(), any::<(u64, u64)>()),
            0..=limit::EVENTS_REPLY),
    ) {
        let event = |(number, kind, group, (generation, floor))| {
            Event { number, kind, group, generation, floor }
        };
        let reply = EventsReply { next, events: events.into_iter().map(event).collect() };
        round_trip(&reply)?;
        prop_assert!(encoded(&reply).len() <= EventsReply::MAX);
    }

    #[test]
    fn derived_keys_round_trip(
        generation in generation(), member in member(), ptk_id in ptk_id(), salt in salt(),
        suite in suite(), numbers in any::<(u8, u64, u32, u32)>(),
        ik in any::<[u8; 32]>(), ck in any::<[u8; 32]>(),
        codes in vec(proptest::option::of(select(Code::ALL)), 0..=limit::BATCH),
    ) {
        let (pgk_id, not_after, epoch_s, epoch_packets) = numbers;
        let reply = SendReply {
            generation, pgk_id: PgkId(pgk_id), member, ptk_id, salt, suite, not_after, epoch_s,
            epoch_packets, keys: keys(ik, ck),
        };
        round_trip(&reply)?;
        prop_assert_eq!(encoded(&reply).len(), SendReply::LEN);
        let mut admission = AdmissionReply { key: AdmissionKey::zero() };
        admission.key.expose_mut().copy_from_slice(&ik[..16]);
        round_trip(&admission)?;
        let items = codes.into_iter().map(|code| code.map_or_else(|| Ok(keys(ik, ck)), Err));
        let reply = ReceiveReply { items: items.collect() };
        prop_assert!(encoded(&reply).len() <= ReceiveReply::MAX);
        round_trip(&reply)?;
    }

    #[test]
    fn test_commands_round_trip(
        salt in vec(any::<u8>(), 0..80), ikm in vec(any::<u8>(), 0..80),
        info in vec(any::<u8>(), 0..80), len in 0..=HkdfReply::LEN_MAX as u16,
        marks in any::<(u32, u32, u32, u32)>(),
    ) {
        let request = Hkdf { len, salt: &salt, ikm: &ikm, info: &info };
        let octets = encoded(&request);
        canonical::<Hkdf<'_>>(&octets)?;
        prop_assert!(decode_all::<Hkdf<'_>>(&octets).is_ok());
        let kdf = Kdf { fc: 0x4a, key: &ikm, parameters: vec![&salt, &info] };
        prop_assert!(decode_all::<Kdf<'_>>(&encoded(&kdf)).is_ok());
        let gcm = GcmOpen { key: [len as u8; 16], nonce: [7; 12], aad: &info, sealed: &salt };
        prop_assert!(decode_all::<GcmOpen<'_>>(&encoded(&gcm)).is_ok());
        round_trip(&OpenReply { text: (len > 100).then(|| ikm.clone()) })?;
        round_trip(&HkdfReply { okm: salt })?;
        let (stack_size, stack_high, heap_size, heap_high) = marks;
        round_trip(&MarksReply { stack_size, stack_high, heap_size, heap_high })?;
    }

    #[test]
    fn random_octets_are_refused_or_the_one_encoding(
        mut octets in vec(any::<u8>(), 0..200), small_count in 0..3_u8,
    ) {
        canonical::<Version>(&octets)?;
        canonical::<Status>(&octets)?;
        canonical::<Send>(&octets)?;
        canonical::<Erase>(&octets)?;
        canonical::<Install<'_>>(&octets)?;
        canonical::<InstallReply>(&octets)?;
        canonical::<Marks>(&octets)?;
        canonical::<Hkdf<'_>>(&octets)?;
        canonical::<Hmac<'_>>(&octets)?;
        canonical::<Kdf<'_>>(&octets)?;
        canonical::<GcmOpen<'_>>(&octets)?;
        canonical::<OpenReply>(&octets)?;
        canonical::<Admission>(&octets)?;
        canonical::<AdmissionReply>(&octets)?;
        canonical::<VersionReply>(&octets)?;
        canonical::<StatusReply>(&octets)?;
        canonical::<SendReply>(&octets)?;
        canonical::<Suspend>(&octets)?;
        canonical::<Revoke>(&octets)?;
        canonical::<Events>(&octets)?;
        canonical::<EventsReply>(&octets)?;
        canonical::<Receive>(&octets)?;
        if let [high, low, ..] = &mut octets[..] {
            (*high, *low) = (0, small_count);
        }
        canonical::<Receive>(&octets)?;
    }

    #[test]
    fn a_response_is_its_reply_or_a_code(octets in vec(any::<u8>(), 0..100), status in status()) {
        let _ = decode_response::<Send>(&octets);
        let _ = decode_response::<Receive>(&octets);
        let mut response = Vec::new();
        encode_response(&mut response, |w| Ok(status.encode(w)?)).unwrap();
        prop_assert!(response.len() <= <Status as Command>::RESPONSE_MAX);
        prop_assert_eq!(decode_response::<Status>(&response), Ok(status));
    }

    #[test]
    fn a_content_round_trips(plan in plan()) {
        let octets = plan.encoded();
        prop_assert!(octets.len() <= limit::REQUEST_MAX, "a request holds any content");
        let content = Content::parse(&octets);
        prop_assert!(content.is_ok(), "{:?}", content.err());
        let mut again = Vec::new();
        content.unwrap().encode(&mut again);
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn a_cut_content_is_refused(plan in plan(), at in any::<Index>()) {
        let octets = plan.encoded();
        let cut = Content::parse(&octets[..at.index(octets.len())]).err();
        prop_assert_eq!(cut, Some(Code::ContentMalformed));
    }

    #[test]
    fn a_mutated_content_never_panics(
        plan in plan(), changes in vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let mut octets = plan.encoded();
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        let _ = Content::parse(&octets);
    }

    #[test]
    fn random_octets_are_no_content(octets in vec(any::<u8>(), 0..300)) {
        let _ = Content::parse(&octets);
    }

    #[test]
    fn a_head_longer_than_needed_is_refused_wherever_it_stands(plan in plan()) {
        let octets = plan.encoded();
        let mut at = 0;
        while at < octets.len() {
            let head = Head::at(&octets[at..]);
            if let Some(longer) = head.longer() {
                let changed = [&octets[..at], &longer, &octets[at + head.len..]].concat();
                prop_assert!(Content::parse(&changed).is_err(), "at {at}");
            }
            at += head.len + head.payload;
        }
    }
}

/// The head of a CBOR item: its type, its argument, its octets, and those of
/// a string after it.
struct Head {
    major: u8,
    argument: u64,
    len: usize,
    payload: usize,
}

impl Head {
    fn at(octets: &[u8]) -> Self {
        let (major, info) = (octets[0] >> 5, octets[0] & 0x1f);
        let len = match info {
            24..=27 => 1 << (info - 24),
            _ => 0,
        };
        let argument = match len {
            0 => info.into(),
            _ => octets[1..=len].iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
        };
        let payload = if matches!(major, 2 | 3) { argument as usize } else { 0 };
        Self { major, argument, len: 1 + len, payload }
    }

    /// The same item behind the next longer head, if there is one.
    fn longer(&self) -> Option<Vec<u8>> {
        let (info, width) = match self.len {
            1 => (24, 1),
            2 => (25, 2),
            3 => (26, 4),
            5 => (27, 8),
            _ => return None,
        };
        let argument = self.argument.to_be_bytes();
        Some([&[self.major << 5 | info][..], &argument[8 - width..]].concat())
    }
}
