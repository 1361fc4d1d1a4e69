//! What outsiders and insiders cannot do.

use proseal_proto::id::{EpochSalt, MemberId};
use prosed::calls::{BURST, PER_SECOND};
use prosed::drops::DropReason;
use prosed::highwater::SENDERS;
use prosed::receive::LIVE;

use crate::forge;
use crate::link::{BAD, CLEAN, Chance};
use crate::world::{ALL, HKDF, World, group, member, policy};

fn write(world: &mut World, packets: usize) {
    for _ in 0..packets {
        world.write(0);
        world.pass(20);
    }
}

/// Whatever was delivered before the kill is not delivered again: at each moment of the
/// start of an epoch, and of the raising of its ceiling.
#[test]
fn after_a_kill_no_frame_of_the_capture_is_accepted() {
    for pair in ALL {
        for moment in 55..95 {
            let mut world = World::new(2, CLEAN, 22, &[policy(pair)]);
            for round in 0..moment {
                if round == 60 {
                    world.radios[0].station.refresh(group());
                }
                world.write(0);
                world.pass(1);
            }
            let ms = world.ms;
            let before = world.radios[1].heard.clone();
            world.radios[1].kill(ms);
            for frame in world.link.capture.clone() {
                world.radios[1].receive(ms, &frame);
            }
            // Nothing else arrives now.
            world.link.arrived(u64::MAX);
            world.pass(50);
            let twice =
                world.radios[1].heard.keys().filter(|payload| before.contains_key(*payload));
            assert_eq!(twice.count(), 0, "{pair:?}, killed at {moment}");
        }
    }
}

#[test]
fn after_a_kill_a_sender_is_heard_again_with_his_next_epoch() {
    for pair in ALL {
        let mut world = World::new(2, BAD, 23, &[policy(pair)]);
        write(&mut world, 200);
        world.radios[1].kill(world.ms);
        world.link.quality = CLEAN;
        world.radios[0].station.refresh(group());
        world.pass(100);
        world.radios[1].heard.clear();
        write(&mut world, 20);
        world.settle();
        assert_eq!(world.radios[1].heard.len(), 20, "{pair:?}");
        for frame in world.link.capture.clone() {
            world.radios[1].receive(world.ms, &frame);
        }
        world.settle();
        assert_eq!(world.radios[1].heard.len(), 20, "{pair:?}");
    }
}

#[test]
fn an_old_capture_of_senders_heard_since_is_refused_and_costs_no_call() {
    let mut world = World::new(2, CLEAN, 9, &[policy(HKDF)]);
    write(&mut world, 50);
    let old = world.link.capture.clone();
    for _ in 0..5 {
        world.radios[0].station.refresh(group());
        write(&mut world, 20);
    }
    world.settle();
    let (calls, heard) = (world.radios[1].station.receiver().calls(), world.radios[1].heard.len());
    for frame in &old {
        world.radios[1].receive(world.ms, frame);
    }
    world.settle();
    assert_eq!(world.radios[1].station.receiver().calls(), calls);
    assert_eq!(world.radios[1].heard.len(), heard);
    assert_eq!(world.radios[1].dropped(DropReason::OldEpoch), old.len() as u64);
}

#[test]
fn a_suspension_does_not_make_old_epochs_new() {
    let mut world = World::new(2, CLEAN, 19, &[policy(HKDF)]);
    write(&mut world, 30);
    world.settle();
    let capture = world.link.capture.clone();
    // The file on disk is of long ago: what was heard since must not be forgotten.
    world.radios[1].disk = prosed::highwater::file::encode(Vec::new());
    for on in [true, false] {
        world.radios[1].call(&proseal_proto::message::Suspend { group: group(), on });
        world.radios[1].configure(world.ms);
    }
    for frame in &capture {
        world.radios[1].receive(world.ms, frame);
    }
    world.settle();
    assert_eq!(world.lost(), 0);
    world.radios[0].station.refresh(group());
    write(&mut world, 1);
    world.settle();
    assert_eq!(world.lost(), 0);
    assert_eq!(prosed::highwater::file::decode(&world.radios[1].disk).unwrap().len(), 1);
}

/// Documented in docs/packet.md: of a sender who was never heard old epochs are taken,
/// until his first live frame.
#[test]
fn an_old_capture_of_a_sender_never_heard_ends_with_his_first_live_frame() {
    let mut world = World::new(2, CLEAN, 10, &[policy(HKDF)]);
    write(&mut world, 30);
    let old = world.link.capture.clone();
    world.radios[0].station.refresh(group());
    write(&mut world, 10);
    world.settle();
    world.radios[1].disk = prosed::highwater::file::encode(Vec::new());
    world.radios[1].kill(world.ms);
    for frame in &old[..20] {
        world.radios[1].receive(world.ms, frame);
        world.pass(10);
    }
    assert_eq!(world.radios[1].heard.len(), 20);
    // A live epoch, and the one before it is still open; with the next it is over.
    for _ in 0..2 {
        world.radios[0].station.refresh(group());
        write(&mut world, 5);
    }
    world.settle();
    let heard = world.radios[1].heard.len();
    for frame in &old {
        world.radios[1].receive(world.ms, frame);
    }
    world.settle();
    assert_eq!(world.radios[1].heard.len(), heard);
}

