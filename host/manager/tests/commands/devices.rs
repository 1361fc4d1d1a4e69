use std::fs;

use proseal_proto::message::Outcome;

use serde_json::Value;

use crate::fixture::{DAY, GROUP, Manager, Radio, T};

#[test]
fn a_new_device_waits_for_approval_and_gets_nothing() {
    let manager = Manager::new();
    let radio = Radio::new(1);
    radio.enrol(&manager.path("enrol"));
    let said = manager.import(&radio, "--name r1");
    assert_eq!((&said["outcome"], &said["standing"]), (&"new".into(), &"pending".into()));
    assert_eq!(manager.refused("package r1 --out @p"), "not_approved");
    assert!(!manager.path("p").exists());
    assert_eq!(manager.import(&radio, "")["outcome"], "known");
    assert_eq!(manager.refused("package r1 --out @p"), "not_approved");
}

#[test]
fn only_the_whole_fingerprint_approves() {
    let manager = Manager::new();
    let radio = Radio::new(1);
    manager.import(&radio, "--name r1");
    let id = radio.id();
    let other = format!("{}{}", if id.starts_with('0') { '1' } else { '0' }, &id[1..]);
    assert_eq!(manager.refused(&format!("device approve {other}")), "no_such_fingerprint");
    // Nobody sits there who could type it.
    assert_eq!(manager.refused("device approve"), "usage");
    assert_eq!(manager.done(&format!("device approve {id}"))["standing"], "approved");
    assert_eq!(manager.refused(&format!("device approve {id}")), "approved_already");
}

#[test]
fn nothing_is_sealed_for_a_device_that_is_not_enrolled() {
    let manager = Manager::new();
    let radio = Radio::new(1);
    manager.import(&radio, "--name r1");
    manager.done(&format!("device approve {}", radio.id()));
    assert_eq!(manager.refused("package r1 --out @p"), "not_enrolled");
    radio.enrol(&manager.path("enrol"));
    manager.import(&radio, "");
    assert_eq!(radio.import(&manager.package(1)), Ok(Outcome::Applied));
}

#[test]
fn nothing_is_sealed_for_a_device_that_another_root_key_has() {
    let (manager, attacker) = (Manager::new(), Manager::new());
    let radio = Radio::new(1);
    radio.enrol(&attacker.path("enrol"));
    let said = manager.import(&radio, "--name r1");
    assert_eq!((&said["root"], &said["alarms"][0]), (&"other".into(), &"foreign_root".into()));
    manager.done(&format!("device approve {}", radio.id()));
    assert_eq!(manager.refused("package r1 --out @p"), "foreign_root");
    assert_eq!(manager.done("status")["alarms"][0]["alarm"], "foreign_root");
}

#[test]
fn an_older_sequence_is_an_alarm_until_it_is_accepted() {
    let (manager, radios) = Manager::with_members(1, "");
    let before = radios[0].stored();
    radios[0].import(&manager.package(1)).unwrap();
    assert_eq!(manager.import(&radios[0], "")["package"], "applied");
    radios[0].put_back(before);
    let said = manager.import(&radios[0], "");
    assert_eq!((&said["rolled_back"], &said["alarms"][0]), (&true.into(), &"rolled_back".into()));
    assert_eq!(manager.refused("package r1 --out @p"), "rolled_back");
    // A statement that looks well again does not take it back.
    radios[0].import(&manager.path("r1.package")).unwrap();
    assert_eq!(manager.import(&radios[0], "")["rolled_back"], true);
    assert_eq!(manager.refused("package r1 --out @p"), "rolled_back");
    assert_eq!(manager.import(&radios[0], "--accept-rollback")["rolled_back"], false);
    manager.package(1);
}

#[test]
fn after_an_accepted_rollback_the_device_takes_the_next_package() {
    let (manager, radios) = Manager::with_members(1, "");
    let before = radios[0].stored();
    radios[0].import(&manager.package(1)).unwrap();
    manager.import(&radios[0], "");
    radios[0].put_back(before);
    manager.import(&radios[0], "--accept-rollback");
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
}

#[test]
fn after_an_accepted_rollback_the_device_gets_no_key_that_it_had() {
    let (manager, radios) = Manager::with_members(2, "--ahead 2");
    let before = radios[0].stored();
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    let had = radios[0].held();
    manager.import(&radios[0], "");
    radios[0].put_back(before);
    assert_eq!(manager.import(&radios[0], "")["rotated"], serde_json::json!([]));
    let said = manager.import(&radios[0], "--accept-rollback");
    assert_eq!(said["rotated"], serde_json::json!([GROUP]));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].held().iter().all(|generation| !had.contains(generation)));
    assert_eq!(radios[1].import(&manager.package(2)), Ok(Outcome::Applied));
    let current = manager.current();
    assert!(radios.iter().all(|radio| radio.sends(current)));
}

