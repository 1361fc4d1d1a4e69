//! How keys end: by time, by decision, for a while; and what is told of it.

use proseal_proto::content::{Content, Policy};
use proseal_proto::error::Code;
use proseal_proto::message::{EventKind, Outcome, PgkState, Suspend};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Scope, SetFloor};

use crate::fixture::{self, Device, GROUP, TIME, content, generations, group, pgk};

const HOUR: u64 = 3600;

/// [`GROUP`] with generation 1, which ends at `TIME + 100`, is received with
/// for 50 seconds more and sent with for 20.
fn mortal(sequence: u64) -> Content<'static> {
    with_policy(sequence, |policy| {
        policy.not_after = TIME + 100;
        (policy.receive_grace_s, policy.send_grace_s) = (50, 20);
    })
}

fn with_policy(sequence: u64, change: impl Fn(&mut Policy)) -> Content<'static> {
    let mut content = generations(sequence, &[1]);
    change(&mut content.groups[0].pgks[0].policy);
    content
}

#[test]
fn a_key_is_held_then_receive_only_then_gone() {
    let mut device = Device::new();
    device.install(Scope::Whole, &mortal(1)).unwrap();
    let mut expect = |passes, state, sends: Result<(), Code>, receives: Result<(), Code>| {
        device.pass(passes);
        let status = device.status();
        assert_eq!(status.groups[0].pgks.first().map(|pgk| pgk.state), state);
        assert_eq!(device.ptk_id(1).map(drop), sends, "at {}", status.floor - TIME);
        assert_eq!(device.receives(1), receives, "at {}", status.floor - TIME);
    };
    expect(0, Some(PgkState::Held), Ok(()), Ok(()));
    expect(120, Some(PgkState::Held), Ok(()), Ok(()));
    expect(1, Some(PgkState::ReceiveOnly), Err(Code::ReceiveOnly), Ok(()));
    expect(29, Some(PgkState::ReceiveOnly), Err(Code::ReceiveOnly), Ok(()));
    let gone = Err(Code::UnknownGeneration);
    expect(1, None, gone, gone);
    let events = device.events();
    let last = events.last().unwrap();
    assert_eq!((last.kind, last.generation, last.floor), (EventKind::Ended, 1, TIME + 151));
}

/// What has ended is refused at once, though the disk does not take it.
#[test]
fn an_ended_key_is_refused_while_its_erasure_fails() {
    let mut device = Device::new();
    device.install(Scope::Whole, &mortal(1)).unwrap();
    device.fault(proseal_ta::sim::Fault::WriteFails);
    device.pass(151);
    assert_eq!(device.receives(1), Err(Code::GenerationEnded));
    assert_eq!(device.ptk_id(1), Err(Code::GenerationEnded));
    assert_eq!(device.status().groups[0].pgks[0].state, PgkState::Ended);
    device.fault(proseal_ta::sim::Fault::None);
    assert_eq!(device.receives(1), Err(Code::GenerationEnded), "not tried at each call");
    device.pass(60);
    assert_eq!(device.receives(1), Err(Code::UnknownGeneration));
    device.restart();
    assert_eq!(device.held().0, [0; 0]);
}

#[test]
fn a_content_can_neither_bring_back_nor_extend_what_has_ended() {
    let mut device = Device::new();
    device.install(Scope::Whole, &mortal(1)).unwrap();
    device.pass(151);
    let extended = with_policy(2, |policy| policy.not_after = TIME + 100_000);
    assert_eq!(device.install(Scope::Whole, &extended), Ok(Outcome::Partly));
    assert_eq!(device.held(), (vec![], 2));
    // One that has ended before it came is left out, and its number is used up.
    let late = Content { time: TIME + 1000, ..generations(3, &[5]) };
    assert_eq!(device.install(Scope::Whole, &late), Ok(Outcome::Partly));
    assert_eq!(device.held(), (vec![], 6));
}

#[test]
fn the_floor_goes_on_over_restarts_whatever_the_uptime() {
    for uptime in [0, 5_000, 1_000_000, 10_000_000_000] {
        let mut device = Device::new();
        device.medium().uptime_ms = 5_000;
        device.install(Scope::Whole, &with_policy(1, |p| p.not_after = TIME * 2)).unwrap();
        device.pass(HOUR);
        assert_eq!(device.status().floor, TIME + HOUR);
        device.pass(100);
        device.restart();
        device.medium().uptime_ms = uptime;
        // The hour was written, the 100 seconds were not.
        assert_eq!(device.status().floor, TIME + HOUR, "{uptime}");
        device.pass(7);
        assert_eq!(device.status().floor, TIME + HOUR + 7, "{uptime}");
    }
}

