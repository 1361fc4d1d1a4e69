//! Every command, and every request that is not one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proseal_proto::command::{Command, Id, RESPONSE_HEAD, encode_request};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{
    Admission, DeviceState, Enrol, Erase, Events, GetStatement, PgkState, Receive, Revoke, Send,
    Status, Suspend, Version, VersionReply,
};
use proseal_proto::profile::Suite;
use proseal_proto::role::Role;
use proseal_proto::test_command::{
    Echo, GcmOpen, Hkdf, Hmac, HpkeOpen, Kdf, Marks, Scope, SetFloor, TestId,
};
use proseal_proto::{PROTO_VERSION, limit};
use proseal_ta::session::{self, Login};

use crate::fixture::{self, Device, GROUP, MEMBER, OTHER, TIME};

#[test]
fn version_says_what_the_ta_is() {
    let version = Device::new().call(&Version).unwrap();
    assert_eq!(
        version,
        VersionReply {
            proto: PROTO_VERSION,
            ta_version: proseal_ta::VERSION,
            build: VersionReply::TEST_BUILD,
            groups: 16,
            pgks: 4,
            batch: 64,
            request_max: 16_384,
            response_max: 8_192,
            rollback_protection: 0,
        }
    );
}

#[test]
fn status_has_what_was_installed() {
    let mut device = Device::new();
    let factory = device.status();
    assert_eq!((factory.state, factory.sequence), (DeviceState::Factory, 0));
    assert_eq!((factory.floor, factory.groups.len()), (0, 0));

    let mut content = fixture::generations(9, &[7, 0x21]);
    content.groups[0].pgks[1].policy.suite = Suite::Integrity;
    device.install(Scope::Whole, &content).unwrap();
    let status = device.status();
    assert_eq!((status.state, status.sequence, status.floor), (DeviceState::Enrolled, 9, TIME));
    assert_eq!(status.start_nonce, factory.start_nonce, "one nonce a start");
    let group = &status.groups[0];
    assert_eq!(group.member, fixture::member(MEMBER));
    assert_eq!((group.next, group.suspended), (0x22, false));
    let pgk = &group.pgks[1];
    assert_eq!((pgk.generation.get(), pgk.pgk_id.0), (0x21, 0x21));
    assert_eq!((pgk.suite, pgk.state), (Suite::Integrity, PgkState::Held));
    assert_eq!((pgk.not_before, pgk.not_after), (TIME, TIME + 1));
    assert_eq!(pgk.epochs_left, u16::MAX);

    device.restart();
    let again = device.status();
    assert_ne!(again.start_nonce, status.start_nonce, "another start");
    assert_eq!(again.groups, status.groups);
}

#[test]
fn send_is_always_a_new_epoch() {
    let mut device = Device::enrolled();
    let one = device.send(1).unwrap();
    let two = device.send(1).unwrap();
    assert_eq!((one.ptk_id.get(), two.ptk_id.get()), (1, 2));
    assert_ne!(one.salt, two.salt);
    assert_ne!(one.keys.ik.expose(), two.keys.ik.expose());
    assert_ne!(one.keys.ck.expose(), two.keys.ck.expose());
    assert_ne!(one.keys.ik.expose(), one.keys.ck.expose());
    assert_eq!(one.member, fixture::member(MEMBER));
    assert_eq!((one.epoch_s, one.epoch_packets, one.not_after), (3600, 1_000_000, TIME + 1));
}

/// Sender and receiver are two devices with one PGK and their own member ids.
#[test]
fn another_device_derives_what_send_gave() {
    let mut sender = Device::enrolled();
    let mut receiver = Device::new();
    let mut content = fixture::generations(1, &[1]);
    content.groups[0].member = fixture::member(OTHER);
    receiver.install(Scope::Whole, &content).unwrap();

    let sent = sender.send(1).unwrap();
    let mut item = fixture::epoch(GROUP, 1, MEMBER, sent.ptk_id.get());
    item.salt = sent.salt;
    let reply = receiver.receive(vec![item]).unwrap();
    let keys = reply[0].as_ref().ok().unwrap();
    assert_eq!(keys.ik.expose(), sent.keys.ik.expose());
    assert_eq!(keys.ck.expose(), sent.keys.ck.expose());
}

#[test]
fn send_names_what_it_lacks() {
    let mut device = Device::new();
    assert_eq!(device.ptk_id(1), Err(Code::WrongState));
    let mut content = fixture::generations(1, &[1]);
    content.groups[0].may_send = false;
    device.install(Scope::Whole, &content).unwrap();
    assert_eq!(device.ptk_id(2), Err(Code::UnknownGeneration));
    assert_eq!(device.ptk_id(1), Err(Code::NotSender));
    assert_eq!(device.receives(1), Ok(()), "it may receive");
    let elsewhere =
        Send { group: fixture::group_id(GROUP + 1), generation: fixture::generation(1) };
    assert_eq!(device.call(&elsewhere).err(), Some(Code::UnknownGroup));
}

