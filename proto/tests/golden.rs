//! Every number and every layout that both worlds agree on, pinned. A test
//! that fails here says that the format has changed: that needs a new
//! protocol version, not a new expectation.

use proseal_proto::codec::{DecodeError, Encode, Writer, decode_all};
use proseal_proto::command::{
    Command, Id, ResponseError, decode_response, encode_request, encode_response, request_body,
};
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::message::{
    Admission, AdmissionReply, DeviceState, Done, Enrol, Erase, Event, EventKind, Events,
    EventsReply, GetStatement, GroupStatus, Import, ImportReply, Outcome, PgkState, PgkStatus,
    Receive, ReceiveItem, ReceiveReply, Revoke, Send, SendReply, StatementReply, Status,
    StatusReply, Suspend, Version, VersionReply,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;
use proseal_proto::test_command::{
    BlockReply, EMPTY_UUID, Echo, EchoReply, GcmOpen, Hkdf, HkdfReply, Hmac, HpkeOpen, Install,
    InstallReply, Kdf, Marks, MarksReply, OpenReply, Panic, Scope, SetFloor, TestId, UUID,
};
use proseal_proto::{PROTO_VERSION, limit};

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Digits as they are read, without the gaps between fields.
fn digits(text: &str) -> String {
    text.split_whitespace().collect()
}

#[track_caller]
fn pin_request(command: &impl Encode, golden: &str) {
    let mut request = Vec::new();
    encode_request(command, &mut request).unwrap();
    assert_eq!(hex(&request), digits(golden));
}

#[track_caller]
fn pin_response(reply: &impl Encode, golden: &str) {
    let mut response = Vec::new();
    encode_response(&mut response, |w| Ok(reply.encode(w)?)).unwrap();
    assert_eq!(hex(&response), digits(golden));
}

fn group() -> GroupId {
    GroupId::new(0x0a_0b0c).unwrap()
}

fn member() -> MemberId {
    MemberId::new(0x01_0203).unwrap()
}

fn generation() -> Generation {
    Generation::new(0x0102_0304_0506).unwrap()
}

fn keys() -> KeyPair {
    let mut keys = KeyPair::zero();
    keys.ik.expose_mut().fill(0x11);
    keys.ck.expose_mut().fill(0xcc);
    keys
}

#[test]
fn command_numbers() {
    assert_eq!(PROTO_VERSION, 1);
    assert_eq!(
        Id::ALL.iter().map(|id| id.number()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    );
    let test: Vec<_> = TestId::ALL.iter().map(|id| id.number()).collect();
    assert_eq!(test, (0x8001..=0x800a).collect::<Vec<_>>());
    assert_eq!(TestId::FIRST, 0x8001);
    assert_eq!(proseal_proto::UUID, "a8bbab68-6d72-4b48-9ebb-b0836bcd4982");
    assert_eq!(UUID, "486d96ac-cfcd-427a-9e30-369ed3c15325");
    assert_eq!(EMPTY_UUID, "d5110ec2-2b8d-4d19-b0a6-ab8dd5ea7a69");
    for number in [0, 13, 0x8000, 0x8001, 0xffff, u32::MAX] {
        assert_eq!(Id::try_from(number), Err(Code::UnknownCommand));
    }
    for number in [1, 12, 0x8000, 0x800b] {
        assert_eq!(TestId::try_from(number), Err(Code::UnknownCommand));
    }
}

#[test]
fn codes() {
    let golden = [
        (0x101, "unknown_command"),
        (0x102, "unknown_version"),
        (0x103, "oversized"),
        (0x104, "truncated"),
        (0x105, "trailing_bytes"),
        (0x106, "out_of_range"),
        (0x201, "not_permitted"),
        (0x202, "wrong_state"),
        (0x203, "wrong_device"),
        (0x204, "own_member"),
        (0x205, "not_sender"),
        (0x206, "rollback_unprotected"),
        (0x301, "unknown_group"),
        (0x302, "unknown_generation"),
        (0x303, "epochs_exhausted"),
        (0x304, "suspended"),
        (0x305, "generation_ended"),
        (0x306, "receive_only"),
        (0x307, "unsynced"),
        (0x308, "above_next"),
        (0x309, "no_admission_key"),
        (0x401, "content_malformed"),
        (0x402, "generation_conflict"),
        (0x403, "sequence_conflict"),
        (0x404, "unsupported_profile"),
        (0x405, "unsupported_suite"),
        (0x407, "too_many_groups"),
        (0x408, "too_many_pgks"),
        (0x409, "pgk_id_clash"),
        (0x40a, "key_repeated"),
        (0x40b, "time_out_of_range"),
        (0x40c, "too_many_removed"),
        (0x40d, "member_conflict"),
        (0x40e, "label_unused"),
        (0x40f, "malformed"),
        (0x410, "wrong_type"),
        (0x411, "unsupported_algorithm"),
        (0x412, "untrusted_signer"),
        (0x413, "wrong_manager"),
        (0x414, "bad_signature"),
        (0x415, "signer_superseded"),
        (0x416, "headers_disagree"),
        (0x417, "not_opened"),
        (0x501, "store_failed"),
        (0x502, "store_full"),
        (0x503, "damaged"),
        (0x504, "state_too_new"),
        (0x602, "internal"),
    ];
    let codes: Vec<_> = Code::ALL.iter().map(|code| (code.number(), code.name())).collect();
    assert_eq!(codes, golden);
    for code in Code::ALL {
        assert_eq!(Code::from_number(code.number()), Some(*code));
    }
    assert_eq!(Code::from_number(0), None);
    assert_eq!(Code::from_number(0x107), None);
}

#[test]
fn numbers_of_choices_and_states() {
    let profiles = [(Profile::HkdfSha256, 1, "hkdf-sha256"), (Profile::Ts33303, 2, "3gpp-ts33303")];
    assert_eq!(profiles.map(|(profile, ..)| profile), Profile::ALL);
    for (profile, number, name) in profiles {
        assert_eq!((profile.number(), profile.name()), (number, name));
        assert_eq!(Profile::try_from(number), Ok(profile));
    }
    assert_eq!(Profile::try_from(3), Err(Code::UnsupportedProfile));
    let suites = [
        (Suite::Aead, 1, "aead", 32),
        (Suite::Integrity, 2, "integrity", 32),
        (Suite::ThreeGpp, 3, "3gpp", 16),
    ];
    assert_eq!(suites.map(|(suite, ..)| suite), Suite::ALL);
    for (suite, number, name, key_len) in suites {
        assert_eq!((suite.number(), suite.name(), suite.key_len()), (number, name, key_len));
        assert_eq!(Suite::try_from(number), Ok(suite));
    }
    assert_eq!(Suite::try_from(0), Err(Code::UnsupportedSuite));
    let states = [DeviceState::Factory, DeviceState::Enrolled, DeviceState::Damaged];
    assert_eq!(states.map(DeviceState::number), [1, 2, 3]);
    let states = [PgkState::Held, PgkState::ReceiveOnly, PgkState::Ended];
    assert_eq!(states.map(PgkState::number), [1, 2, 3]);
    let outcomes = [Outcome::Applied, Outcome::Partly, Outcome::Same, Outcome::Superseded];
    assert_eq!(outcomes.map(|outcome| outcome as u8), [1, 2, 3, 4]);
    assert_eq!([Scope::Whole as u8, Scope::Added as u8], [0, 1]);
    assert_eq!([VersionReply::TEST_BUILD], [1]);
}

/// A profile that an operator can name is one that he can read about.
#[test]
fn the_documents_have_every_profile_with_its_number_and_its_suites() {
    let derivation = include_str!("../../docs/derivation.md");
    let commands = include_str!("../../docs/commands.md");
    let readme = include_str!("../../README.md");
    for profile in Profile::ALL {
        let (number, name) = (profile.number(), profile.name());
        let suites: Vec<_> =
            profile.suites().iter().map(|suite| format!("`{}`", suite.name())).collect();
        let suites = suites.join(", ");
        assert!(derivation.contains(&format!("\n| `{name}` | {number} | {suites} |")), "{name}");
        assert!(commands.contains(&format!("{number} `{name}` (")), "{name}");
        assert!(readme.contains(&format!("\n| `{name}` | {suites} |")), "{name}");
    }
}

#[test]
fn limits_and_sizes() {
    assert_eq!((limit::REQUEST_MAX, limit::RESPONSE_MAX), (16_384, 8_192));
    assert_eq!((limit::GROUPS, limit::PGKS, limit::BATCH, limit::LABEL), (16, 4, 64, 32));
    assert_eq!(limit::GENERATION, 281_474_976_710_656);
    assert_eq!(<Version as Command>::RESPONSE_MAX, 4 + 23);
    assert_eq!(<GetStatement as Command>::RESPONSE_MAX, 4 + 512);
    assert_eq!(<Enrol as Command>::RESPONSE_MAX, 4 + 512);
    assert_eq!(<Import<'_> as Command>::RESPONSE_MAX, 4 + 513);
    assert_eq!((limit::PACKAGE_MAX, limit::NOTICE_MAX, limit::DELEGATION_MAX), (15_360, 512, 256));
    assert_eq!(<Status as Command>::RESPONSE_MAX, 4 + 3_167);
    assert_eq!(<Send as Command>::RESPONSE_MAX, 4 + 103);
    assert_eq!(<Receive as Command>::RESPONSE_MAX, 4 + 4_354);
    assert_eq!(<Admission as Command>::RESPONSE_MAX, 4 + 16);
    assert_eq!(<Erase as Command>::RESPONSE_MAX, 4);
    assert_eq!(<Events as Command>::RESPONSE_MAX, 4 + 774);
    assert_eq!(limit::EVENTS_REPLY, 32);
    assert_eq!(<Install<'_> as Command>::RESPONSE_MAX, 4 + 1);
    assert_eq!(<Marks as Command>::RESPONSE_MAX, 4 + 16);
    assert_eq!(<Hkdf<'_> as Command>::RESPONSE_MAX, 4 + 1_026);
    assert_eq!(<Echo as Command>::RESPONSE_MAX, 4 + 70);
    assert_eq!(<Hmac<'_> as Command>::RESPONSE_MAX, 4 + 32);
    assert_eq!(<Kdf<'_> as Command>::RESPONSE_MAX, 4 + 32);
    assert_eq!(<GcmOpen<'_> as Command>::RESPONSE_MAX, 4 + 1_027);
    assert_eq!(<HpkeOpen<'_> as Command>::RESPONSE_MAX, 4 + 1_027);
}

#[test]
fn version() {
    assert_eq!((VersionReply::PRODUCT, VersionReply::TEST_BUILD), (0, 1));
    pin_request(&Version, "0001");
    let reply = VersionReply {
        proto: 1,
        ta_version: 10_203,
        build: 1,
        groups: 16,
        pgks: 4,
        batch: 64,
        request_max: 16_384,
        response_max: 8_192,
        rollback_protection: 1_000,
    };
    pin_response(&reply, "00000000 0001 000027db 01 0010 0004 0040 00004000 00002000 03e8");
}

#[test]
fn status() {
    pin_request(&Status, "0001");
    let reply = StatusReply {
        state: DeviceState::Enrolled,
        floor: 0x6955_b900,
        unsynced_s: 7,
        sequence: 9,
        device: DeviceId([0xd0; 16]),
        root_key: [0x40; 32],
        manager: [0x3a; 16],
        signer_version: 5,
        start_nonce: [0x5e; 32],
        groups: vec![GroupStatus {
            group: group(),
            member: member(),
            next: 8,
            suspended: true,
            may_send: false,
            pgks: vec![PgkStatus {
                generation: generation(),
                pgk_id: PgkId(0x2a),
                profile: Profile::HkdfSha256,
                suite: Suite::Integrity,
                state: PgkState::ReceiveOnly,
                not_before: 0x10,
                not_after: 0x20,
                receive_grace_s: 600,
                send_grace_s: 60,
                max_unsynced_s: 86_400,
                rollback_unprotected: true,
                epochs_left: 0xfffe,
            }],
        }],
        refusals: 3,
    };
    let golden = format!(
        "00000000 02 000000006955b900 00000007 0000000000000009 {} {} {} 00000005 {} \
         0001 0a0b0c 010203 0000000000000008 01 00 \
         0001 0000010203040506 2a 01 02 02 0000000000000010 0000000000000020 00000258 0000003c \
         00015180 01 fffe 00000003",
        "d0".repeat(16),
        "40".repeat(32),
        "3a".repeat(16),
        "5e".repeat(32)
    );
    pin_response(&reply, &golden);
}

#[test]
fn statement_enrol_and_import() {
    pin_request(&GetStatement { nonce: [0x0e; 32] }, &format!("0001 {}", "0e".repeat(32)));
    pin_response(&StatementReply { statement: vec![0xd2, 0x84] }, "00000000 d284");
    let enrol = Enrol { root_key: [0x40; 32], manager: [0x3a; 16] };
    pin_request(&enrol, &format!("0001 {} {}", "40".repeat(32), "3a".repeat(16)));
    pin_request(&Import { octets: &[0xd2, 0x84] }, "0001 d284");
    let reply = ImportReply { outcome: Outcome::Partly, statement: vec![0xd2] };
    pin_response(&reply, "00000000 02 d2");
}

#[test]
fn send() {
    let request = Send { group: group(), generation: generation() };
    pin_request(&request, "0001 0a0b0c 0000010203040506");
    let reply = SendReply {
        generation: generation(),
        pgk_id: PgkId(0x2a),
        member: member(),
        ptk_id: PtkId::new(0x1234).unwrap(),
        salt: EpochSalt([0xa0; 8]),
        suite: Suite::Aead,
        not_after: 0x20,
        epoch_s: 3_600,
        epoch_packets: 1_000_000,
        keys: keys(),
    };
    let golden = format!(
        "00000000 0000010203040506 2a 010203 1234 {} 01 0000000000000020 00000e10 000f4240 {} {}",
        "a0".repeat(8),
        "11".repeat(32),
        "cc".repeat(32)
    );
    pin_response(&reply, &golden);
}

#[test]
fn receive() {
    let item = ReceiveItem {
        group: group(),
        generation: generation(),
        sender: member(),
        ptk_id: PtkId::new(0x1234).unwrap(),
        salt: EpochSalt([0xa0; 8]),
    };
    let golden = "0001 0002 0a0b0c 0000010203040506 010203 1234 a0a0a0a0a0a0a0a0 \
                  0a0b0c 0000010203040506 010203 1234 a0a0a0a0a0a0a0a0";
    let request = Receive { items: vec![item; 2] };
    pin_request(&request, golden);
    // The room for the answer is that of two, not of the largest.
    assert_eq!(request.response_max(), 4 + 2 + 2 * 68);
    let reply = ReceiveReply { items: vec![Ok(keys()), Err(Code::OwnMember)] };
    let golden = format!(
        "00000000 0002 00000000 {} {} 00000204 {}",
        "11".repeat(32),
        "cc".repeat(32),
        "00".repeat(64)
    );
    pin_response(&reply, &golden);
}

#[test]
fn admission() {
    let request = Admission { group: group(), generation: generation() };
    pin_request(&request, "0001 0a0b0c 0000010203040506");
    let mut key = AdmissionKey::zero();
    key.expose_mut().fill(0xad);
    pin_response(&AdmissionReply { key }, &format!("00000000 {}", "ad".repeat(16)));
}

#[test]
fn suspend_and_revoke() {
    pin_request(&Suspend { group: group(), on: true }, "0001 0a0b0c 01");
    pin_request(&Revoke { group: group(), below: generation() }, "0001 0a0b0c 0000010203040506");
}

#[test]
fn events() {
    pin_request(&Events { since: 7 }, "0001 00000007");
    let event = Event {
        number: 7,
        kind: EventKind::Revoked,
        group: group(),
        generation: 8,
        floor: 0x6955_b900,
    };
    pin_response(
        &EventsReply { next: 9, events: vec![event] },
        "00000000 00000009 0001 00000007 03 0a0b0c 0000000000000008 000000006955b900",
    );
    let golden = [
        (1, "installed"),
        (2, "refreshed"),
        (3, "revoked"),
        (4, "ended"),
        (5, "suspended"),
        (6, "resumed"),
        (7, "removed"),
        (8, "repaired"),
    ];
    let kinds: Vec<_> = EventKind::ALL.iter().map(|kind| (kind.number(), kind.name())).collect();
    assert_eq!(kinds, golden);
}

/// Who may call what is part of the protocol.
#[test]
fn callers() {
    use Role::{Administrator, Daemon, Public};
    assert_eq!(Version::CALLERS, [Public, Daemon, Administrator]);
    assert_eq!(Status::CALLERS, [Daemon, Administrator]);
    assert_eq!(Send::CALLERS, [Daemon]);
    assert_eq!(Receive::CALLERS, [Daemon]);
    assert_eq!(Admission::CALLERS, [Daemon]);
    assert_eq!(Suspend::CALLERS, [Administrator, Daemon]);
    assert_eq!(Revoke::CALLERS, [Administrator]);
    assert_eq!(Events::CALLERS, [Administrator]);
    assert_eq!(Erase::CALLERS, [Administrator]);
    assert_eq!(Install::CALLERS, [Administrator]);
    assert_eq!(SetFloor::CALLERS, [Administrator]);
    assert_eq!(Panic::CALLERS, [Administrator]);
    assert_eq!(Marks::CALLERS, [Administrator]);
    assert_eq!(Hkdf::CALLERS, [Administrator]);
    assert_eq!(Echo::CALLERS, [Daemon, Administrator]);
    assert_eq!(Hmac::CALLERS, [Administrator]);
    assert_eq!(Kdf::CALLERS, [Administrator]);
    assert_eq!(GcmOpen::CALLERS, [Administrator]);
    let groups: Vec<_> = Role::ALL.iter().map(|role| (role.name(), role.gid())).collect();
    assert_eq!(groups, [("public", None), ("prose", Some(870)), ("prose-admin", Some(871))]);
}

#[test]
fn erase() {
    pin_request(&Erase { device: DeviceId([0xd0; 16]) }, &format!("0001 {}", "d0".repeat(16)));
    pin_response(&Done, "00000000");
}

#[test]
fn test_commands() {
    pin_request(&Install { scope: Scope::Added, content: &[0xa0, 1] }, "0001 01 a001");
    pin_response(&InstallReply { outcome: Outcome::Partly }, "00000000 02");
    pin_request(&SetFloor { floor: 0x6955_b900 }, "0001 000000006955b900");
    pin_request(&Panic, "0001");
    pin_request(&Marks, "0001");
    let marks = MarksReply { stack_size: 1, stack_high: 2, heap_size: 3, heap_high: 4 };
    pin_response(&marks, "00000000 00000001 00000002 00000003 00000004");
    let hkdf = Hkdf { len: 42, salt: &[1, 2], ikm: &[3], info: &[] };
    pin_request(&hkdf, "0001 002a 0002 0102 0001 03 0000");
    pin_response(&HkdfReply { okm: vec![9, 8, 7] }, "00000000 0003 090807");
    pin_request(&Echo { octets: [7; 26] }, &format!("0001 {}", "07".repeat(26)));
    pin_response(&EchoReply { octets: [7; 70] }, &format!("00000000 {}", "07".repeat(70)));
    pin_request(&Hmac { key: &[1, 2], message: &[3] }, "0001 0002 0102 0001 03");
    let kdf = Kdf { fc: 0x4a, key: &[1, 2], parameters: vec![&[3], &[]] };
    pin_request(&kdf, "0001 4a 0002 0102 02 0001 03 0000");
    pin_response(&BlockReply { octets: [9; 32] }, &format!("00000000 {}", "09".repeat(32)));
    let gcm = GcmOpen { key: [1; 16], nonce: [2; 12], aad: &[3], sealed: &[4, 5] };
    let golden = format!("0001 {} {} 0001 03 0002 0405", "01".repeat(16), "02".repeat(12));
    pin_request(&gcm, &golden);
    pin_response(&OpenReply { text: Some(vec![6]) }, "00000000 01 0001 06");
    pin_response(&OpenReply { text: None }, "00000000 00 0000");
}

#[test]
fn a_refusal_is_its_code_alone() {
    let mut response = vec![1, 2, 3];
    assert_eq!(encode_response(&mut response, |_| Err(Code::Damaged)), Err(Code::Damaged));
    assert_eq!(hex(&response), "00000503");
    assert!(matches!(
        decode_response::<Version>(&response),
        Err(ResponseError::Refused(Code::Damaged))
    ));
    response.push(0);
    assert!(matches!(
        decode_response::<Version>(&response),
        Err(ResponseError::Malformed(DecodeError::TrailingBytes))
    ));
}

#[test]
fn a_request_of_another_version_or_length_is_refused_before_its_body() {
    assert_eq!(request_body(&[0, 1, 9]), Ok(&[9][..]));
    assert_eq!(request_body(&[0, 2, 9]), Err(Code::UnknownVersion));
    assert_eq!(request_body(&[0]), Err(Code::Truncated));
    let mut longest = vec![0; limit::REQUEST_MAX];
    longest[1] = 1;
    assert!(request_body(&longest).is_ok());
    longest.push(0);
    assert_eq!(request_body(&longest), Err(Code::Oversized));
}

#[test]
fn values_out_of_their_range_are_refused() {
    fn code<'a, T: proseal_proto::codec::Decode<'a>>(input: &'a [u8]) -> Option<DecodeError> {
        decode_all::<T>(input).err()
    }
    let send = |generation: u64| [&[0; 3][..], &generation.to_be_bytes()].concat();
    assert_eq!(code::<Send>(&send(limit::GENERATION)), None);
    for generation in [0, limit::GENERATION + 1, u64::MAX] {
        assert_eq!(code::<Send>(&send(generation)), Some(DecodeError::OutOfRange));
    }
    assert_eq!(code::<Receive>(&[0, 0]), Some(DecodeError::OutOfRange), "no item");
    assert_eq!(code::<Receive>(&[0, 65]), Some(DecodeError::OutOfRange), "65 items");
    assert_eq!(code::<Receive>(&[0, 64]), Some(DecodeError::Truncated));
    assert_eq!(code::<Install<'_>>(&[2]), Some(DecodeError::OutOfRange), "scope 2");
    assert_eq!(code::<Hkdf<'_>>(&[4, 1]), Some(DecodeError::OutOfRange), "1025 octets");
    assert_eq!(code::<PtkId>(&[0, 0]), Some(DecodeError::OutOfRange));
}

/// One group with one PGK, each field of the content told from the others.
#[test]
fn content() {
    let policy = Policy {
        not_before: 0x6955_b900,
        not_after: 0x6955_b901,
        profile: Profile::HkdfSha256,
        suite: Suite::ThreeGpp,
        label: Label::new("field").unwrap(),
        epoch_s: 3_600,
        epoch_packets: 1_000_000,
        receive_grace_s: 600,
        send_grace_s: 60,
        max_unsynced_s: 0,
        accept_rollback: true,
    };
    let key = [0x77; 32];
    let pgk = Pgk { generation: generation(), id: PgkId(0x2a), key: &key, is_root: false, policy };
    let content = Content {
        device: DeviceId([0xd0; 16]),
        sequence: 9,
        time: 0x6955_b900,
        start_nonce: Some([0x5e; 32]),
        groups: vec![Group {
            group: group(),
            member: member(),
            next: 5,
            may_send: true,
            pgks: vec![pgk],
        }],
    };
    let mut octets = Vec::new();
    content.encode(&mut octets);
    let golden = format!(
        "a5 01 50 {} 02 09 03 1a6955b900 04 5820 {} 05 81 \
         a5 01 1a000a0b0c 02 1a00010203 03 05 04 f5 05 81 \
         af 01 1b0000010203040506 02 182a 03 5820 {} 04 f4 05 1a6955b900 06 1a6955b901 \
         07 01 08 03 09 65 6669656c64 0a 190e10 0b 1a000f4240 0c 190258 0d 183c 0e 00 0f f5",
        "d0".repeat(16),
        "5e".repeat(32),
        "77".repeat(32)
    );
    assert_eq!(hex(&octets), digits(&golden));
    assert!(Content::parse(&octets).is_ok());
}

#[test]
fn a_reply_that_does_not_fit_becomes_a_code() {
    struct Huge;
    impl Encode for Huge {
        fn encode(&self, w: &mut Writer<'_>) -> Result<(), proseal_proto::codec::Full> {
            w.bytes(&vec![1; limit::RESPONSE_MAX])
        }
    }
    let mut response = Vec::new();
    assert_eq!(encode_response(&mut response, |w| Ok(Huge.encode(w)?)), Err(Code::Internal));
    assert_eq!(hex(&response), "00000602");
}
