//! Contents: what comes of each, and that a refused one changes nothing.

use proseal_proto::content::{Content, Label};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, PgkId};
use proseal_proto::message::Outcome;
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::Scope;
use proseal_ta::kdf;
use proseal_ta::secret::GroupKey;

use crate::fixture::{self, Device, GROUP, OTHER, TIME, content, generations, group, largest, pgk};

const TEN_YEARS: u64 = 10 * 366 * 24 * 3600;

/// Refused with `code`, and neither the device nor its medium has changed.
#[track_caller]
fn refused(device: &mut Device, scope: Scope, octets: &[u8], code: Code) {
    let mut before = device.status();
    let object = device.medium().object.clone();
    assert_eq!(device.install_octets(scope, octets), Err(code));
    let after = device.status();
    before.refusals = after.refusals;
    assert_eq!(after, before);
    assert_eq!(device.medium().object, object);
}

/// A change to a content that is otherwise in order.
fn changed(sequence: u64, change: impl FnOnce(&mut Content<'static>)) -> Vec<u8> {
    let mut content = generations(sequence, &[1, 2]);
    change(&mut content);
    fixture::encoded(&content)
}

#[test]
fn a_sequence_is_taken_once_and_only_upwards() {
    let mut device = Device::new();
    assert_eq!(device.install(Scope::Whole, &generations(5, &[1])), Ok(Outcome::Applied));
    let writes = device.medium().writes;
    assert_eq!(device.install(Scope::Whole, &generations(5, &[1])), Ok(Outcome::Same));
    assert_eq!(device.install(Scope::Whole, &generations(4, &[1, 2])), Ok(Outcome::Superseded));
    assert_eq!(device.medium().writes, writes, "what changes nothing is not written");
    let other = fixture::encoded(&generations(5, &[1, 2]));
    refused(&mut device, Scope::Whole, &other, Code::SequenceConflict);
    assert_eq!(device.install(Scope::Whole, &generations(6, &[1, 2])), Ok(Outcome::Applied));
}

#[test]
fn a_held_generation_changes_its_windows_and_nothing_else() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[1, 2])).unwrap();
    let conflicts = [
        changed(2, |c| c.groups[0].pgks[0].key = fixture::key(99)),
        changed(2, |c| c.groups[0].pgks[0].id = PgkId(9)),
        changed(2, |c| c.groups[0].pgks[0].is_root = true),
        changed(2, |c| c.groups[0].pgks[0].policy.suite = Suite::ThreeGpp),
        changed(2, |c| c.groups[0].pgks[0].policy.profile = Profile::Ts33303),
        changed(2, |c| c.groups[0].pgks[0].policy.label = Label::EMPTY),
    ];
    for octets in conflicts {
        refused(&mut device, Scope::Whole, &octets, Code::GenerationConflict);
    }
    let windows = changed(2, |c| {
        c.groups[0].pgks[0].policy.not_after += 5;
        c.groups[0].pgks[0].policy.epoch_packets = 7;
    });
    device.ptk_id(1).unwrap();
    assert_eq!(device.install_octets(Scope::Whole, &windows), Ok(Outcome::Applied));
    let sent = device.send(1).unwrap();
    assert_eq!((sent.not_after, sent.epoch_packets), (TIME + 6, 7));
    assert_eq!(sent.ptk_id.get(), 2, "the counter goes on");
}

/// The device's own epochs so far must not become anyone's.
#[test]
fn the_member_id_changes_only_where_no_generation_stays() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[1])).unwrap();
    let renamed = |sequence, generation, next| {
        let mut content = generations(sequence, &[generation]);
        content.groups[0].member = fixture::member(OTHER);
        content.groups[0].next = next;
        content
    };
    for (scope, content) in [
        (Scope::Whole, renamed(2, 1, 1)),
        (Scope::Added, renamed(2, 1, 1)),
        (Scope::Added, renamed(2, 2, 1)),
    ] {
        refused(&mut device, scope, &fixture::encoded(&content), Code::MemberConflict);
    }
    assert_eq!(device.receives(1), Ok(()), "it is still member 1");
    // The old generation goes, by the number or from the list.
    let mut other = Device::new();
    other.install(Scope::Whole, &generations(1, &[1])).unwrap();
    assert_eq!(device.install(Scope::Added, &renamed(2, 2, 2)), Ok(Outcome::Applied));
    assert_eq!(other.install(Scope::Whole, &renamed(2, 2, 1)), Ok(Outcome::Applied));
    for device in [&mut device, &mut other] {
        assert_eq!(device.status().groups[0].member, fixture::member(OTHER));
    }
}

