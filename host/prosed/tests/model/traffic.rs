//! What holds while nobody attacks.

use proseal_proto::message::Suspend;
use prosed::drops::DropReason;
use prosed::event::Event;

use crate::link::{BAD, CLEAN};
use crate::world::{ALL, HKDF, World, content, generation, group, member, pgk, policy};

/// All write 5 packets a second, and go over to a new epoch now and then.
fn talk(world: &mut World, rounds: u32, refresh_every: u32) {
    let radios = world.radios.len();
    for round in 0..rounds {
        for from in 0..radios {
            if (round + from as u32).is_multiple_of(refresh_every) {
                assert!(world.radios[from].station.refresh(group()));
            }
            world.write(from);
            world.pass(200 / radios as u64);
        }
    }
    world.settle();
}

#[test]
fn on_a_clean_link_nothing_is_lost_through_refreshes() {
    for pair in ALL {
        let mut world = World::new(4, CLEAN, 1, &[policy(pair)]);
        talk(&mut world, 300, 25);
        assert_eq!(world.lost(), 0, "{pair:?}");
        for radio in &world.radios {
            assert_eq!(radio.station.counters().drops.total(), 0, "{pair:?}");
            assert_eq!(radio.events, [], "{pair:?}");
        }
    }
}

#[test]
fn epochs_end_by_packets_and_by_time_and_nothing_is_lost() {
    for pair in ALL {
        let by_packets = proseal_proto::content::Policy { epoch_packets: 20, ..policy(pair) };
        let by_time = proseal_proto::content::Policy { epoch_s: 2, ..policy(pair) };
        for policy in [by_packets, by_time] {
            let mut world = World::new(3, CLEAN, 2, &[policy]);
            talk(&mut world, 200, u32::MAX);
            assert_eq!(world.lost(), 0, "{pair:?}");
            let (_, ptk_id, _) = world.radios[0].station.in_use(group()).unwrap();
            assert!(ptk_id.get() >= 10, "{pair:?}: {ptk_id}");
        }
    }
}

#[test]
fn on_a_bad_link_nothing_comes_twice_and_little_is_lost() {
    for pair in ALL {
        for seed in 1..4 {
            let mut world = World::new(4, BAD, seed, &[policy(pair)]);
            talk(&mut world, 300, 25);
            // 3,600 frames should arrive, of which the link lost 5 in 100.
            let lost = world.lost();
            assert!((100..400).contains(&lost), "{pair:?}: {lost} lost");
            let replayed = world.radios.iter().map(|radio| radio.dropped(DropReason::Replayed));
            assert!(replayed.sum::<u64>() > 100);
        }
    }
}

#[test]
fn epochs_that_follow_faster_than_the_disk_writes_lose_nothing() {
    for pair in ALL {
        let mut world = World::new(2, CLEAN, 21, &[policy(pair)]);
        for _ in 0..50 {
            world.radios[0].station.refresh(group());
            // More than all that are announced.
            for _ in 0..12 {
                world.write(0);
                if world.written[&0].len().is_multiple_of(4) {
                    world.pass(1);
                }
            }
        }
        world.settle();
        let drops: Vec<_> =
            world.radios[1].station.counters().drops.iter().filter(|d| d.1 > 0).collect();
        assert_eq!(world.lost(), 0, "{pair:?} {drops:?}");
    }
}

#[test]
fn a_late_entrant_catches_up_within_a_second_of_traffic() {
    let mut world = World::new(2, CLEAN, 3, &[policy(HKDF)]);
    for _ in 0..100 {
        world.write(0);
        world.pass(20);
    }
    world.settle();
    world.radios[1].disk = prosed::highwater::file::encode(Vec::new());
    world.radios[1].kill(world.ms);
    let before = world.written[&0].len();
    for _ in 0..100 {
        world.write(0);
        world.pass(20);
    }
    world.settle();
    let heard = world.radios[1].heard.len();
    assert!((50..=100).contains(&heard), "{heard} of 100 heard");
    assert_eq!(world.written[&0].len() - before, 100);
}

