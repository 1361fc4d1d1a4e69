use std::fs;

use proseal_proto::error::Code;
use proseal_proto::message::Outcome;

use crate::fixture::{DAY, GROUP, HOUR, Manager, T, group_id};

#[test]
fn a_package_brings_a_radio_its_keys() {
    let (manager, radios) = Manager::with_members(1, "--ahead 2");
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert_eq!(radios[0].held(), [T, T + 1, T + 2]);
    let group = radios[0].group().unwrap();
    assert_eq!((group.member.octets(), group.may_send), ([0, 0, 1], true));
    assert!(radios[0].sends(T));
}

#[test]
fn two_radios_are_given_the_same_key_and_two_generations_are_two() {
    let (manager, radios) = Manager::with_members(2, "");
    for n in [1, 2] {
        assert_eq!(radios[n as usize - 1].import(&manager.package(n)), Ok(Outcome::Applied));
    }
    // A device refuses equal keys; that both have the same one, its admission key shows.
    let generation = proseal_proto::id::Generation::new(T).unwrap();
    let admission = |radio: &crate::fixture::Radio| radio.admission(group_id(), generation);
    assert_eq!(admission(&radios[0]), admission(&radios[1]));
}

#[test]
fn a_member_that_only_receives_does_not_send() {
    let (manager, radios) = Manager::with_members(1, "");
    let said = manager.done(&format!("member add {GROUP} r1 000001 --receive-only"));
    assert_eq!((&said["may_send"], &said["rotated"]), (&false.into(), &false.into()));
    assert_eq!(said["may_send_changed"], true);
    let again = manager.done(&format!("member add {GROUP} r1 000001 --receive-only"));
    assert_eq!(again["may_send_changed"], false);
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(!radios[0].sends(T));
}

#[test]
fn the_group_without_epoch_salt_is_made_too() {
    let (manager, radios) = Manager::with_members(1, "--profile 3gpp-ts33303 --accept-rollback");
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].sends(T));
}

#[test]
fn a_rotation_overlaps() {
    let (manager, radios) = Manager::with_members(1, "--ahead 0");
    radios[0].import(&manager.package(1)).unwrap();
    manager.pass(HOUR);
    let said = manager.done(&format!("key rotate {GROUP}"));
    assert_eq!(said["generation"], T + HOUR);
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert_eq!(radios[0].held(), [T, T + HOUR]);
    let pgks = radios[0].group().unwrap().pgks;
    assert_eq!((pgks[0].not_after, pgks[1].not_before), (T + HOUR + DAY, T + HOUR));
    assert!(radios[0].sends(T) && radios[0].sends(T + HOUR));
}

#[test]
fn a_rotation_takes_the_key_that_members_hold_already() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    let before = radios[0].held();
    manager.pass(HOUR);
    let said = manager.done(&format!("key rotate {GROUP}"));
    assert_eq!(said["generation"], before[1]);
    // Its window moves; its key stays, or the device would refuse it.
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert_eq!(radios[0].held(), [before[0], before[1], T + HOUR]);
}

#[test]
fn radios_follow_a_year_of_rotations() {
    let (manager, radios) = Manager::with_members(2, "");
    for month in 0..13 {
        // The second radio is away every other time.
        for n in (1..=2).filter(|n| *n == 1 || month % 2 == 0) {
            let outcome = radios[n as usize - 1].import(&manager.package(n));
            assert_eq!(outcome, Ok(Outcome::Applied), "month {month}, radio {n}");
            assert!(radios[n as usize - 1].sends(manager.current()));
        }
        manager.pass(30 * DAY);
        manager.done(&format!("--accept-clock key rotate {GROUP} --extend"));
    }
}

#[test]
fn too_many_rotations_at_once_are_refused_early() {
    let (manager, _radios) = Manager::with_members(1, "");
    for _ in 0..2 {
        manager.pass(1);
        manager.done(&format!("key rotate {GROUP}"));
    }
    manager.pass(1);
    assert_eq!(manager.refused(&format!("key rotate {GROUP}")), "too_many_pgks");
}