#[test]
fn a_checkpoint_comes_with_any_command_and_at_most_once_an_hour() {
    let calls: [fn(&mut Device); 3] = [
        |device| drop(device.status()),
        |device| device.receives(1).unwrap(),
        |device| drop(device.events()),
    ];
    for call in calls {
        let mut device = Device::new();
        device.install(Scope::Whole, &with_policy(1, |p| p.not_after = TIME * 2)).unwrap();
        let before = device.medium().writes;
        for _ in 0..59 {
            device.pass(60);
            call(&mut device);
        }
        assert_eq!(device.medium().writes, before);
        device.pass(60);
        call(&mut device);
        call(&mut device);
        assert_eq!(device.medium().writes, before + 1);
        device.restart();
        assert_eq!(device.status().floor, TIME + HOUR);
    }
}

#[test]
fn a_floor_that_is_set_never_goes_back() {
    let mut device = Device::new();
    device.install(Scope::Whole, &mortal(1)).unwrap();
    for (floor, then) in [(TIME + 90, TIME + 90), (5, TIME + 90), (TIME + 121, TIME + 121)] {
        device.call(&SetFloor { floor }).unwrap();
        device.restart();
        assert_eq!(device.status().floor, then);
    }
    assert_eq!(device.ptk_id(1), Err(Code::ReceiveOnly));
}

#[test]
fn sending_stops_without_news_and_a_fresh_content_lets_it_go_on() {
    let policy = |policy: &mut Policy| {
        (policy.not_after, policy.max_unsynced_s) = (TIME * 2, 1000);
    };
    let mut device = Device::new();
    device.install(Scope::Whole, &with_policy(1, policy)).unwrap();
    device.pass(600);
    device.ptk_id(1).unwrap();
    device.restart();
    assert_eq!(device.status().unsynced_s, 600, "written with the reservation");
    device.pass(400);
    assert_eq!(device.ptk_id(1).map(drop), Ok(()));
    device.pass(1);
    assert_eq!(device.ptk_id(1), Err(Code::Unsynced));
    assert_eq!(device.receives(1), Ok(()), "receiving goes on");

    let nonce = device.status().start_nonce;
    let mut news = with_policy(2, policy);
    news.start_nonce = Some([9; 32]);
    assert_eq!(device.install(Scope::Whole, &news), Ok(Outcome::Applied));
    assert_eq!(device.ptk_id(1), Err(Code::Unsynced), "another start's, or a replay");
    (news.sequence, news.start_nonce) = (3, Some(nonce));
    news.time = TIME + 1001;
    assert_eq!(device.install(Scope::Whole, &news), Ok(Outcome::Applied));
    assert_eq!(device.status().unsynced_s, 0);
    assert!(device.ptk_id(1).is_ok());
}

/// Whoever controls the normal world can keep contents for later: their echo
/// says that they were made in this start, their time how long ago.
#[test]
fn news_that_were_held_back_are_as_old_as_they_are() {
    let mut device = Device::new();
    device.install(Scope::Whole, &with_policy(1, |policy| policy.not_after = TIME * 2)).unwrap();
    let mut news = with_policy(1, |policy| policy.not_after = TIME * 2);
    news.start_nonce = Some(device.status().start_nonce);
    device.pass(5000);
    for (time, unsynced_s) in [
        (0, 5000),
        (TIME - 1, 5000),
        (TIME, 5000),
        (TIME + 1000, 4000),
        (TIME + 4999, 1),
        // Not older than the news before.
        (TIME + 10, 1),
        (TIME + 5000, 0),
        // It raises the floor itself.
        (TIME + 6000, 0),
    ] {
        (news.sequence, news.time) = (news.sequence + 1, time);
        assert_eq!(device.install(Scope::Whole, &news), Ok(Outcome::Applied));
        assert_eq!(device.status().unsynced_s, unsynced_s, "{time}");
    }
}

/// The normal world's clock could be turned ahead, and end every key for ever.
#[test]
fn a_clock_of_the_normal_world_moves_nothing() {
    let mut device = Device::enrolled();
    device.medium().has_foreign_clock = true;
    device.pass(HOUR * 24 * 366);
    assert_eq!(device.ptk_id(1), Ok(1));
    let status = device.status();
    assert_eq!((status.floor, status.unsynced_s), (TIME, 0));
}

/// While the floor is unknown, so is how old anything is.
#[test]
fn without_a_floor_an_echo_is_all_that_is_known() {
    let mut device = Device::new();
    let mut timeless = generations(1, &[1]);
    timeless.time = 0;
    device.install(Scope::Whole, &timeless).unwrap();
    timeless.start_nonce = Some(device.status().start_nonce);
    timeless.sequence = 2;
    device.pass(100);
    assert_eq!(device.status().unsynced_s, 100);
    device.install(Scope::Whole, &timeless).unwrap();
    assert_eq!(device.status().unsynced_s, 0);
}