#[test]
fn a_rotation_loses_nothing_and_all_follow_who_goes_first() {
    let later = proseal_proto::content::Policy {
        not_before: u64::MAX - 1,
        not_after: u64::MAX,
        ..policy(HKDF)
    };
    let mut world = World::new(3, CLEAN, 4, &[policy(HKDF), later]);
    talk(&mut world, 10, u32::MAX);
    assert_eq!(world.radios[1].station.in_use(group()).unwrap().0, generation(1));
    // The time of the second generation comes on one radio only.
    let now = proseal_proto::content::Policy { not_before: 0, ..policy(HKDF) };
    world.radios[0].install(&content(2, member(0), vec![pgk(1, policy(HKDF)), pgk(2, now)]));
    let ms = world.ms;
    world.radios[0].configure(ms);
    talk(&mut world, 10, u32::MAX);
    assert_eq!(world.lost(), 0);
    for radio in &world.radios {
        assert_eq!(radio.station.in_use(group()).unwrap().0, generation(2));
    }
}

#[test]
fn a_clean_end_loses_nothing_of_the_epoch_afterwards() {
    let mut world = World::new(2, CLEAN, 5, &[policy(HKDF)]);
    talk(&mut world, 20, u32::MAX);
    let ms = world.ms;
    let file = world.radios[1].station.close().unwrap();
    world.radios[1].disk = file;
    let before: Vec<_> = world.link.capture.clone();
    world.radios[1].kill(ms);
    // The next announcement comes within a second.
    world.pass(1_000);
    for _ in 0..20 {
        world.write(0);
        world.pass(20);
    }
    world.settle();
    assert_eq!(world.radios[1].heard.len(), 20);
    for frame in before {
        world.radios[1].receive(ms, &frame);
    }
    assert_eq!(world.radios[1].heard.len(), 20);
}

#[test]
fn who_is_suspended_neither_sends_nor_hears() {
    let mut world = World::new(2, CLEAN, 6, &[policy(HKDF)]);
    talk(&mut world, 5, u32::MAX);
    let ms = world.ms;
    world.radios[1].call(&Suspend { group: group(), on: true });
    world.radios[1].configure(ms);
    world.radios[1].work(ms);
    assert!(world.radios[1].send(ms, group(), b"x").is_err());
    let heard = world.radios[1].heard.len();
    world.write(0);
    world.settle();
    assert_eq!(world.radios[1].heard.len(), heard);
    assert_eq!(world.radios[1].dropped(DropReason::Suspended), 1);
    // An administrator resumes it; that is a new epoch.
    world.radios[1].call(&Suspend { group: group(), on: false });
    let ms = world.ms;
    world.radios[1].configure(ms);
    world.pass(10);
    talk(&mut world, 5, u32::MAX);
    assert_eq!(world.lost(), 1);
}

#[test]
fn two_radios_with_one_member_id_are_noticed() {
    let mut world = World::new(3, CLEAN, 7, &[policy(HKDF)]);
    world.radios[1].install(&{
        // The second radio is given the first one's id.
        let mut twin = content(2, member(0), vec![pgk(2, policy(HKDF))]);
        twin.groups[0].next = 2;
        twin
    });
    for number in [0, 2] {
        world.radios[number].install(&content(2, member(number), vec![pgk(2, policy(HKDF))]));
    }
    let ms = world.ms;
    world.radios.iter_mut().for_each(|radio| radio.configure(ms));
    world.pass(10);
    let twice = Event::MemberTwice { group: group(), member: member(0) };
    for from in [0, 1] {
        let frame = world.radios[from].send(world.ms, group(), b"hello").unwrap();
        let all = world.radios.len();
        world.link.send(world.ms, from, all, &frame);
        world.pass(200);
    }
    // The twins see each other, and the third sees both.
    for radio in &world.radios {
        assert!(radio.events.contains(&twice), "{:?}", radio.events);
    }
}

#[test]
fn nothing_is_delivered_while_the_high_water_cannot_be_written() {
    let mut world = World::new(2, CLEAN, 8, &[policy(HKDF)]);
    world.radios[1].disk_full = true;
    world.write(0);
    world.pass(100);
    assert_eq!(world.radios[1].heard.len(), 0);
    assert_eq!(world.radios[1].station.receiver().waiting(), 1);
    assert!(world.radios[1].events.contains(&Event::HighWaterNotWritten));
    world.radios[1].disk_full = false;
    world.settle();
    assert_eq!(world.lost(), 0);
}