#[test]
fn what_this_device_or_build_cannot_take_is_refused() {
    let mut device = Device::new();
    let cases = [
        (changed(1, |c| c.device = DeviceId([1; 16])), Code::WrongDevice),
        (
            changed(1, |c| c.groups[0].pgks[0].policy.profile = Profile::Ts33303),
            Code::UnsupportedSuite,
        ),
        (
            changed(1, |c| {
                c.groups[0].pgks.iter_mut().for_each(|pgk| {
                    (pgk.is_root, pgk.key) = (true, fixture::key(1));
                });
            }),
            Code::KeyRepeated,
        ),
        (changed(1, |c| c.groups[0].pgks[1].id = PgkId(0x21)), Code::PgkIdClash),
        (changed(1, |c| c.groups[0].pgks[1].key = fixture::key(1)), Code::KeyRepeated),
        (changed(1, |c| c.groups.push(group(GROUP + 1, vec![pgk(1, 1)]))), Code::KeyRepeated),
        (changed(1, |c| c.groups[0].next = 2), Code::ContentMalformed),
        (changed(1, |c| c.sequence = 0), Code::ContentMalformed),
        (changed(1, |c| c.groups.push(group(GROUP - 1, vec![]))), Code::ContentMalformed),
        (changed(1, |c| c.groups[0].pgks[0].policy.not_after = TIME), Code::ContentMalformed),
        (fixture::encoded(&generations(1, &[1, 2, 3, 4, 5])), Code::TooManyPgks),
    ];
    for (octets, code) in cases {
        refused(&mut device, Scope::Whole, &octets, code);
    }
    let mut groups = largest(1);
    groups.groups.push(group(GROUP + 16, vec![]));
    refused(&mut device, Scope::Whole, &fixture::encoded(&groups), Code::TooManyGroups);
}

/// [`GROUP`] with generation 2 and the key of generation 1, which `change` may end.
fn with_the_key_of_1(sequence: u64, change: impl FnOnce(&mut Content<'static>)) -> Vec<u8> {
    let mut content = generations(sequence, &[2]);
    content.groups[0].next = 1;
    let pgk = &mut content.groups[0].pgks[0];
    pgk.key = fixture::key(1);
    pgk.policy.not_after += 10_000;
    change(&mut content);
    fixture::encoded(&content)
}

/// However it leaves: with neither salt nor generation in the derivation the
/// same octets under another entry would be the same epochs again.
#[test]
fn a_key_does_not_come_back_in_the_content_that_ends_it() {
    let by_next = |content: &mut Content<'static>| content.groups[0].next = 2;
    let to_another_group = |content: &mut Content<'static>| {
        let pgk = content.groups[0].pgks.pop().unwrap();
        content.groups[0].next = 2;
        content.groups.push(group(GROUP + 1, vec![pgk]));
    };
    let instead_of_the_group = |content: &mut Content<'static>| {
        content.groups[0].group = fixture::group_id(GROUP + 1);
    };
    // The floor, by the content itself, after generation 1's time and grace.
    let by_time = |content: &mut Content<'static>| content.time = TIME + 602;
    for (scope, octets) in [
        (Scope::Added, with_the_key_of_1(2, by_next)),
        (Scope::Whole, with_the_key_of_1(2, by_next)),
        (Scope::Whole, with_the_key_of_1(2, |_| ())),
        (Scope::Added, with_the_key_of_1(2, to_another_group)),
        (Scope::Whole, with_the_key_of_1(2, to_another_group)),
        (Scope::Whole, with_the_key_of_1(2, instead_of_the_group)),
        (Scope::Added, with_the_key_of_1(2, by_time)),
    ] {
        let mut device = Device::enrolled();
        refused(&mut device, scope, &octets, Code::KeyRepeated);
        assert_eq!(device.ptk_id(1), Ok(1), "it is still held");
    }
    // By powered time: an install is the commit that takes what has ended since.
    let mut device = Device::enrolled();
    device.pass(602);
    let octets = with_the_key_of_1(2, |_| ());
    assert_eq!(device.install_octets(Scope::Added, &octets), Err(Code::KeyRepeated));
}