#[test]
fn a_statement_that_is_none_is_refused() {
    let (manager, radios) = Manager::with_members(1, "");
    let mut octets = radios[0].statement();
    *octets.last_mut().unwrap() ^= 1;
    fs::write(manager.path("bad"), octets).unwrap();
    assert_eq!(manager.refused("device import @bad"), "bad_signature");
    assert_eq!(manager.refused("device import @enrol"), "malformed");
    assert_eq!(manager.refused("device import @nothing"), "bad_file");
}

#[test]
fn a_lost_device_is_excluded_everywhere_and_gets_nothing_any_more() {
    let (manager, radios) = Manager::with_members(2, "");
    manager.done("group add 000001");
    manager.done("member add 000001 r1 000001");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    assert_eq!(manager.refused("device lost r1"), "usage");
    let said = manager.done("device lost r1 --yes");
    let groups: Vec<_> =
        said["groups"].as_array().unwrap().iter().map(|group| &group["group"]).collect();
    assert_eq!(groups, ["000001", GROUP]);
    assert_eq!(manager.refused("package r1 --out @p"), "lost");
    assert_eq!(manager.refused(&format!("member add {GROUP} r1 000001")), "lost");
    assert_eq!(radios[0].import(&manager.notice()), Ok(Outcome::Applied));
    assert!(radios[0].held().is_empty());
    assert_eq!(radios[1].import(&manager.package(2)), Ok(Outcome::Applied));
    assert!(radios[1].sends(manager.current()));
}

#[test]
fn one_command_says_that_a_radio_is_lost_and_writes_what_to_carry() {
    let (manager, radios) = Manager::with_members(2, "");
    manager.done("group add 000001");
    manager.done("member add 000001 r1 000001");
    radios[1].import(&manager.package(2)).unwrap();
    // Nothing ends before there is a place for it.
    fs::create_dir(manager.path("full")).unwrap();
    fs::write(manager.path("full").join("older"), "").unwrap();
    let before = manager.done(&format!("group show {GROUP}"));
    for act in ["device lost r1".to_owned(), format!("exclude {GROUP} r1")] {
        assert_eq!(manager.refused(&format!("{act} --yes --out @full")), "bad_file", "{act}");
    }
    assert_eq!(manager.done(&format!("group show {GROUP}")), before);
    let said = manager.done("device lost r1 --yes --out @stick");
    assert_eq!(said["groups"][1]["bundle"]["packages"][0]["file"], "r2.package");
    let folder = manager.path("stick").join(GROUP);
    for name in ["0a0b0c.notice", "r2.package"] {
        let imported = radios[1].import(&folder.join(name));
        assert_eq!(imported, Ok(Outcome::Applied), "{name}");
    }
    assert!(radios[1].sends(manager.current()));
    assert!(manager.path("stick/000001/000001.notice").exists());
    // The other one's turn.
    manager.pass(1);
    manager.done(&format!("exclude {GROUP} r2 --yes --out @walk"));
    assert!(manager.path("walk/0a0b0c.notice").exists());
}

#[test]
fn a_bundle_that_cannot_be_written_is_told_as_what_is_left_to_do() {
    let (manager, radios) = Manager::with_members(3, "");
    manager.done("group add 000001");
    for n in [1, 3] {
        manager.done(&format!("member add 000001 r{n} 00000{n}"));
    }
    // A path of 4,095 octets at most is one (limits.h): there is room for the folders only.
    let mut folder = manager.path("deep");
    while folder.as_os_str().len() < 4085 {
        let left = 4085 - folder.as_os_str().len();
        folder.push("a".repeat(left.clamp(2, 200) - 1));
    }
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let (out, before) = (folder.display(), manager.current());
    let failure = manager.run(&format!("device lost r1 --yes --out {out}")).unwrap_err();
    assert_eq!((failure.name(), failure.exit_code()), ("bundle_not_written", 1));
    // Each of them is named, and how the one thing is done that is left.
    let said = failure.to_string();
    assert!(said.starts_with("device r1 is lost") && said.contains("(000001, 0a0b0c)"), "{said}");
    assert!(failure.hint().contains("prose-manager bundle"));
    assert!(manager.current() > before);
    manager.done(&format!("bundle {GROUP} --out @stick"));
    let package = manager.path("stick").join("r2.package");
    assert_eq!(radios[1].import(&package), Ok(Outcome::Applied));
    // The folder is there and empty of files, which the next command does not take.
    fs::remove_dir_all(&folder).unwrap();
    let failure = manager.run(&format!("exclude {GROUP} r2 --yes --out {out}")).unwrap_err();
    assert_eq!(failure.name(), "bundle_not_written");
}

