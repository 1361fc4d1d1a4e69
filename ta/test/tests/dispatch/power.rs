//! Power goes after each single write of every command that writes. What
//! the next start finds is the old state or the new, whole, and the next
//! commands work. (How a write itself is cut is OP-TEE's: the cases named
//! `power` in tests/system.)

use std::collections::BTreeSet;

use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, EventKind, StatusReply};
use proseal_proto::test_command::{Scope, SetFloor};
use proseal_ta::sim::Fault;

use crate::fixture::{Device, GROUP, TIME, content, generations, group, largest, pgk};

/// The device that it begins with.
type Made = fn() -> Device;
/// What a command does to it.
type Act = fn(&mut Device) -> Result<(), Code>;

const ACTS: [(&str, Made, Act); 12] = [
    ("install whole, a key goes", prepared, |d| {
        d.install(Scope::Whole, &generations(2, &[2, 3])).map(drop)
    }),
    ("install whole, all keys go", prepared, |d| {
        d.install(Scope::Whole, &content(2, vec![])).map(drop)
    }),
    ("install added", prepared, |d| {
        let mut content = generations(2, &[3]);
        content.groups[0].next = 1;
        d.install(Scope::Added, &content).map(drop)
    }),
    ("install of many groups", prepared, |d| {
        let mut content = content(2, (2..16).map(|at| group(GROUP + at, vec![])).collect());
        content.groups.insert(0, group(GROUP, vec![pgk(1, 1), pgk(2, 2)]));
        d.install(Scope::Whole, &content).map(drop)
    }),
    ("send, a block is reserved", prepared, |d| d.ptk_id(2).map(drop)),
    ("suspend", prepared, |d| d.suspend(true)),
    ("resume", suspended, |d| d.suspend(false)),
    ("revoke", prepared, |d| d.revoke(2)),
    ("revoke all", prepared, |d| d.revoke(3)),
    ("set floor", prepared, |d| d.call(&SetFloor { floor: TIME + 1 }).map(drop)),
    ("set floor, all keys end", prepared, |d| d.call(&SetFloor { floor: TIME * 2 }).map(drop)),
    ("checkpoint", prepared, |d| {
        d.pass(3600);
        d.status();
        Ok(())
    }),
];

/// Generations 1 and 2, one epoch of the first used.
fn prepared() -> Device {
    let mut device = Device::new();
    let mut content = generations(1, &[1, 2]);
    content.groups[0].pgks.iter_mut().for_each(|pgk| pgk.policy.not_after = TIME + 100_000);
    device.install(Scope::Whole, &content).unwrap();
    device.ptk_id(1).unwrap();
    device
}

/// The same, and the group is suspended.
fn suspended() -> Device {
    let mut device = prepared();
    device.suspend(true).unwrap();
    device
}

/// What lasts of a status: no clock, no counters of this start.
fn lasting(mut status: StatusReply) -> StatusReply {
    (status.start_nonce, status.refusals, status.unsynced_s) = ([0; 32], 0, 0);
    status
}

/// The device after a restart, with its power back.
fn restarted(device: &mut Device) -> (StatusReply, Vec<EventKind>) {
    device.power_on();
    device.restart();
    let status = lasting(device.status());
    let mut kinds = match status.state {
        DeviceState::Enrolled => device.event_kinds(),
        DeviceState::Factory | DeviceState::Damaged => Vec::new(),
    };
    // That a cut was made up for is told; nothing else may differ.
    kinds.retain(|kind| *kind != EventKind::Repaired);
    (status, kinds)
}

/// The status and the events before and after an act that nothing disturbs,
/// and how many writes it takes.
fn undisturbed(made: Made, act: Act) -> [(StatusReply, Vec<EventKind>); 2] {
    let mut device = made();
    let before = restarted(&mut device);
    let mut device = made();
    act(&mut device).unwrap();
    [before, restarted(&mut device)]
}

fn writes_of(made: Made, act: Act) -> u32 {
    let mut device = made();
    let before = device.medium().writes;
    act(&mut device).unwrap();
    device.medium().writes - before
}

