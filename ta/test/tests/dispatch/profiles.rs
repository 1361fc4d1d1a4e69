//! Profiles, through the dispatcher: which pairs come in, what a profile
//! without a salt asks of storage and of callers, and the admission key.

use proseal_proto::command::{Command, RESPONSE_HEAD, encode_request};
use proseal_proto::content::{Content, Label};
use proseal_proto::error::Code;
use proseal_proto::id::EpochSalt;
use proseal_proto::message::{Admission, Outcome, Receive, ReceiveItem};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;
use proseal_proto::test_command::Scope;
use proseal_ta::sim::Fault;

use crate::fixture::{self, Device, GROUP, MEMBER, OTHER, generations};

/// Octets of one epoch's keys, or of its refusal, in the reply to `receive`.
const ITEM: usize = 4 + 64;

/// [`GROUP`] with one generation, of this profile and suite, without a label.
fn of(profile: Profile, suite: Suite) -> Content<'static> {
    let mut content = generations(1, &[1]);
    let policy = &mut content.groups[0].pgks[0].policy;
    (policy.profile, policy.suite, policy.label) = (profile, suite, Label::EMPTY);
    content
}

fn ts33303() -> Content<'static> {
    of(Profile::Ts33303, Suite::ThreeGpp)
}

fn device_with(content: &Content<'static>) -> Device {
    let mut device = Device::new();
    assert_eq!(device.install(Scope::Whole, content), Ok(Outcome::Applied));
    device
}

fn unsalted(generation: u64, ptk_id: u16) -> ReceiveItem {
    ReceiveItem { salt: EpochSalt::NONE, ..fixture::epoch(GROUP, generation, OTHER, ptk_id) }
}

/// Written out a second time, from docs/derivation.md.
#[test]
fn each_allowed_pair_is_taken_and_every_other_refused() {
    let allowed = [(1, 1), (1, 2), (1, 3), (2, 3)];
    for profile in 0..=4_u8 {
        for suite in 0..=5_u8 {
            let mut octets = fixture::encoded(&of(Profile::HkdfSha256, Suite::Aead));
            // Keys 7 and 8 of the one PGK, with the label's key behind them.
            let at = octets.windows(5).position(|five| five == [7, 1, 8, 1, 9]).unwrap();
            (octets[at + 1], octets[at + 3]) = (profile, suite);
            let wanted = if allowed.contains(&(profile, suite)) {
                Ok(Outcome::Applied)
            } else if (1..=2).contains(&profile) {
                Err(Code::UnsupportedSuite)
            } else {
                Err(Code::UnsupportedProfile)
            };
            let mut device = Device::new();
            let outcome = device.install_octets(Scope::Whole, &octets);
            assert_eq!(outcome, wanted, "profile {profile}, suite {suite}");
            if outcome.is_ok() {
                let pgk = &device.status().groups[0].pgks[0];
                assert_eq!((pgk.profile.number(), pgk.suite.number()), (profile, suite));
            }
        }
    }
}

/// What an operator sets is never without effect.
#[test]
fn a_label_comes_in_only_where_it_makes_a_difference() {
    let labelled = |is_root| {
        let mut content = ts33303();
        content.groups[0].pgks[0].policy.label = Label::new("north").unwrap();
        content.groups[0].pgks[0].is_root = is_root;
        content
    };
    let mut device = Device::new();
    assert_eq!(device.install(Scope::Whole, &labelled(false)), Err(Code::LabelUnused));
    assert!(device.status().groups.is_empty());

    // The root step has it.
    let keys_of = |content: &Content<'static>| {
        let mut reply = device_with(content).receive(vec![unsalted(1, 1)]).unwrap();
        *reply.remove(0).ok().unwrap().ck.expose()
    };
    let mut unlabelled = labelled(true);
    unlabelled.groups[0].pgks[0].policy.label = Label::EMPTY;
    assert_ne!(keys_of(&labelled(true)), keys_of(&unlabelled));
}