#[test]
fn a_lost_device_is_excluded_also_where_it_was_removed_before() {
    let (manager, _radios) = Manager::with_members(2, "");
    manager.package(1);
    manager.done(&format!("member remove {GROUP} r1"));
    let said = manager.done("device lost r1 --yes");
    assert_eq!(said["groups"].as_array().unwrap().len(), 1);
    assert!(said["groups"][0]["below"].as_u64().unwrap() > T);
}

#[test]
fn an_older_statement_and_a_time_that_is_ahead_are_told() {
    let (manager, radios) = Manager::with_members(1, "");
    fs::write(manager.path("old"), radios[0].statement()).unwrap();
    manager.pass(10 * DAY);
    manager.done("--accept-clock package r1 --out @p");
    radios[0].import(&manager.path("p")).unwrap();
    assert_eq!(manager.import(&radios[0], "")["alarms"], serde_json::json!([]));
    manager.set_clock(T);
    fs::write(manager.path("statement"), radios[0].statement()).unwrap();
    let said = manager.done("--accept-clock device import @statement");
    assert_eq!(said["alarms"], serde_json::json!(["floor_ahead"]));
    assert_eq!(manager.done("status")["alarms"][0]["alarm"], "floor_ahead");
    let said = manager.done("device import @old");
    assert_eq!(said["alarms"], serde_json::json!(["rolled_back", "older_statement"]));
}

#[test]
fn two_devices_have_two_names() {
    let (manager, _radios) = Manager::with_members(1, "");
    let other = Radio::new(2);
    fs::write(manager.path("other"), other.statement()).unwrap();
    assert_eq!(manager.refused("device import @other --name r1"), "usage");
    assert_eq!(manager.refused("device import @other --name R1"), "usage");
    assert_eq!(manager.done("device list")["devices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_device_keeps_its_name() {
    let (manager, radios) = Manager::with_members(1, "");
    fs::write(manager.path("statement"), radios[0].statement()).unwrap();
    assert_eq!(manager.refused("device import @statement --name r7"), "other_name");
    assert_eq!(manager.done("device import @statement --name r1")["name"], "r1");
    assert_eq!(manager.done("device import @statement")["name"], "r1");
}

#[test]
fn who_lags_is_told_and_the_receipt_ends_it() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    let late = || manager.done("status")["lagging"].clone();
    assert_eq!((&late()[0]["name"], &late()[0]["package"]), (&"r1".into(), &"not_seen".into()));
    manager.import(&radios[0], "");
    assert_eq!(late(), serde_json::json!([]));
    // What ends by itself makes nobody late.
    manager.pass(40 * DAY);
    assert_eq!(late(), serde_json::json!([]));
    manager.done(&format!("--accept-clock key rotate {GROUP}"));
    assert_eq!(late()[0]["package"], "due");
}

#[test]
fn who_should_hold_something_and_has_no_package_lags() {
    let (manager, radios) = Manager::with_members(1, "--max-unsynced 1h");
    let late = || manager.done("status")["lagging"].clone();
    assert_eq!(late()[0]["package"], "due");
    radios[0].import(&manager.package(1)).unwrap();
    manager.import(&radios[0], "");
    assert_eq!(late(), serde_json::json!([]));
    manager.done(&format!("member remove {GROUP} r1"));
    assert_eq!(late()[0]["package"], "due");
}

#[test]
fn who_holds_less_than_its_package_brought_is_told() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    manager.back_up();
    manager.done(&format!("key replace {GROUP} --yes"));
    radios[0].import(&manager.notice()).unwrap();
    manager.put_back();
    assert_eq!(manager.import(&radios[0], "")["package"], "partly");
    assert_eq!(manager.done("status")["lagging"][0]["package"], "partly");
}

#[test]
fn the_list_of_devices_comes_in_parts_and_status_counts_who_lags() {
    let (manager, _radios) = Manager::with_members(3, "");
    let (mut seen, mut more) = (Vec::new(), String::new());
    for part in [2, 1] {
        let said = manager.done(&format!("device list --limit 2{more}"));
        let devices = said["devices"].as_array().unwrap().clone();
        assert_eq!(devices.len(), part);
        seen.extend(devices.iter().map(|device| device["device"].as_str().unwrap().to_owned()));
        let next = said["next"].as_str().unwrap_or_default();
        assert_eq!(next.is_empty(), part == 1);
        more = format!(" --after {next}");
    }
    assert!(seen.len() == 3 && seen.is_sorted(), "{seen:?}");
    let all = manager.done("device list");
    assert_eq!((all["devices"].as_array().unwrap().len(), &all["next"]), (3, &Value::Null));
    let status = manager.done("status");
    assert_eq!((&status["behind"], status["lagging"].as_array().unwrap().len()), (&3.into(), 3));
    manager.done(&format!("device lost {} --yes", seen[0]));
    assert_eq!(manager.done("status")["behind"], 2);
}
