use std::collections::HashSet;
use std::fs;

use proseal_proto::message::Outcome;

use crate::fixture::{DAY, GROUP, HOUR, Manager, Radio, T};

#[test]
fn a_clock_that_is_behind_signs_nothing_until_it_is_accepted() {
    let (manager, _radios) = Manager::with_members(2, "");
    manager.set_clock(T - 61);
    for act in [
        "package r1 --out @p",
        "key rotate 0a0b0c",
        "exclude 0a0b0c r1 --yes --out @b",
        "device lost r1 --yes --out @b",
        "signer renew",
        "bundle 0a0b0c --out @b",
    ] {
        assert_eq!(manager.refused(act), "clock_behind", "{act}");
    }
    assert!(!manager.path("p").exists() && !manager.path("b").exists());
    manager.done("status");
    manager.done("--accept-clock package r1 --out @p");
    // That clock is the measure from here on.
    manager.done("package r2 --out @p");
}

#[test]
fn a_clock_that_jumped_ahead_signs_nothing_until_it_is_accepted() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.pass(DAY + 1);
    assert_eq!(manager.refused("package r1 --out @p"), "clock_ahead");
    manager.done("--accept-clock package r1 --out @p");
    manager.done("package r1 --out @p");
}

#[test]
fn a_clock_that_was_never_set_is_not_accepted() {
    let manager = Manager::none();
    manager.set_clock(HOUR);
    assert_eq!(manager.refused("--accept-clock init"), "clock_not_set");
    assert!(!manager.home().exists());
}

#[test]
fn numbers_grow_also_with_a_clock_that_went_back() {
    let (manager, radios) = Manager::with_members(1, "--ahead 0");
    radios[0].import(&manager.package(1)).unwrap();
    manager.import(&radios[0], "");
    manager.set_clock(T - 30 * DAY);
    let said = manager.done(&format!("--accept-clock exclude {GROUP} r1 --yes"));
    assert_eq!(said["generation"], T + 1);
    assert_eq!(manager.sequence(1), T + 1);
    assert_eq!(manager.done("signer renew")["signer_version"], T + 1);
}

#[test]
fn a_backup_that_is_put_back_locks_no_radio_out_and_uses_nothing_again() {
    let (manager, radios) = Manager::with_members(2, "");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    manager.back_up();
    // A day that will be lost.
    let mut generations: HashSet<u64> = radios[0].held().into_iter().collect();
    let mut sequences = HashSet::new();
    for _ in 0..3 {
        manager.pass(HOUR);
        manager.done(&format!("exclude {GROUP} r2 --yes"));
        manager.done(&format!("member add {GROUP} r2 000002"));
        sequences.insert(manager.sequence(1));
        assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
        generations.extend(radios[0].held());
    }
    let version = manager.done("signer renew")["signer_version"].as_u64().unwrap();
    radios[0].import(&manager.package(1)).unwrap();

    manager.pass(HOUR);
    manager.put_back();
    // The radio shows what this database does not know.
    assert_eq!(manager.import(&radios[0], "")["alarms"][0], "unknown_sequence");
    let renewed = manager.done("signer renew")["signer_version"].as_u64().unwrap();
    assert!(renewed > version);
    let held = radios[0].held();
    let said = manager.done(&format!("exclude {GROUP} r2 --yes"));
    assert!(said["below"].as_u64() > held.last().copied());
    assert!(!sequences.contains(&manager.sequence(1)));
    assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
    assert!(radios[0].held().iter().all(|generation| !generations.contains(generation)));
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_clock_that_went_back_brings_no_key_back_that_was_erased() {
    let terms = "--ahead 0 --lifetime 1h --overlap 0 --receive-grace 0";
    let (manager, radios) = Manager::with_members(1, terms);
    manager.pass(2 * HOUR);
    manager.done(&format!("key rotate {GROUP}"));
    manager.set_clock(T + 60);
    let said = manager.done(&format!("--accept-clock key rotate {GROUP} --extend"));
    assert!(said["generation"].as_u64() > Some(T + 2 * HOUR));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].sends(manager.current()));
}

/// A day in which exclusions have raised the radio's numbers past all that the backup has;
/// then the backup.
fn lost_day() -> (Manager, Vec<Radio>) {
    let (manager, radios) = Manager::with_members(2, "");
    radios[0].import(&manager.package(1)).unwrap();
    manager.import(&radios[0], "");
    manager.back_up();
    manager.pass(HOUR);
    manager.done(&format!("exclude {GROUP} r2 --yes"));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    manager.pass(HOUR);
    manager.put_back();
    assert_eq!(manager.import(&radios[0], "")["alarms"][0], "unknown_sequence");
    (manager, radios)
}