/// A flood at radio 1 of so many frames every 4 ms, while radio 0, who was heard before,
/// writes and goes over to new epochs. How many calls to the TEE there were.
fn flooded(
    world: &mut World,
    refreshes: u32,
    frames: usize,
    mut forged: impl FnMut(u32) -> Vec<u8>,
) -> u64 {
    write(world, 1);
    world.settle();
    let start = world.ms;
    for round in 0..refreshes {
        world.radios[0].station.refresh(group());
        for _ in 0..10 {
            world.write(0);
            for _ in 0..5 {
                for _ in 0..frames {
                    let frame = forged(round);
                    world.radios[1].receive(world.ms, &frame);
                }
                world.pass(4);
            }
        }
    }
    world.settle();
    assert_eq!(world.lost(), 0, "{:?}", world.radios[1].station.counters());
    let seconds = (world.ms - start) as f64 / 1_000.0;
    let most = f64::from(BURST) + seconds * f64::from(PER_SECOND);
    let calls = world.radios[1].station.receiver().calls();
    assert!(calls as f64 <= most, "{calls} calls in {seconds} s");
    calls
}

#[test]
fn random_frames_cost_no_call_and_nobody_a_packet() {
    for pair in ALL {
        let mut world = World::new(2, CLEAN, 11, &[policy(pair)]);
        let mut chance = Chance::new(12);
        let live = member(0).octets();
        let calls = flooded(&mut world, 20, 20, |_| {
            let len = 7 + chance.below(100) as usize;
            let mut frame = chance.octets(len);
            // The group and often the sender are right: they stand in clear.
            frame[0] = if chance.percent(50) { 0x12 } else { 0x10 };
            frame[1..4].copy_from_slice(&group().octets());
            if chance.percent(50) {
                frame[4..7].copy_from_slice(&live);
            }
            if frame.len() > 7 && chance.percent(80) {
                frame[7] = 1;
            }
            frame
        });
        let refused = world.radios[1].dropped(DropReason::Admission);
        if pair.0.has_salt() {
            // The sender's own epochs, and none for the flood.
            assert!(calls <= 23, "{pair:?}: {calls}");
            assert!(refused > 1_000);
        }
    }
}

#[test]
fn forged_epochs_stay_within_the_bucket_and_cost_nobody_a_packet() {
    // Under ids that nobody has, and under the live sender's across 100 of his refreshes,
    // by somebody who holds the group's admission key.
    for under_live_id in [false, true] {
        let mut world = World::new(3, CLEAN, 13, &[policy(HKDF)]);
        let admission = forge::admission(&mut world.radios[2]);
        let layout = world.layout;
        let mut chance = Chance::new(14);
        let calls = flooded(&mut world, 100, if under_live_id { 2 } else { 20 }, |round| {
            let (sender, ptk_id) = match under_live_id {
                true => (member(0), 2 + round as u16 + chance.below(2) as u16),
                false => (MemberId::new(1_000 + chance.below(1 << 20) as u32).unwrap(), 1),
            };
            let salt = EpochSalt(chance.octets(8).try_into().unwrap());
            let header = forge::announced(&admission, forge::header(sender, ptk_id, 1), salt);
            forge::unprotected(&header, layout, &chance.octets(70))
        });
        assert!(calls > 100, "the flood was none");
        let drops = &world.radios[1].station.counters().drops;
        assert!(drops.of(DropReason::NotAuthentic) > 1_000, "{drops:?}");
    }
}

#[test]
fn without_an_admission_key_a_forged_epoch_costs_no_call() {
    let mut world = World::new(3, CLEAN, 15, &[policy(HKDF)]);
    let admission = prosed::admission::Admission::new(&proseal_proto::key::AdmissionKey::zero());
    let (admission, layout) = (admission.unwrap(), world.layout);
    let mut chance = Chance::new(16);
    let calls = flooded(&mut world, 20, 20, |round| {
        let salt = EpochSalt(chance.octets(8).try_into().unwrap());
        let header = forge::header(member(0), 2 + round as u16, 1);
        let header = forge::announced(&admission, header, salt);
        forge::unprotected(&header, layout, &chance.octets(70))
    });
    assert!(calls <= 23, "{calls}");
    assert_eq!(world.radios[1].dropped(DropReason::NotAuthentic), 0);
}

#[test]
fn replayed_frames_are_dropped_and_cost_no_call() {
    let mut world = World::new(2, CLEAN, 17, &[policy(HKDF)]);
    write(&mut world, 200);
    let capture = world.link.capture.clone();
    let mut at = 0;
    let calls = flooded(&mut world, 20, 20, |_| {
        at += 1;
        capture[at % capture.len()].clone()
    });
    assert!(calls <= 23, "{calls}");
}