#[test]
fn an_extension_that_adds_nothing_says_so() {
    let (manager, _radios) = Manager::with_members(1, "--ahead 0");
    let extend = format!("key rotate {GROUP} --extend");
    assert_eq!(manager.done(&extend)["changed"], false);
    let is_due = || manager.done("status")["groups"][0]["extension_due"].clone();
    assert_eq!(is_due(), false);
    manager.pass(29 * DAY);
    assert_eq!(is_due(), true);
    manager.pass(3 * DAY);
    assert_eq!(manager.done(&format!("--accept-clock {extend}"))["changed"], true);
    assert_eq!(is_due(), false);
}

#[test]
fn asked_again_a_package_is_the_same_octet_by_octet() {
    let (manager, radios) = Manager::with_members(1, "");
    let first = fs::read(manager.package(1)).unwrap();
    manager.pass(HOUR);
    let again = manager.done("package r1 --out @again");
    assert_eq!(again["is_new"], false);
    assert_eq!(fs::read(manager.path("again")).unwrap(), first);
    radios[0].import(&manager.path("again")).unwrap();
    manager.import(&radios[0], "");
    assert_eq!(fs::read(manager.package(1)).unwrap(), first);
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Same));
}

#[test]
fn what_is_changed_makes_a_new_sequence() {
    let (manager, _radios) = Manager::with_members(1, "");
    let first = manager.sequence(1);
    manager.done(&format!("key rotate {GROUP}"));
    let second = manager.sequence(1);
    assert_eq!((first, second), (T, T + 1));
}

#[test]
fn a_sequence_that_a_radio_shows_is_passed() {
    let (manager, radios) = Manager::with_members(1, "");
    manager.back_up();
    manager.pass(DAY);
    radios[0].import(&manager.package(1)).unwrap();
    let stated = radios[0].status().sequence;
    manager.put_back();
    // As if that day had not been.
    manager.set_clock(T);
    manager.import(&radios[0], "");
    assert!(manager.sequence(1) > stated + DAY);
    assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
}

#[test]
fn a_policy_that_wants_news_gets_a_fresh_package_for_each_statement() {
    let (manager, radios) = Manager::with_members(1, "--max-unsynced 1h");
    radios[0].restart();
    manager.import(&radios[0], "");
    radios[0].import(&manager.package(1)).unwrap();
    assert!(radios[0].sends(T));
    let first = manager.sequence(1);
    assert_eq!(manager.sequence(1), first);
    radios[0].restart();
    manager.import(&radios[0], "");
    assert!(manager.sequence(1) > first);
    assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
    assert!(radios[0].sends(T));
}

#[test]
fn a_new_signer_takes_over_and_the_old_one_is_refused() {
    let (manager, radios) = Manager::with_members(2, "");
    let old = manager.package(1);
    fs::copy(&old, manager.path("old")).unwrap();
    manager.done(&format!("exclude {GROUP} r2 --yes"));
    let old_notice = fs::read(manager.notice()).unwrap();
    manager.pass(HOUR);
    let renewed = manager.done("signer renew");
    assert_eq!(renewed["notices"], serde_json::json!([GROUP]));
    assert_eq!(renewed["signer_version"], T + HOUR);
    assert_ne!(fs::read(manager.notice()).unwrap(), old_notice);
    // The notice alone tells of the new signer.
    radios[0].import(&manager.notice()).unwrap();
    assert_eq!(radios[0].import(&manager.path("old")), Err(Code::SignerSuperseded));
    let sequence = manager.sequence(1);
    assert_eq!(sequence, T + HOUR);
    assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
}

#[test]
fn the_new_signer_is_told_also_where_nothing_was_ended() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    let held = radios[0].held();
    manager.done(&format!("key rotate {GROUP}"));
    let old = manager.package(1);
    manager.done("signer renew");
    // It has gone past that number, and takes the signer's word all the same.
    assert_eq!(radios[0].import(&manager.notice()), Ok(Outcome::Superseded));
    assert_eq!(radios[0].held(), held);
    assert_eq!(radios[0].import(&old), Err(Code::SignerSuperseded));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
}

#[test]
fn a_package_of_another_signer_is_a_new_one() {
    let (manager, _radios) = Manager::with_members(1, "");
    let first = manager.sequence(1);
    manager.done("signer renew");
    assert_ne!(manager.sequence(1), first);
}