/// Compared is the PGK, whichever of the two a root gives; and a root that
/// leaves does not serve a second generation either.
#[test]
fn a_root_does_not_bring_back_the_key_that_its_content_ends() {
    let rooted = |sequence, generation, key| {
        let mut content = generations(sequence, &[generation]);
        let pgk = &mut content.groups[0].pgks[0];
        (pgk.is_root, pgk.key) = (true, key);
        content
    };
    let next = rooted(2, 2, fixture::key(7));
    let mut derived = GroupKey::zero();
    let pgk = &next.groups[0].pgks[0];
    let scope = kdf::Scope::new(fixture::group_id(GROUP), pgk.generation, pgk.id, &pgk.policy);
    kdf::derive_from_root(&GroupKey::copied_from(pgk.key), &scope, derived.expose_mut()).unwrap();
    let mut first = generations(1, &[1]);
    first.groups[0].pgks[0].key = Box::leak(Box::new(*derived.expose()));
    for before in [first, rooted(1, 1, fixture::key(7))] {
        let mut device = Device::new();
        device.install(Scope::Whole, &before).unwrap();
        refused(&mut device, Scope::Whole, &fixture::encoded(&next), Code::KeyRepeated);
    }
}

/// What stays is no second entry; and what an earlier commit took is not known
/// any more (docs/commands.md, rule 6).
#[test]
fn a_key_that_stays_or_left_earlier_repeats_none() {
    let mut device = Device::enrolled();
    assert_eq!(device.install(Scope::Whole, &generations(2, &[1, 2])), Ok(Outcome::Applied));
    let mut windows = generations(3, &[1, 2]);
    windows.groups[0].pgks[0].policy.not_after += 5;
    assert_eq!(device.install(Scope::Whole, &windows), Ok(Outcome::Applied));
    assert_eq!(device.install(Scope::Whole, &generations(4, &[2, 3])), Ok(Outcome::Applied));
    let mut again = generations(5, &[2, 3, 4]);
    again.groups[0].pgks[2].key = fixture::key(1);
    assert_eq!(device.install(Scope::Whole, &again), Ok(Outcome::Applied));
}

#[test]
fn what_is_added_to_a_full_device_is_refused() {
    let mut device = Device::new();
    device.install(Scope::Whole, &largest(1)).unwrap();
    let one_group = fixture::encoded(&content(2, vec![group(GROUP + 16, vec![])]));
    refused(&mut device, Scope::Added, &one_group, Code::TooManyGroups);
    let mut one_pgk = generations(2, &[5]);
    one_pgk.groups[0].next = 1;
    one_pgk.groups[0].pgks[0].key = fixture::key(200);
    refused(&mut device, Scope::Added, &fixture::encoded(&one_pgk), Code::TooManyPgks);
}

