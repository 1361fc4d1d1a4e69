//! The store fails: what was answered holds, and what failed has not
//! happened.

use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, EventKind, Outcome, Status};
use proseal_proto::test_command::Scope;
use proseal_ta::sim::Fault;

use crate::fixture::{Device, generations, largest};

/// Writes that fail, and the code each gives.
const WRITE_FAULTS: [(Fault, Code); 2] =
    [(Fault::WriteFails, Code::StoreFailed), (Fault::WriteLies, Code::StoreFailed)];

#[test]
fn after_a_failed_install_nothing_has_changed() {
    for (fault, code) in WRITE_FAULTS {
        let mut device = Device::enrolled();
        device.ptk_id(1).unwrap();
        device.fault(fault);
        assert_eq!(device.install(Scope::Whole, &generations(2, &[2])), Err(code), "{fault:?}");
        // Until the old state is surely on the medium nothing is derived.
        assert_eq!(device.receives(1), Err(code), "{fault:?}");
        assert_eq!(device.ptk_id(1), Err(code), "{fault:?}");
        assert_eq!(device.status().sequence, 1, "status needs no write");

        device.fault(Fault::None);
        assert_eq!(device.receives(1), Ok(()), "{fault:?}");
        assert_eq!(device.ptk_id(1), Ok(2), "{fault:?}");
        assert_eq!(device.held(), (vec![1], 2), "{fault:?}");
        device.restart();
        assert_eq!(device.held(), (vec![1], 2), "{fault:?}");
    }
}

#[test]
fn a_failed_first_install_leaves_a_factory_device() {
    for (fault, code) in WRITE_FAULTS.into_iter().chain([(Fault::Full, Code::StoreFull)]) {
        let mut device = Device::new();
        device.fault(fault);
        assert_eq!(device.install(Scope::Whole, &generations(1, &[1])), Err(code));
        device.fault(Fault::None);
        assert_eq!(device.receives(1), Err(Code::WrongState));
        assert_eq!(device.status().state, DeviceState::Factory);
        assert_eq!(device.install(Scope::Whole, &generations(1, &[1])), Ok(Outcome::Applied));
    }
}

#[test]
fn a_restart_after_a_failed_write_finds_the_old_state_or_the_new() {
    for (fault, held) in [(Fault::WriteFails, vec![1]), (Fault::WriteLies, vec![2])] {
        let mut device = Device::enrolled();
        device.fault(fault);
        assert!(device.install(Scope::Whole, &generations(2, &[2])).is_err());
        device.fault(Fault::None);
        device.restart();
        assert_eq!(device.held().0, held, "{fault:?}");
    }
}

#[test]
fn a_failed_erase_can_be_repeated() {
    for fault in [Fault::WriteFails, Fault::WriteLies] {
        let mut device = Device::enrolled();
        device.fault(fault);
        assert_eq!(device.erase(), Err(Code::StoreFailed));
        device.fault(Fault::None);
        assert_eq!(device.ptk_id(1), Ok(1), "{fault:?}: nothing has changed");
        assert_eq!(device.erase(), Ok(()));
        assert!(device.medium().object.is_none());
    }
}

/// Blanked but not removed: whatever restarts then derives nothing.
#[test]
fn a_cut_in_an_erase_leaves_nothing_to_derive_from() {
    let mut device = Device::enrolled();
    device.fault(Fault::WriteLies);
    assert!(device.erase().is_err());
    device.fault(Fault::None);
    device.restart();
    assert_eq!(device.status().state, DeviceState::Damaged);
    assert_eq!(device.ptk_id(1), Err(Code::Damaged));
    assert_eq!(device.erase(), Ok(()));
    assert_eq!(device.status().state, DeviceState::Factory);
}