/// A response that the caller has no room for must not have cost anything.
#[test]
fn without_room_for_the_response_nothing_is_done() {
    let mut device = Device::enrolled();
    let mut request = Vec::new();
    let send = Send { group: fixture::group_id(GROUP), generation: fixture::generation(1) };
    encode_request(&send, &mut request).unwrap();
    let before = device.status();
    for room in [0, RESPONSE_HEAD, send.response_max() - 1] {
        assert!(device.raw_with_room(Role::Daemon, Id::Send.number(), &request, room).is_empty());
    }
    let after = device.status();
    assert_eq!(after.groups, before.groups, "no PTK Id is used");
    assert_eq!(after.refusals, before.refusals + 3);
    assert_eq!(device.ptk_id(1), Ok(1));
}

#[test]
fn the_room_of_a_batch_is_that_of_its_items() {
    let mut device = Device::enrolled();
    let items = vec![fixture::epoch(GROUP, 1, OTHER, 1); 2];
    let receive = Receive { items };
    assert_eq!(receive.response_max(), 4 + 2 + 2 * (4 + 64));
    assert!(device.call(&receive).is_ok());
}

#[test]
fn a_batch_is_answered_item_by_item() {
    let mut device = Device::enrolled();
    assert_eq!(Device::new().receives(1), Err(Code::WrongState));
    let good = fixture::epoch(GROUP, 1, OTHER, 1);
    let items = vec![
        good,
        fixture::epoch(GROUP + 1, 1, OTHER, 1),
        fixture::epoch(GROUP, 2, OTHER, 1),
        fixture::epoch(GROUP, 1, MEMBER, 1),
        good,
    ];
    let reply = device.receive(items).unwrap();
    let codes: Vec<_> = reply.iter().map(|item| item.as_ref().err().copied()).collect();
    assert_eq!(
        codes,
        [
            None,
            Some(Code::UnknownGroup),
            Some(Code::UnknownGeneration),
            Some(Code::OwnMember),
            None
        ]
    );
    let iks: Vec<_> = reply.iter().flatten().map(|keys| *keys.ik.expose()).collect();
    assert_eq!(iks[0], iks[1]);

    assert_eq!(device.receive(vec![good; 64]).map(|items| items.len()), Ok(64));
    assert_eq!(device.receive(vec![good; 65]).err(), Some(Code::OutOfRange));
    assert_eq!(device.receive(vec![]).err(), Some(Code::OutOfRange));
}

/// A request with these octets in place of some of its second item's.
fn batch_with(at: usize, octets: &[u8]) -> Vec<u8> {
    let good = fixture::epoch(GROUP, 1, OTHER, 1);
    let mut request = Vec::new();
    encode_request(&Receive { items: vec![good; 3] }, &mut request).unwrap();
    // version 2, count 2, then 24 octets an item
    let at = 4 + 24 + at;
    request[at..at + octets.len()].copy_from_slice(octets);
    request
}

/// No message can hold such an item, but octets can.
#[test]
fn a_malformed_item_of_a_batch_is_refused_alone() {
    let mut device = Device::enrolled();
    let number = Id::Receive.number();
    let good = device.raw(Role::Daemon, number, &batch_with(0, &[]));
    assert_eq!(good.len(), 4 + 2 + 3 * 68);
    let before = device.status().refusals;
    let above = (limit::GENERATION + 1).to_be_bytes();
    // group 3, generation 8, sender 3, PTK Id 2
    for (at, octets) in [(14, &[0; 2][..]), (3, &[0; 8]), (3, &above), (3, &[0xff; 8])] {
        let response = device.raw(Role::Daemon, number, &batch_with(at, octets));
        let refused = [&Code::OutOfRange.number().to_be_bytes()[..], &[0; 64]].concat();
        let wanted = [&good[..74], &refused, &good[142..]].concat();
        assert_eq!(response, wanted, "{octets:?} at {at}");
    }
    assert_eq!(device.status().refusals, before, "an item's refusal is not the request's");

    // What is asked of the device comes before what is asked of an item.
    let response = Device::new().raw(Role::Daemon, number, &batch_with(14, &[0; 2]));
    assert_eq!(code_of(&response), Some(Code::WrongState));
}

#[test]
fn the_largest_replies_fit() {
    let mut device = Device::new();
    device.install(Scope::Whole, &fixture::largest(1)).unwrap();
    assert_eq!(device.status().groups.len(), limit::GROUPS);
    let items = vec![fixture::epoch(GROUP, 1, OTHER, 1); limit::BATCH];
    assert!(device.receive(items).unwrap().iter().all(Result::is_ok));
    let okm = device.call(&Hkdf { len: 1024, salt: &[], ikm: &[], info: &[] }).unwrap().okm;
    assert_eq!(okm.len(), 1024);
}