#[test]
fn unknown_map_keys_are_refused_below_64_and_ignored_from_there() {
    let whole = fixture::encoded(&generations(1, &[1]));
    let heads = [
        0,
        whole.windows(3).position(|three| three == [5, 0x81, 0xa5]).unwrap() + 2,
        whole.windows(3).position(|three| three == [5, 0x81, 0xaf]).unwrap() + 2,
    ];
    for head in heads {
        // Each map is the last thing in the one around it.
        let with_key = |key: &[u8]| {
            let mut octets = whole.clone();
            octets[head] = if octets[head] == 0xaf { 0xb0 } else { octets[head] + 1 };
            [&octets[..], key, &[0]].concat()
        };
        let mut device = Device::new();
        refused(&mut device, Scope::Whole, &with_key(&[16]), Code::ContentMalformed);
        refused(&mut device, Scope::Whole, &with_key(&[0x18, 63]), Code::ContentMalformed);
        let ignored = with_key(&[0x18, 64]);
        assert_eq!(device.install_octets(Scope::Whole, &ignored), Ok(Outcome::Applied));
    }
}

#[test]
fn the_floor_never_goes_back_nor_far_ahead() {
    let mut device = Device::new();
    let at = |sequence, time| Content { time, ..generations(sequence, &[1]) };
    device.install(Scope::Whole, &at(1, TIME)).unwrap();
    for time in [TIME + TEN_YEARS + 1, u64::MAX] {
        refused(&mut device, Scope::Whole, &fixture::encoded(&at(2, time)), Code::TimeOutOfRange);
    }
    device.install(Scope::Whole, &at(2, 1)).unwrap();
    assert_eq!(device.status().floor, TIME);
    device.install(Scope::Whole, &at(3, TIME + TEN_YEARS)).unwrap();
    assert_eq!(device.status().floor, TIME + TEN_YEARS);
}

#[test]
fn next_ends_what_is_below_it_and_only_grows() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[1, 2])).unwrap();
    assert_eq!(device.held(), (vec![1, 2], 3));
    device.install(Scope::Added, &generations(2, &[2])).unwrap();
    assert_eq!(device.held(), (vec![2], 3));
    assert_eq!(device.ptk_id(1), Err(Code::UnknownGeneration));

    let with_next = |sequence, next| {
        let mut content = generations(sequence, &[]);
        content.groups[0].next = next;
        content
    };
    device.install(Scope::Added, &with_next(3, 100)).unwrap();
    device.install(Scope::Added, &with_next(4, 1)).unwrap();
    assert_eq!(device.held(), (vec![], 100));
    device.restart();
    assert_eq!(device.held(), (vec![], 100));
}

#[test]
fn an_entry_below_next_is_left_out_and_reported() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[5])).unwrap();
    let older = generations(2, &[3, 5, 7]);
    assert_eq!(device.install(Scope::Whole, &older), Ok(Outcome::Partly));
    assert_eq!(device.held(), (vec![5, 7], 8));
}

#[test]
fn a_removed_group_keeps_its_number() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[3])).unwrap();
    device.install(Scope::Whole, &content(2, vec![])).unwrap();
    assert_eq!(device.status().groups, []);
    assert_eq!(device.ptk_id(3), Err(Code::UnknownGroup));
    device.restart();
    assert_eq!(device.install(Scope::Whole, &generations(3, &[3])), Ok(Outcome::Partly));
    assert_eq!(device.held(), (vec![], 4));
    assert_eq!(device.install(Scope::Added, &generations(4, &[4])), Ok(Outcome::Applied));
    assert_eq!(device.ptk_id(4), Ok(1));
}

#[test]
fn at_most_32_removed_groups_are_remembered() {
    let sixteen = |sequence, first| {
        content(sequence, (first..first + 16).map(|at| group(GROUP + at, vec![])).collect())
    };
    let mut device = Device::new();
    for (sequence, first) in [(1, 0), (2, 16), (3, 32)] {
        device.install(Scope::Whole, &sixteen(sequence, first)).unwrap();
    }
    let mut fewer = sixteen(4, 32);
    fewer.groups.remove(0);
    let octets = fixture::encoded(&fewer);
    refused(&mut device, Scope::Whole, &octets, Code::TooManyRemoved);
    // One that comes back makes room for one that goes.
    fewer.groups.insert(0, group(GROUP, vec![]));
    assert_eq!(device.install(Scope::Whole, &fewer), Ok(Outcome::Applied));
}