/// The state's room is there since the first write.
#[test]
fn a_full_disk_stops_nothing_but_the_first_write() {
    let mut device = Device::new();
    device.fault(Fault::Full);
    assert_eq!(device.install(Scope::Whole, &largest(1)), Err(Code::StoreFull));
    device.fault(Fault::None);
    device.install(Scope::Whole, &generations(1, &[1, 2])).unwrap();
    device.fault(Fault::Full);
    assert_eq!(device.ptk_id(1), Ok(1));
    assert_eq!(device.suspend(true), Ok(()));
    assert_eq!(device.revoke(2), Ok(()));
    assert_eq!(device.install(Scope::Whole, &generations(2, &[2, 3])), Ok(Outcome::Applied));
    assert_eq!(device.erase(), Ok(()));
    assert_eq!(device.status().state, DeviceState::Factory);
    assert_eq!(device.install(Scope::Whole, &generations(1, &[1])), Err(Code::StoreFull));
}

/// OP-TEE deletes an object that it finds damaged; what the TA holds in its
/// memory is not.
#[test]
fn an_object_damaged_behind_a_running_ta_is_written_anew() {
    let mut device = Device::enrolled();
    device.fault(Fault::Corrupt);
    assert_eq!(device.ptk_id(1), Ok(1));
    device.fault(Fault::None);
    assert_eq!(device.event_kinds().last(), Some(&EventKind::Repaired));
    device.restart();
    assert_eq!(device.ptk_id(1), Ok(65), "the reservation is on the medium");
}

#[track_caller]
fn is_damaged(device: &mut Device) {
    assert_eq!(device.status().state, DeviceState::Damaged);
    assert_eq!(device.status().groups, []);
    assert_eq!(device.ptk_id(1), Err(Code::Damaged));
    assert_eq!(device.receives(1), Err(Code::Damaged));
    assert_eq!(device.install(Scope::Whole, &generations(9, &[1])), Err(Code::Damaged));
}

#[test]
fn a_corrupt_object_is_damage_until_an_erase() {
    let mut device = Device::enrolled();
    device.restart();
    device.fault(Fault::Corrupt);
    is_damaged(&mut device);
    // OP-TEE has deleted the object by now; that must not read as factory.
    device.fault(Fault::None);
    is_damaged(&mut device);
    assert_eq!(device.erase(), Ok(()));
    assert_eq!(device.install(Scope::Whole, &generations(1, &[1])), Ok(Outcome::Applied));
}

#[test]
fn a_record_that_is_not_one_is_damage_over_restarts() {
    let records = [vec![], vec![0; 4096], vec![0xff; 4096]];
    for record in records {
        let mut device = Device::enrolled();
        device.medium().object = Some(record);
        for _ in 0..2 {
            device.restart();
            is_damaged(&mut device);
        }
        assert_eq!(device.erase(), Ok(()));
        assert_eq!(device.status().state, DeviceState::Factory);
    }
}

#[test]
fn what_a_later_ta_wrote_is_neither_read_nor_lost() {
    let mut device = Device::enrolled();
    // The format, behind the magic of 8 octets.
    device.medium().object.as_mut().unwrap()[9] += 1;
    let object = device.medium().object.clone();
    device.restart();
    assert_eq!(device.ptk_id(1), Err(Code::StateTooNew));
    assert_eq!(device.receives(1), Err(Code::StateTooNew));
    assert_eq!(device.call(&Status).err(), Some(Code::StateTooNew));
    assert_eq!(device.install(Scope::Whole, &generations(2, &[2])), Err(Code::StateTooNew));
    assert_eq!(device.erase(), Err(Code::StateTooNew));
    assert_eq!(device.medium().object, object, "the later TA finds its own");
}

#[test]
fn failing_randomness_costs_no_ptk_id() {
    let mut device = Device::enrolled();
    assert_eq!(device.ptk_id(1), Ok(1));
    device.medium().random_fails = true;
    for _ in 0..3 {
        assert_eq!(device.ptk_id(1), Err(Code::Internal));
    }
    assert_eq!(device.receives(1), Ok(()), "receiving needs none");
    device.medium().random_fails = false;
    assert_eq!(device.ptk_id(1), Ok(2));
}
