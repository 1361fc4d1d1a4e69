//! Controls: wrong answers, and wrong courses, that the comparison must find.

use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::message::{
    AdmissionReply, DeviceState, Event, EventKind, EventsReply, Outcome, PgkState, ReceiveReply,
    SendReply, StatusReply,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;

use crate::answer::answer;
use crate::ask::{Ask, Expected, Heard, Start};
use crate::chance::every;
use crate::compare::compare;
use crate::derive::{self, Epoch};
use crate::device::Actual;
use crate::findings::content;
use crate::store::{Disk, Store, Weather};
use crate::world::World;

const SALT: [u8; 8] = [9; 8];
const START: Start = Start { nonce: Some([3; 32]), stale: [0; 32], refusals: 2 };

/// A device with one PGK, and what is right to answer it.
fn expected(ask: &Ask, role: Role) -> Expected {
    let mut world = installed();
    one(&mut world, ask, role)
}

fn installed() -> World {
    let mut world = World::start(Disk::Nothing);
    let ask = Ask::Install { whole: true, content: content(1, 1) };
    let outcome = one(&mut world, &ask, Role::Administrator);
    assert!(matches!(outcome, Expected::Outcome(Outcome::Applied)));
    world
}

fn one(world: &mut World, ask: &Ask, role: Role) -> Expected {
    let before = world.clone();
    let mut courses = every(|chance| {
        let mut world = before.clone();
        let expected = answer(&mut world, ask, role, &Weather::default(), &START, chance);
        (world, expected)
    });
    assert_eq!(courses.len(), 1, "where nothing fails there is one course");
    let (after, expected) = courses.remove(0);
    *world = after;
    expected
}

#[track_caller]
fn right(expected: &Expected, actual: &Actual) {
    assert_eq!(compare(expected, actual, &START), Ok(()));
}

#[track_caller]
fn wrong(expected: &Expected, actual: &Actual) {
    assert!(compare(expected, actual, &START).is_err(), "a wrong answer passes");
}

fn pair((ik, ck): derive::Keys) -> KeyPair {
    let mut pair = KeyPair::zero();
    *pair.ik.expose_mut() = ik;
    *pair.ck.expose_mut() = ck;
    pair
}

fn keys(epoch: Epoch) -> derive::Keys {
    let policy = derive::Policy {
        profile: 1,
        suite: 1,
        group: 7,
        generation: 1,
        pgk_id: 1,
        label: "field".to_owned(),
    };
    derive::keys(&[1; 32], &policy, &epoch)
}

fn sent(change: impl FnOnce(&mut SendReply)) -> Actual {
    let mut reply = SendReply {
        generation: Generation::new(1).unwrap(),
        pgk_id: PgkId(1),
        member: MemberId::new(1).unwrap(),
        ptk_id: PtkId::new(1).unwrap(),
        salt: EpochSalt(SALT),
        suite: Suite::Aead,
        not_after: 5000,
        epoch_s: 60,
        epoch_packets: 1000,
        keys: pair(keys(Epoch { sender: 1, ptk_id: 1, salt: SALT })),
    };
    change(&mut reply);
    Actual::Sent(reply)
}

#[test]
fn a_wrong_epoch_is_found() {
    let expected = expected(&Ask::Send { group: 7, generation: 1 }, Role::Daemon);
    right(&expected, &sent(|_| ()));
    wrong(&expected, &sent(|reply| reply.generation = Generation::new(2).unwrap()));
    wrong(&expected, &sent(|reply| reply.pgk_id = PgkId(2)));
    wrong(&expected, &sent(|reply| reply.member = MemberId::new(2).unwrap()));
    wrong(&expected, &sent(|reply| reply.ptk_id = PtkId::new(65).unwrap()));
    wrong(&expected, &sent(|reply| reply.salt = EpochSalt([0; 8])));
    wrong(&expected, &sent(|reply| reply.suite = Suite::Integrity));
    wrong(&expected, &sent(|reply| reply.not_after += 1));
    wrong(&expected, &sent(|reply| reply.epoch_s -= 1));
    wrong(&expected, &sent(|reply| reply.epoch_packets += 1));
    wrong(&expected, &sent(|reply| reply.keys.ik.expose_mut()[31] ^= 1));
    wrong(&expected, &sent(|reply| reply.keys.ck.expose_mut()[0] ^= 0x80));
    wrong(&expected, &Actual::Refused(Code::Suspended));
    wrong(&expected, &Actual::Nothing);
}

#[test]
fn wrong_keys_to_receive_with_are_found() {
    let epoch = |sender| Epoch { sender, ptk_id: 5, salt: SALT };
    let heard = |sender| Heard { group: 7, generation: 1, epoch: epoch(sender) };
    let expected = expected(&Ask::Receive(vec![heard(2), heard(1)]), Role::Daemon);
    let received = |items| Actual::Received(ReceiveReply { items });
    let good = || Ok(pair(keys(epoch(2))));
    right(&expected, &received(vec![good(), Err(Code::OwnMember)]));
    wrong(&expected, &received(vec![good()]));
    wrong(&expected, &received(vec![Err(Code::OwnMember), good()]));
    wrong(&expected, &received(vec![good(), Ok(pair(keys(epoch(1))))]));
    wrong(&expected, &received(vec![good(), Err(Code::UnknownGroup)]));
    wrong(&expected, &received(vec![Ok(pair(keys(epoch(3)))), Err(Code::OwnMember)]));
}

#[test]
fn a_wrong_admission_key_is_found() {
    let expected = expected(&Ask::Admission { group: 7, generation: 1 }, Role::Daemon);
    let Expected::Admission(right_one) = expected else { panic!("an admission key") };
    let admission = |change: fn(&mut [u8; 16])| {
        let mut key = AdmissionKey::zero();
        *key.expose_mut() = right_one;
        change(key.expose_mut());
        Actual::Admission(AdmissionReply { key })
    };
    right(&expected, &admission(|_| ()));
    wrong(&expected, &admission(|key| key[15] ^= 1));
    wrong(&expected, &Actual::Refused(Code::NoAdmissionKey));
}

#[test]
fn a_wrong_status_is_found() {
    let expected = expected(&Ask::Status, Role::Daemon);
    let Expected::Status(reply) = &expected else { panic!("a status") };
    let right_one = StatusReply { start_nonce: [3; 32], refusals: 2, ..reply.clone() };
    let status = |change: fn(&mut StatusReply)| {
        let mut reply = right_one.clone();
        change(&mut reply);
        Actual::Status(reply)
    };
    right(&expected, &status(|_| ()));
    wrong(&expected, &status(|reply| reply.state = DeviceState::Factory));
    wrong(&expected, &status(|reply| reply.floor -= 1));
    wrong(&expected, &status(|reply| reply.unsynced_s += 1));
    wrong(&expected, &status(|reply| reply.sequence += 1));
    wrong(&expected, &status(|reply| reply.start_nonce[0] ^= 1));
    wrong(&expected, &status(|reply| reply.refusals -= 1));
    wrong(&expected, &status(|reply| drop(reply.groups.pop())));
    wrong(&expected, &status(|reply| reply.groups[0].next = 1));
    wrong(&expected, &status(|reply| reply.groups[0].suspended = true));
    wrong(&expected, &status(|reply| reply.groups[0].may_send = false));
    wrong(&expected, &status(|reply| reply.groups[0].pgks.clear()));
    wrong(&expected, &status(|reply| reply.groups[0].pgks[0].state = PgkState::ReceiveOnly));
    wrong(&expected, &status(|reply| reply.groups[0].pgks[0].epochs_left -= 1));
    wrong(&expected, &status(|reply| reply.groups[0].pgks[0].rollback_unprotected = true));
    wrong(&expected, &status(|reply| reply.groups[0].pgks[0].profile = Profile::Ts33303));
}

#[test]
fn wrong_events_are_found() {
    let expected = expected(&Ask::Events { since: 0 }, Role::Administrator);
    let event = Event {
        number: 0,
        kind: EventKind::Installed,
        group: GroupId::new(7).unwrap(),
        generation: 1,
        floor: 2000,
    };
    let events = |next, events| Actual::Events(EventsReply { next, events });
    right(&expected, &events(1, vec![event]));
    wrong(&expected, &events(1, vec![]));
    wrong(&expected, &events(0, vec![event]));
    wrong(&expected, &events(2, vec![event, Event { number: 1, ..event }]));
    wrong(&expected, &events(1, vec![Event { number: 1, ..event }]));
    wrong(&expected, &events(1, vec![Event { kind: EventKind::Removed, ..event }]));
    wrong(&expected, &events(1, vec![Event { floor: 0, ..event }]));
}

#[test]
fn a_wrong_refusal_or_outcome_is_found() {
    let refused = expected(&Ask::Suspend { group: 8, on: true }, Role::Daemon);
    right(&refused, &Actual::Refused(Code::UnknownGroup));
    wrong(&refused, &Actual::Refused(Code::NotPermitted));
    wrong(&refused, &Actual::Done);
    let same = Ask::Install { whole: true, content: content(1, 1) };
    let same = expected(&same, Role::Administrator);
    right(&same, &Actual::Outcome(Outcome::Same));
    wrong(&same, &Actual::Outcome(Outcome::Applied));
    let done = expected(&Ask::Revoke { group: 7, below: 2 }, Role::Administrator);
    right(&done, &Actual::Done);
    wrong(&done, &Actual::Refused(Code::AboveNext));
}

/// A revocation whose write is reported as failed is on the disk or is not:
/// after a restart two states are right, and no third one, no mixture.
#[test]
fn after_a_write_that_failed_only_the_old_and_the_new_are_right() {
    let world = installed();
    let weather = Weather { store: Store::Fails, ..Weather::default() };
    let revoke = Ask::Revoke { group: 7, below: 2 };
    let courses = every(|chance| {
        let mut world = world.clone();
        let expected = answer(&mut world, &revoke, Role::Administrator, &weather, &START, chance);
        assert!(matches!(expected, Expected::Refused(codes) if codes == [Code::StoreFailed]));
        let mut after = World::start(world.disk);
        one(&mut after, &Ask::Status, Role::Daemon)
    });
    let held: Vec<usize> = courses
        .iter()
        .map(|course| match course {
            Expected::Status(reply) => reply.groups[0].pgks.len(),
            _ => panic!("a status"),
        })
        .collect();
    assert_eq!(held, [1, 0], "the old state, the new");
    // Revoked, and its number is another: a mixture.
    let Expected::Status(reply) = &courses[1] else { panic!("a status") };
    let mut mixed = StatusReply { start_nonce: [3; 32], refusals: 2, ..reply.clone() };
    mixed.groups[0].next = 1;
    for course in &courses {
        wrong(course, &Actual::Status(mixed.clone()));
    }
}