#[test]
fn without_a_salt_sending_is_for_storage_that_cannot_be_rolled_back() {
    for (level, accepts, unprotected) in [
        (0, false, true),
        (100, false, true),
        (999, false, true),
        (1000, false, false),
        (u16::MAX, false, false),
        (0, true, false),
        (100, true, false),
    ] {
        let mut content = ts33303();
        content.groups[0].pgks[0].policy.accept_rollback = accepts;
        let mut device = device_with(&content);
        device.medium().rollback_protection = level;
        let wanted = if unprotected { Err(Code::RollbackUnprotected) } else { Ok(1) };
        assert_eq!(device.ptk_id(1), wanted, "level {level}, accepted {accepts}");
        assert_eq!(device.status().groups[0].pgks[0].rollback_unprotected, unprotected);
        let left = if unprotected { u16::MAX } else { u16::MAX - 1 };
        assert_eq!(device.status().groups[0].pgks[0].epochs_left, left);
        // Receiving is not touched by it.
        assert!(device.receive(vec![unsalted(1, 1)]).unwrap()[0].is_ok());
    }
}

#[test]
fn a_profile_with_a_salt_asks_nothing_of_the_storage() {
    let mut device = Device::enrolled();
    assert_eq!(device.ptk_id(1), Ok(1));
    assert!(!device.status().groups[0].pgks[0].rollback_unprotected);
}

/// Sender and receiver are two devices with one PGK.
#[test]
fn an_epoch_without_salt_is_the_same_for_sender_and_receiver() {
    let mut content = ts33303();
    let mut sender = device_with(&content);
    sender.medium().rollback_protection = 1000;
    content.groups[0].member = fixture::member(OTHER);
    let mut receiver = device_with(&content);
    for ptk_id in 1..=2 {
        let sent = sender.send(1).unwrap();
        assert_eq!((sent.ptk_id.get(), sent.salt), (ptk_id, EpochSalt::NONE));
        let mut item = fixture::epoch(GROUP, 1, MEMBER, ptk_id);
        item.salt = EpochSalt::NONE;
        let reply = receiver.receive(vec![item]).unwrap();
        let keys = reply[0].as_ref().ok().unwrap();
        assert_eq!(keys.ik.expose(), sent.keys.ik.expose());
        assert_eq!(keys.ck.expose(), sent.keys.ck.expose());
        assert_eq!(keys.ck.expose()[16..], [0; 16], "128 bits, left-aligned");
    }
}

/// Nothing but the octets tells two PGKs apart: under a later generation they
/// give the epochs of before. The content that ends the one cannot bring the
/// other; what an earlier commit took is for the manager to know.
#[test]
fn without_a_salt_the_same_octets_are_the_same_epochs() {
    let again = |sequence, generation| {
        let mut content = ts33303();
        content.sequence = sequence;
        content.groups[0].next = generation;
        content.groups[0].pgks[0].generation = fixture::generation(generation);
        content.groups[0].pgks[0].policy.accept_rollback = true;
        content
    };
    let mut device = device_with(&again(1, 1));
    let first = device.send(1).unwrap();
    for scope in [Scope::Whole, Scope::Added] {
        assert_eq!(device.install(scope, &again(2, 2)), Err(Code::KeyRepeated));
    }
    device.revoke(2).unwrap();
    assert_eq!(device.install(Scope::Whole, &again(2, 2)), Ok(Outcome::Applied));
    let second = device.send(2).unwrap();
    assert_eq!((second.ptk_id, second.salt), (first.ptk_id, first.salt));
    assert_eq!(second.keys.ck.expose(), first.keys.ck.expose());
}