#[test]
fn suspension_stops_both_and_outlives_restart_and_removal() {
    let mut device = Device::enrolled();
    let suspend = Suspend { group: fixture::group_id(GROUP), on: true };
    let resume = Suspend { on: false, ..suspend };
    assert!(device.call_as(Role::Daemon, &suspend).is_ok());
    for _ in 0..2 {
        assert_eq!(device.ptk_id(1), Err(Code::Suspended));
        assert_eq!(device.receives(1), Err(Code::Suspended));
        assert_eq!(device.call_as(Role::Daemon, &resume).err(), Some(Code::NotPermitted));
        device.restart();
    }
    device.install(Scope::Whole, &content(2, vec![])).unwrap();
    assert_eq!(device.suspend(false), Err(Code::UnknownGroup));
    device.install(Scope::Whole, &generations(3, &[2])).unwrap();
    assert_eq!(device.receives(2), Err(Code::Suspended));
    let writes = device.medium().writes;
    assert_eq!(device.suspend(true), Ok(()), "again");
    assert_eq!(device.medium().writes, writes, "it already is");
    assert_eq!(device.suspend(false), Ok(()));
    assert!(device.ptk_id(2).is_ok());
    use EventKind::{Installed, Refreshed, Removed, Resumed, Suspended};
    assert_eq!(
        device.event_kinds(),
        [Installed, Suspended, Removed, Installed, Resumed, Refreshed]
    );
}

#[test]
fn a_revoked_generation_is_gone_for_ever() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[1, 2, 3])).unwrap();
    assert_eq!(device.revoke(5), Err(Code::AboveNext));
    let writes = device.medium().writes;
    assert_eq!(device.revoke(3), Ok(()));
    assert_eq!(device.medium().writes, writes + 2, "both versions lose the keys");
    assert_eq!(device.held(), (vec![3], 4));
    assert_eq!(device.revoke(3), Ok(()), "again");
    assert_eq!(device.medium().writes, writes + 2, "it already is");
    device.restart();
    let mut again = generations(2, &[1, 2, 3]);
    again.groups[0].next = 1;
    assert_eq!(device.install(Scope::Whole, &again), Ok(Outcome::Partly));
    assert_eq!(device.held(), (vec![3], 4));
    assert_eq!(device.revoke(4), Ok(()), "all that there is");
    assert_eq!(device.held(), (vec![], 4));
    let revoked: Vec<_> =
        device.events().iter().map(|event| (event.kind, event.generation)).collect();
    assert_eq!(revoked[3..], [(EventKind::Revoked, 3), (EventKind::Revoked, 4)]);
}

/// A cut between the two writes of a revocation: the next start makes it up.
#[test]
fn no_version_of_the_object_keeps_a_revoked_key() {
    let mut device = Device::new();
    device.install(Scope::Whole, &generations(1, &[1, 2])).unwrap();
    device.medium().power_left = Some(1);
    assert!(device.revoke(2).is_err());
    let writes = device.medium().writes;
    device.power_on();
    device.restart();
    assert_eq!(device.receives(2), Ok(()));
    assert_eq!(device.medium().writes, writes + 1);
    assert_eq!(device.held().0, [2]);
    device.restart();
    assert_eq!(device.receives(2), Ok(()));
    assert_eq!(device.medium().writes, writes + 1, "made up for once");
}

#[test]
fn the_last_64_events_are_kept_and_numbered_without_a_gap() {
    let mut device = Device::enrolled();
    for _ in 0..40 {
        device.suspend(true).unwrap();
        device.suspend(false).unwrap();
    }
    device.restart();
    let numbers: Vec<_> = device.events().iter().map(|event| event.number).collect();
    assert_eq!(numbers, (17..81).collect::<Vec<_>>());
}

#[test]
fn a_root_serves_several_groups_but_not_two_generations_of_one() {
    let rooted = |sequence, list: &[(u32, u64)]| {
        let groups = list.iter().map(|&(id, generation)| {
            let mut root = pgk(generation, 7);
            root.is_root = true;
            group(id, vec![root])
        });
        content(sequence, groups.collect())
    };
    let mut device = Device::new();
    let two = rooted(1, &[(GROUP, 1), (GROUP + 1, 1)]);
    assert_eq!(device.install(Scope::Whole, &two), Ok(Outcome::Applied));
    // It is held, and is the same the next time.
    let again = rooted(2, &[(GROUP, 1), (GROUP + 1, 1)]);
    assert_eq!(device.install(Scope::Whole, &again), Ok(Outcome::Applied));
    let next = rooted(3, &[(GROUP, 2)]);
    let mut added = next;
    added.groups[0].next = 1;
    assert_eq!(device.install(Scope::Added, &added), Err(Code::KeyRepeated));
    let keys =
        device.receive(vec![fixture::epoch(GROUP, 1, 2, 1), fixture::epoch(GROUP + 1, 1, 2, 1)]);
    let keys: Vec<_> = keys.unwrap().into_iter().map(Result::unwrap).collect();
    assert_ne!(keys[0].ik.expose(), keys[1].ik.expose());
}