#[test]
fn a_login_gives_the_role_of_its_group_and_any_other_none() {
    // By the kernel's rule, UUIDv5 of "gid=366" and "gid=367".
    let prose = 0x605c_9b97_06d5_5897_becc_34da_cc30_aa86_u128;
    let admin = 0x47f1_a32f_0b31_5c5f_a49d_f4f9_4674_34d7_u128;
    let group = |uuid: u128| session::role(Login::Group(uuid.to_be_bytes()));
    assert_eq!(session::role(Login::Public), Ok(Role::Public));
    assert_eq!(group(prose), Ok(Role::Daemon));
    assert_eq!(group(admin), Ok(Role::Administrator));
    for uuid in [0, prose ^ 1, admin.swap_bytes()] {
        assert_eq!(group(uuid), Err(Code::NotPermitted));
    }
    for login in [1, 4, 5, 6, 0xf000_0000] {
        assert_eq!(session::role(Login::Other(login)), Err(Code::NotPermitted));
    }
}

/// Whoever may not call a command is told so whatever the device's state,
/// and whatever else is wrong with the request.
#[test]
fn each_command_answers_its_callers_only() {
    let damaged = |device: &mut Device| {
        device.medium().object = Some(vec![0; 9]);
        device.restart();
    };
    for prepare in [|_: &mut Device| {}, |device: &mut Device| device.erase().unwrap(), damaged] {
        let mut device = Device::enrolled();
        prepare(&mut device);
        for (_, number, request) in whole_requests() {
            let may = |role| callers(number).contains(&role);
            for role in Role::ALL.iter().copied() {
                let response = device.raw(role, number, &request);
                let is_refused = code_of(&response) == Some(Code::NotPermitted);
                assert_eq!(is_refused, !may(role), "{number:#x} as {role:?}");
                if !may(role) {
                    let truncated = device.raw(role, number, &request[..2]);
                    assert_eq!(code_of(&truncated), Some(Code::NotPermitted));
                }
            }
        }
    }
}

/// Written out a second time, from docs/commands.md.
fn callers(number: u32) -> &'static [Role] {
    match number {
        1 => &[Role::Public, Role::Daemon, Role::Administrator],
        6..=8 => &[Role::Daemon],
        2 | 4 | 5 | 9 | 0x8006 => &[Role::Daemon, Role::Administrator],
        _ => &[Role::Administrator],
    }
}

#[test]
fn erase_takes_the_own_device_id_and_leaves_nothing() {
    let mut device = Device::enrolled();
    let other = Erase { device: DeviceId([1; 16]) };
    assert_eq!(device.call(&other).err(), Some(Code::WrongDevice));
    assert_eq!(device.ptk_id(1), Ok(1), "nothing has changed");

    assert_eq!(device.erase(), Ok(()));
    assert!(device.medium().object.is_none());
    assert_eq!(device.ptk_id(1), Err(Code::WrongState));
    assert_eq!(device.receives(1), Err(Code::WrongState));
    assert_eq!(device.erase(), Ok(()), "again");

    device.install(Scope::Whole, &fixture::generations(1, &[1])).unwrap();
    assert_eq!(device.ptk_id(1), Ok(1), "a device that starts anew");
}

#[test]
fn an_erasure_blanks_the_object_before_it_goes() {
    let mut device = Device::enrolled();
    let before = device.medium().writes;
    device.erase().unwrap();
    assert_eq!(device.medium().writes, before + 3);
}

#[test]
fn refusals_are_counted_and_successes_are_not() {
    let mut device = Device::new();
    let before = device.status().refusals;
    for _ in 0..3 {
        assert!(device.ptk_id(1).is_err());
    }
    device.raw(Role::Public, 99, &[]);
    assert_eq!(device.status().refusals, before + 4);
    device.call(&Version).unwrap();
    device.call(&Marks).unwrap();
    assert_eq!(device.status().refusals, before + 4);
}

fn code_of(response: &[u8]) -> Option<Code> {
    let number: [u8; RESPONSE_HEAD] = response.try_into().ok()?;
    Code::from_number(u32::from_be_bytes(number))
}

/// A whole request, its command's number, and who may call it.
fn whole<C: Command>(command: &C) -> (Role, u32, Vec<u8>) {
    let mut request = Vec::new();
    encode_request(command, &mut request).unwrap();
    (C::CALLERS[0], C::NUMBER, request)
}