#[test]
fn the_way_back_from_a_backup_leads_to_a_key_that_radios_send_under() {
    let (manager, radios) = lost_day();
    let status = manager.done("status");
    assert_eq!(status["groups"][0]["replacement_due"], true);
    manager.done(&format!("key replace {GROUP} --yes"));
    assert_eq!(manager.done("status")["groups"][0]["replacement_due"], false);
    manager.done(&format!("bundle {GROUP} --out @stick"));
    let stick = manager.path("stick");
    radios[0].import(&stick.join(format!("{GROUP}.notice"))).unwrap();
    assert_eq!(radios[0].import(&stick.join("r1.package")), Ok(Outcome::Applied));
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_rotation_after_a_backup_takes_no_key_that_radios_have_gone_past() {
    let (manager, radios) = lost_day();
    manager.done(&format!("key rotate {GROUP}"));
    assert!(radios[0].import(&manager.package(1)).is_ok());
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_backup_is_noticed_also_after_a_package_was_made_from_it() {
    let (manager, radios) = Manager::with_members(1, "");
    manager.back_up();
    radios[0].import(&manager.package(1)).unwrap();
    manager.pass(HOUR);
    manager.put_back();
    manager.package(1);
    assert_eq!(manager.import(&radios[0], "")["alarms"][0], "unknown_sequence");
    assert_eq!(manager.done("status")["groups"][0]["replacement_due"], true);
}

#[test]
fn a_backup_uses_no_number_again_that_had_run_ahead_of_the_clock() {
    let (manager, radios) = Manager::with_members(1, "--ahead 2");
    manager.back_up();
    // Within one second, so that numbers run ahead.
    for _ in 0..3 {
        manager.done(&format!("key replace {GROUP} --yes"));
        radios[0].import(&manager.package(1)).unwrap();
    }
    let had = radios[0].held();
    let sequence = radios[0].status().sequence;
    manager.put_back();
    manager.import(&radios[0], "");
    let said = manager.done(&format!("key replace {GROUP} --yes"));
    assert!(said["below"].as_u64() > had.last().copied());
    assert!(manager.sequence(1) > sequence);
    assert_eq!(radios[0].import(&manager.path("sequence")), Ok(Outcome::Applied));
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_sequence_that_has_another_content_on_the_radio_is_not_given_out() {
    let (manager, radios) = Manager::with_members(1, "");
    manager.back_up();
    manager.done(&format!("key rotate {GROUP}"));
    radios[0].import(&manager.package(1)).unwrap();
    let stated = radios[0].status().sequence;
    manager.put_back();
    assert_eq!(manager.sequence(1), stated);
    manager.import(&radios[0], "");
    assert!(manager.sequence(1) > stated);
}

#[test]
fn who_is_not_approved_tells_nothing_of_a_lost_time() {
    let manager = Manager::new();
    manager.back_up();
    let radio = manager.radio(1);
    manager.done(&format!("group add {GROUP}"));
    manager.done(&format!("member add {GROUP} r1 000001"));
    radio.import(&manager.package(1)).unwrap();
    manager.put_back();
    manager.done(&format!("group add {GROUP}"));
    assert_eq!(manager.import(&radio, "--name r1")["alarms"][0], "unknown_sequence");
    let is_due = || manager.done("status")["groups"][0]["replacement_due"].clone();
    assert_eq!(is_due(), false);
    manager.done(&format!("device approve {}", radio.id()));
    assert_eq!(is_due(), true);
}

#[test]
fn after_a_backup_was_put_back_who_joins_gets_new_keys() {
    let (manager, radios) = Manager::with_members(1, "");
    manager.radio(3);
    manager.back_up();
    // Lost: another radio was given the keys as 000002.
    manager.radio(2);
    manager.done(&format!("member add {GROUP} r2 000002"));
    manager.package(2);
    radios[0].import(&manager.package(1)).unwrap();
    manager.put_back();
    manager.import(&radios[0], "");
    assert_eq!(manager.done(&format!("member add {GROUP} r3 000002"))["rotated"], true);
}

#[test]
fn after_a_backup_was_put_back_a_radio_that_was_added_meanwhile_is_lost_everywhere() {
    let (manager, radios) = Manager::with_members(1, "");
    let second = manager.radio(2);
    manager.back_up();
    manager.done(&format!("member add {GROUP} r2 000002"));
    assert_eq!(second.import(&manager.package(2)), Ok(Outcome::Applied));
    radios[0].import(&manager.package(1)).unwrap();
    manager.pass(HOUR);
    manager.put_back();
    manager.import(&radios[0], "");
    let said = manager.done("device lost r2 --yes");
    assert_eq!(said["groups"][0]["group"], GROUP);
    assert_eq!(second.import(&manager.notice()), Ok(Outcome::Applied));
    assert!(second.held().is_empty());
}

#[test]
fn no_sequence_ever_has_two_contents() {
    let (manager, _radios) = Manager::with_members(1, "");
    let mut seen = std::collections::HashMap::new();
    for step in 0..12 {
        match step % 4 {
            0 => drop(manager.done("signer renew")),
            1 => drop(manager.done(&format!("exclude {GROUP} r1 --yes"))),
            2 => drop(manager.done(&format!("member add {GROUP} r1 000001"))),
            _ => {}
        }
        let sequence = manager.sequence(1);
        let octets = fs::read(manager.path("sequence")).unwrap();
        assert_eq!(*seen.entry(sequence).or_insert_with(|| octets.clone()), octets);
    }
    assert!(seen.len() >= 9);
}

#[test]
fn a_package_whose_file_cannot_be_written_is_the_same_when_it_can() {
    let (manager, _radios) = Manager::with_members(1, "");
    assert_eq!(manager.refused("package r1 --out @no/such/folder"), "bad_file");
    let said = manager.done("package r1 --out @p");
    assert_eq!((&said["is_new"], &said["sequence"]), (&false.into(), &T.into()));
}