/// Everything that a radio does next, on whatever is held.
#[track_caller]
fn goes_on(device: &mut Device, sequence: u64) {
    let (held, next) = device.held();
    for &generation in &held {
        let sent = device.ptk_id(generation);
        assert!(sent.is_ok() || sent == Err(Code::Suspended), "{generation}: {sent:?}");
    }
    let mut anew = generations(sequence, &[next.max(1) + 5]);
    anew.groups[0].next = 1;
    anew.time = device.status().floor.max(TIME);
    anew.groups[0].pgks[0].policy.not_after = anew.time + 100_000;
    device.suspend(false).ok();
    for &generation in &held {
        assert!(device.ptk_id(generation).is_ok(), "{generation}");
    }
    device.install(Scope::Added, &anew).unwrap();
    let new = anew.groups[0].pgks[0].generation.get();
    assert_eq!(device.ptk_id(new), Ok(1));
    device.revoke(new).unwrap();
    assert_eq!(device.held().0, [new]);
    let all = BTreeSet::from_iter(&device.epochs);
    assert_eq!(all.len(), device.epochs.len(), "an epoch twice: {:?}", device.epochs);
}

#[test]
fn power_cut_after_each_write_of_every_command() {
    for (name, made, act) in ACTS {
        let [old, new] = undisturbed(made, act);
        let writes = writes_of(made, act);
        assert!(writes > 0, "{name} writes");
        for after in 0..=writes {
            let mut device = made();
            device.medium().power_left = Some(after);
            let heard = act(&mut device);
            let is_done = after == writes;
            assert_eq!(heard.is_ok() && !device.medium().is_off, is_done, "{name}, {after}");
            let found = restarted(&mut device);
            if is_done {
                assert_eq!(found, new, "{name}: what was answered holds");
            } else {
                assert!(found == old || found == new, "{name}, {after}: neither old nor new");
            }
            goes_on(&mut device, 10);
        }
    }
}

/// A device whose first install was cut after so many writes, and that starts
/// again.
fn cut_in_the_first_install(after: u32) -> Device {
    let mut device = Device::new();
    device.medium().power_left = Some(after);
    let heard = device.install(Scope::Whole, &largest(1));
    assert_eq!(heard.is_ok(), after == 2);
    device.power_on();
    device.restart();
    device
}

#[test]
fn power_cut_in_the_first_install() {
    for after in 0..=2 {
        let mut device = cut_in_the_first_install(after);
        let state = if after == 0 { DeviceState::Factory } else { DeviceState::Enrolled };
        assert_eq!(device.status().state, state);
        device.install(Scope::Whole, &generations(2, &[100])).unwrap();
        assert_eq!(device.ptk_id(100), Ok(1));
    }
}

/// Nothing is given out before there is room for both versions of the state:
/// from then on a full disk stops neither a revocation nor an erasure.
#[test]
fn power_cut_in_the_first_install_and_the_disk_is_full_then() {
    let mut device = cut_in_the_first_install(1);
    device.fault(Fault::Full);
    assert_eq!(device.ptk_id(1), Err(Code::StoreFull));
    assert_eq!(device.receives(1), Err(Code::StoreFull));
    assert_eq!(device.revoke(2), Err(Code::StoreFull));
    assert_eq!(device.erase(), Err(Code::StoreFull), "the keys' blocks are still there");
    assert!(device.medium().object.is_some(), "so is the state");

    device.fault(Fault::None);
    assert_eq!(device.ptk_id(1), Ok(1));
    device.fault(Fault::Full);
    assert_eq!(device.revoke(2), Ok(()));
    assert_eq!(device.erase(), Ok(()));
}

/// The same of a state that took a damaged one's place.
#[test]
fn power_cut_in_the_repair_of_a_damaged_state() {
    for after in 1..=2 {
        let mut device = prepared();
        device.fault(Fault::Corrupt);
        device.medium().power_left = Some(after);
        assert_eq!(device.suspend(true).is_ok(), after == 2);
        device.power_on();
        device.restart();
        device.fault(Fault::Full);
        let revoked = device.revoke(2);
        assert_eq!(revoked, if after == 2 { Ok(()) } else { Err(Code::StoreFull) });
        device.fault(Fault::None);
        assert_eq!(device.revoke(2), Ok(()));
        assert_eq!(device.held().0, [2]);
    }
}

#[test]
fn power_cut_in_an_erasure_never_leaves_keys() {
    for after in 0..=3 {
        let mut device = prepared();
        device.medium().power_left = Some(after);
        let heard = device.erase();
        assert_eq!(heard.is_ok(), after == 3);
        let (status, _) = restarted(&mut device);
        let state = match after {
            0 => DeviceState::Enrolled,
            1 | 2 => DeviceState::Damaged,
            _ => DeviceState::Factory,
        };
        assert_eq!(status.state, state, "{after}");
        if state != DeviceState::Enrolled {
            assert!(device.ptk_id(1).is_err());
        }
        device.erase().unwrap();
        device.install(Scope::Whole, &generations(1, &[1])).unwrap();
        assert_eq!(device.ptk_id(1), Ok(1));
    }
}