fn whole_requests() -> Vec<(Role, u32, Vec<u8>)> {
    let (group, generation) = (fixture::group_id(GROUP), fixture::generation(1));
    vec![
        whole(&Version),
        whole(&GetStatement { nonce: [1; 32] }),
        whole(&Enrol { root_key: [1; 32], manager: [2; 16] }),
        whole(&Status),
        whole(&Send { group, generation }),
        whole(&Receive { items: vec![fixture::epoch(GROUP, 1, OTHER, 1); 2] }),
        whole(&Admission { group, generation }),
        whole(&Suspend { group, on: true }),
        whole(&Revoke { group, below: generation }),
        whole(&Events { since: 0 }),
        whole(&Erase { device: DeviceId([9; 16]) }),
        whole(&SetFloor { floor: 1 }),
        whole(&Marks),
        whole(&Hkdf { len: 8, salt: &[1], ikm: &[2], info: &[3] }),
        whole(&Echo { octets: [7; Echo::LEN] }),
        whole(&Hmac { key: &[1], message: &[2] }),
        whole(&Kdf { fc: 1, key: &[2], parameters: vec![&[3], &[]] }),
        whole(&GcmOpen { key: [1; 16], nonce: [2; 12], aad: &[3], sealed: &[4; 17] }),
        whole(&HpkeOpen {
            private: [1; 32],
            public: [2; 32],
            encapsulated: [9; 32],
            info: &[3],
            aad: &[4],
            sealed: &[5; 17],
        }),
    ]
}

/// `import` and `install` are not among them, since what they bring is judged by
/// itself; nor is `panic`, which has no answer.
#[test]
fn there_is_a_whole_request_of_every_command() {
    let numbers: Vec<u32> = whole_requests().iter().map(|(_, number, _)| *number).collect();
    let all = Id::ALL.iter().map(|id| id.number()).chain(TestId::ALL.iter().map(|id| id.number()));
    let left = [Id::Import.number(), TestId::Install.number(), TestId::Panic.number()];
    let wanted: Vec<u32> = all.filter(|number| !left.contains(number)).collect();
    assert_eq!(numbers, wanted);
}

#[test]
fn an_echo_has_the_shape_of_a_receive_of_one() {
    let mut device = Device::enrolled();
    let item = fixture::epoch(GROUP, 1, OTHER, 1);
    let (role, number, receive) = whole(&Receive { items: vec![item] });
    let (_, echo_number, echo) = whole(&Echo { octets: [7; Echo::LEN] });
    assert_eq!(echo.len(), receive.len());
    let receive = device.raw(role, number, &receive);
    let echo = device.raw(role, echo_number, &echo);
    assert_eq!(echo.len(), receive.len());
    assert!(echo[RESPONSE_HEAD..].starts_with(&[7; Echo::LEN]));
}

#[test]
fn every_command_refuses_what_is_not_its_request() {
    let mut device = Device::enrolled();
    for (role, number, whole) in whole_requests() {
        for len in 0..whole.len() {
            let response = device.raw(role, number, &whole[..len]);
            assert_eq!(code_of(&response), Some(Code::Truncated), "{number:#x}, {len} octets");
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(code_of(&device.raw(role, number, &longer)), Some(Code::TrailingBytes));
        let later = [&[0, 2], &whole[2..]].concat();
        assert_eq!(code_of(&device.raw(role, number, &later)), Some(Code::UnknownVersion));
        let oversized = vec![0; limit::REQUEST_MAX + 1];
        assert_eq!(code_of(&device.raw(role, number, &oversized)), Some(Code::Oversized));
    }
    for number in [0, 13, 0x8000, 0x800b, u32::MAX] {
        assert_eq!(
            code_of(&device.raw(Role::Administrator, number, &[0, 1])),
            Some(Code::UnknownCommand)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_octets_get_exactly_one_response(
        calls in vec(
            (
                select(Role::ALL),
                select(vec![
                    1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x8001, 0x8002, 0x8004, 0x8005, 0x8006,
                    0x8007, 0x8008, 0x8009, 0x800a, 13,
                ]),
                any::<bool>(),
                vec(any::<u8>(), 0..120),
            ),
            1..20,
        ),
    ) {
        let mut device = Device::enrolled();
        for (role, number, versioned, body) in calls {
            let request = if versioned { [&[0, 1], &body[..]].concat() } else { body };
            let response = device.raw(role, number, &request);
            let success = response.starts_with(&[0; RESPONSE_HEAD]);
            prop_assert!(success || code_of(&response).is_some());
        }
    }

    #[test]
    fn a_mutated_content_is_refused_or_whole(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut octets = fixture::encoded(&fixture::generations(2, &[1, 2]));
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        let mut device = Device::enrolled();
        let before = device.status().groups;
        if device.install_octets(Scope::Whole, &octets).is_err() {
            prop_assert_eq!(device.status().groups, before);
        }
    }
}