/// The octets of the reply to `receive`, item by item.
fn received(device: &mut Device, items: Vec<ReceiveItem>) -> Vec<Vec<u8>> {
    let mut request = Vec::new();
    encode_request(&Receive { items }, &mut request).unwrap();
    let response = device.raw(Role::Daemon, 7, &request);
    let (head, items) = response.split_at(RESPONSE_HEAD + 2);
    assert!(head.starts_with(&[0; RESPONSE_HEAD]));
    items.chunks(ITEM).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_salt_where_there_is_none_is_refused_alone() {
    let mut device = device_with(&ts33303());
    let items = [unsalted(1, 1), unsalted(1, 2), unsalted(1, 3)];
    let good = received(&mut device, items.to_vec());
    for at in 0..8 {
        let mut salted = items;
        salted[1].salt.0[at] = 1;
        let answers = received(&mut device, salted.to_vec());
        assert_eq!((&answers[0], &answers[2]), (&good[0], &good[2]), "the neighbours'");
        assert_eq!(answers[1][..4], Code::OutOfRange.number().to_be_bytes());
        assert_eq!(answers[1][4..], [0; 64]);
    }
}

/// Every kind of refusal, between keys that it does not touch.
#[test]
fn a_bad_item_of_a_batch_changes_no_neighbour() {
    let mut content = of(Profile::HkdfSha256, Suite::ThreeGpp);
    let mut other = fixture::group(GROUP + 1, vec![fixture::pgk(1, 9)]);
    let policy = &mut other.pgks[0].policy;
    (policy.profile, policy.suite) = (Profile::Ts33303, Suite::ThreeGpp);
    policy.label = Label::EMPTY;
    content.groups.push(other);
    let mut device = device_with(&content);
    let good = |ptk_id| fixture::epoch(GROUP, 1, OTHER, ptk_id);
    let unsalted = ReceiveItem { group: fixture::group_id(GROUP + 1), ..unsalted(1, 1) };
    let alone: Vec<_> = [good(1), good(2), unsalted]
        .into_iter()
        .map(|item| received(&mut device, vec![item]).remove(0))
        .collect();
    for (bad, code) in [
        (fixture::epoch(GROUP + 2, 1, OTHER, 1), Code::UnknownGroup),
        (fixture::epoch(GROUP, 2, OTHER, 1), Code::UnknownGeneration),
        (fixture::epoch(GROUP, 1, MEMBER, 1), Code::OwnMember),
        (fixture::epoch(GROUP + 1, 1, OTHER, 1), Code::OutOfRange),
    ] {
        let answers = received(&mut device, vec![bad, good(1), bad, good(2), unsalted, bad]);
        for at in [0, 2, 5] {
            assert_eq!(answers[at][..4], code.number().to_be_bytes());
            assert_eq!(answers[at][4..], [0; 64]);
        }
        assert_eq!([&answers[1], &answers[3], &answers[4]], [&alone[0], &alone[1], &alone[2]]);
    }
}

fn admission(device: &mut Device, group: u32, generation: u64) -> Result<[u8; 16], Code> {
    let (group, generation) = (fixture::group_id(group), fixture::generation(generation));
    device.call(&Admission { group, generation }).map(|reply| *reply.key.expose())
}

#[test]
fn an_admission_key_is_one_for_the_whole_pgk_and_no_other() {
    let mut content = generations(1, &[1, 2]);
    content.groups.push(fixture::group(GROUP + 1, vec![fixture::pgk(1, 9)]));
    let mut device = device_with(&content);
    let first = admission(&mut device, GROUP, 1).unwrap();
    device.ptk_id(1).unwrap();
    assert_eq!(device.receives(1), Ok(()));
    assert_eq!(admission(&mut device, GROUP, 1), Ok(first), "whatever came between");
    device.restart();
    assert_eq!(admission(&mut device, GROUP, 1), Ok(first), "and after a restart");
    assert_ne!(admission(&mut device, GROUP, 2), Ok(first));
    assert_ne!(admission(&mut device, GROUP + 1, 1), Ok(first));
}

/// The same PGK under another generation, PGK Id, label, suite or group has
/// another admission key.
#[test]
fn an_admission_key_is_bound_to_all_that_names_its_pgk() {
    let with = |change: fn(&mut Content<'static>)| {
        let mut content = of(Profile::HkdfSha256, Suite::Aead);
        change(&mut content);
        let name = &content.groups[0];
        let (group, generation) = (name.group, name.pgks[0].generation);
        let reply = device_with(&content).call(&Admission { group, generation });
        *reply.ok().unwrap().key.expose()
    };
    let keys = [
        with(|_| {}),
        with(|c| c.groups[0].pgks[0].generation = fixture::generation(2)),
        with(|c| c.groups[0].pgks[0].id.0 = 9),
        with(|c| c.groups[0].pgks[0].policy.label = Label::new("north").unwrap()),
        with(|c| c.groups[0].pgks[0].policy.suite = Suite::Integrity),
        with(|c| c.groups[0].pgks[0].policy.suite = Suite::ThreeGpp),
        with(|c| c.groups[0].group = fixture::group_id(GROUP + 1)),
        with(|c| c.groups[0].pgks[0].key = fixture::key(9)),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "key {at} is not new");
    }
    assert_eq!(with(|c| c.groups[0].member = fixture::member(OTHER)), keys[0], "one for all");
}