#[test]
fn a_bundle_has_all_that_a_group_needs() {
    let (manager, radios) = Manager::with_members(3, "");
    for n in 1..=3 {
        radios[n - 1].import(&manager.package(n as u64)).unwrap();
    }
    manager.done(&format!("exclude {GROUP} r3 --yes"));
    let said = manager.done(&format!("bundle {GROUP} --out @stick"));
    let stick = manager.path("stick");
    assert_eq!(said["packages"].as_array().unwrap().len(), 2);
    let notice = stick.join(said["notice"].as_str().unwrap());
    assert!(radios.iter().all(|radio| radio.import(&notice) == Ok(Outcome::Applied)));
    for (radio, name) in radios.iter().zip(["r1", "r2"]) {
        assert_eq!(radio.import(&stick.join(format!("{name}.package"))), Ok(Outcome::Applied));
        assert!(radio.sends(manager.current()));
    }
    let text = fs::read_to_string(stick.join("README.txt")).unwrap();
    assert!(
        text.contains("prosectl import 0a0b0c.notice") && text.contains(&radios[0].id()),
        "{text}"
    );
    assert!(radios[2].held().is_empty());
}

#[test]
fn a_bundle_that_has_no_place_takes_no_sequence() {
    let (manager, _radios) = Manager::with_members(1, "");
    fs::create_dir(manager.path("stick")).unwrap();
    fs::write(manager.path("stick").join("old.package"), "old").unwrap();
    assert_eq!(manager.refused(&format!("bundle {GROUP} --out @stick")), "bad_file");
    assert_eq!(manager.done("device show r1")["sequence_given"], 0);
}

#[test]
fn a_bundle_tells_whom_it_leaves_out_and_why() {
    let (manager, _radios) = Manager::with_members(1, "");
    let pending = crate::fixture::Radio::new(9);
    pending.enrol(&manager.path("enrol"));
    manager.import(&pending, "--name r9");
    manager.done(&format!("member add {GROUP} r9 000009"));
    let said = manager.done(&format!("bundle {GROUP} --out @stick"));
    assert_eq!(said["packages"].as_array().unwrap().len(), 1);
    assert_eq!(said["left_out"][0]["reason"], "not_approved");
    assert!(!manager.path("stick").join("r9.package").exists());
    assert_eq!(manager.refused(&format!("bundle {GROUP} --out @stick")), "bad_file");
}

#[test]
fn sixteen_groups_go_into_one_package_and_no_more() {
    let manager = Manager::new();
    let radio = manager.radio(1);
    for n in 0..17 {
        manager.done(&format!("group add {n:06x} --ahead 2"));
        manager.done(&format!("key rotate {n:06x}"));
        if n < 16 {
            manager.done(&format!("member add {n:06x} r1 000001"));
        }
    }
    assert_eq!(manager.refused("member add 000010 r1 000001"), "too_many_groups");
    assert_eq!(radio.import(&manager.package(1)), Ok(Outcome::Applied));
    assert_eq!(radio.status().groups.len(), 16);
}

#[test]
fn a_radio_leaves_as_many_groups_as_it_keeps_the_numbers_of() {
    let manager = Manager::new();
    let radio = manager.radio(1);
    for n in 0..33 {
        manager.done(&format!("group add {n:06x}"));
        manager.done(&format!("member add {n:06x} r1 000001"));
        assert_eq!(radio.import(&manager.package(1)), Ok(Outcome::Applied), "group {n}");
        manager.done(&format!("member remove {n:06x} r1"));
    }
    assert_eq!(manager.refused("package r1 --out @p"), "too_many_left");
    // Back in one of them there is room again.
    manager.done("member add 000000 r1 000001");
    assert_eq!(radio.import(&manager.package(1)), Ok(Outcome::Applied));
}

#[test]
fn a_long_package_goes_as_a_file_and_a_short_one_also_as_a_code() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.done("package r1 --out @short --qr");
    for n in 0..10 {
        manager.done(&format!("group add {n:06x} --ahead 2"));
        manager.done(&format!("member add {n:06x} r1 000001"));
    }
    assert_eq!(manager.refused("package r1 --out @long --qr"), "too_long_for_qr");
    assert!(fs::read(manager.path("long")).unwrap().len() > 2953);
}