#[test]
fn no_more_senders_are_remembered_than_there_is_room_for() {
    let mut world = World::new(2, CLEAN, 18, &[policy(HKDF)]);
    let layout = world.layout;
    let admission = forge::admission(&mut world.radios[0]);
    let salt = EpochSalt([7; 8]);
    // Somebody in the group impersonates everyone.
    for number in 0..SENDERS as u32 + 10 {
        let sender = MemberId::new(10_000 + number).unwrap();
        let header = forge::announced(&admission, forge::header(sender, 1, 1), salt);
        let (insider, ms) = (&mut world.radios[0], world.ms);
        let frame = forge::protected(insider, &header, salt, layout, b"x");
        world.radios[1].receive(ms, &frame);
        if number % 16 == 15 {
            world.pass(60);
        }
    }
    world.settle();
    assert_eq!(world.radios[1].heard.len(), SENDERS);
    assert_eq!(world.radios[1].dropped(DropReason::TooManySenders), 10);
    assert_eq!(prosed::highwater::file::decode(&world.radios[1].disk).unwrap().len(), SENDERS);
}

/// While the high-water of a new epoch is written its frames wait. Copies of one of them do
/// not take the others' room.
#[test]
fn copies_of_a_waiting_frame_cost_nobody_a_packet() {
    let mut world = World::new(2, CLEAN, 20, &[policy(HKDF)]);
    write(&mut world, 1);
    world.settle();
    world.radios[0].station.refresh(group());
    world.radios[1].disk_full = true;
    write(&mut world, 20);
    let first = world.link.capture[world.link.capture.len() - 20].clone();
    for _ in 0..5_000 {
        world.radios[1].receive(world.ms, &first);
    }
    write(&mut world, 1_000);
    assert_eq!(world.radios[1].station.receiver().waiting(), 1_020);
    world.radios[1].disk_full = false;
    world.settle();
    assert_eq!(world.lost(), 0);
    assert_eq!(world.radios[1].dropped(DropReason::Replayed), 5_000);
}

#[test]
fn beyond_4096_epochs_whoever_was_not_heard_for_longest_is_as_after_a_restart() {
    let mut world = World::new(2, CLEAN, 21, &[policy(HKDF)]);
    let layout = world.layout;
    let admission = forge::admission(&mut world.radios[0]);
    let sender = |number: usize| MemberId::new(10_000 + number as u32).unwrap();
    let frame = |world: &mut World, number, ptk_id, sn| {
        let salt = EpochSalt([ptk_id as u8; 8]);
        let header = forge::announced(&admission, forge::header(sender(number), ptk_id, sn), salt);
        let payload = format!("{number} {ptk_id} {sn}").into_bytes();
        forge::protected(&mut world.radios[0], &header, salt, layout, &payload)
    };
    let receive = |world: &mut World, octets: &[u8]| {
        let (ms, before) = (world.ms, world.radios[1].heard.len());
        world.radios[1].receive(ms, octets);
        world.pass(60);
        world.radios[1].heard.len() - before
    };
    // Two epochs of each are held: one sender more than there is room for.
    let senders = LIVE / 2 + 1;
    let batches = (1..senders).step_by(16).map(|first| first..senders.min(first + 16));
    for batch in std::iter::once(0..1).chain(batches) {
        for ptk_id in [1, 2] {
            for number in batch.clone() {
                let octets = frame(&mut world, number, ptk_id, 1);
                let ms = world.ms;
                world.radios[1].receive(ms, &octets);
            }
            world.pass(60);
        }
    }
    assert_eq!(world.radios[1].heard.len(), 2 * senders);
    let calls = world.radios[1].station.receiver().calls();
    // The first has made room. Nothing of his is taken twice, and he is heard again above his ceiling.
    for ptk_id in [1, 2] {
        let octets = frame(&mut world, 0, ptk_id, 1);
        assert_eq!(receive(&mut world, &octets), 0);
    }
    assert_eq!(world.radios[1].dropped(DropReason::OldEpoch), 1);
    assert_eq!(world.radios[1].dropped(DropReason::BelowCeiling), 1);
    assert_eq!(world.radios[1].station.receiver().calls(), calls);
    let octets = frame(&mut world, 0, 2, 500);
    assert_eq!(receive(&mut world, &octets), 1);
    assert_eq!(world.radios[1].station.receiver().calls(), calls + 1);
    // The last ones have not: their windows are open, and closed to what they have seen.
    let octets = frame(&mut world, senders - 1, 2, 2);
    assert_eq!((receive(&mut world, &octets), receive(&mut world, &octets)), (1, 0));
    assert_eq!(world.radios[1].dropped(DropReason::Replayed), 1);
    assert_eq!(world.radios[1].station.receiver().calls(), calls + 1);
}