#[test]
fn admission_names_what_it_lacks() {
    let mut device = Device::new();
    assert_eq!(admission(&mut device, GROUP, 1), Err(Code::WrongState));
    let mut content = generations(1, &[1]);
    content.groups[0].may_send = false;
    device.install(Scope::Whole, &content).unwrap();
    assert!(admission(&mut device, GROUP, 1).is_ok(), "receivers have it too");
    assert_eq!(admission(&mut device, GROUP + 1, 1), Err(Code::UnknownGroup));
    assert_eq!(admission(&mut device, GROUP, 2), Err(Code::UnknownGeneration));
    device.suspend(true).unwrap();
    assert_eq!(admission(&mut device, GROUP, 1), Err(Code::Suspended));
    device.suspend(false).unwrap();
    assert!(admission(&mut device, GROUP, 1).is_ok());
    assert_eq!(admission(&mut device_with(&ts33303()), GROUP, 1), Err(Code::NoAdmissionKey));
}

/// The admission key ends with its PGK, not before and not after.
#[test]
fn an_admission_key_lives_as_long_as_its_pgk() {
    let mut device = Device::enrolled();
    // Past not_after, within the receive grace.
    device.pass(2);
    assert_eq!(device.ptk_id(1), Err(Code::ReceiveOnly));
    assert!(admission(&mut device, GROUP, 1).is_ok());
    device.fault(Fault::WriteFails);
    device.pass(600);
    assert_eq!(admission(&mut device, GROUP, 1), Err(Code::GenerationEnded), "not erased yet");
    device.fault(Fault::None);
    // The erasure is tried again after a minute.
    device.pass(60);
    assert_eq!(admission(&mut device, GROUP, 1), Err(Code::UnknownGeneration));

    let mut device = device_with(&generations(1, &[1]));
    assert!(admission(&mut device, GROUP, 1).is_ok());
    device.revoke(2).unwrap();
    assert_eq!(admission(&mut device, GROUP, 1), Err(Code::UnknownGeneration));
}

/// The response has the code and what was asked for, and not an octet more.
#[test]
fn no_response_has_more_than_was_asked() {
    let mut device = Device::enrolled();
    let (group, generation) = (fixture::group_id(GROUP), fixture::generation(1));
    let command = Admission { group, generation };
    let mut request = Vec::new();
    encode_request(&command, &mut request).unwrap();
    assert_eq!(command.response_max(), RESPONSE_HEAD + 16);
    assert_eq!(device.raw(Role::Daemon, 8, &request).len(), RESPONSE_HEAD + 16);
    for count in [1, 2, 64] {
        let items = vec![fixture::epoch(GROUP, 1, OTHER, 1); count];
        assert_eq!(received(&mut device, items).concat().len(), count * ITEM);
    }
}
