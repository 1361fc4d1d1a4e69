use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::fixture::{GROUP, Manager};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_folder_and_all_in_it_are_their_owners_only() {
    let (manager, _radios) = Manager::with_members(1, "");
    assert_eq!(mode(&manager.home()), 0o700);
    let names: Vec<_> =
        fs::read_dir(manager.home()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|path| mode(path) == 0o600));
}

#[test]
fn a_folder_that_others_may_read_is_refused() {
    let manager = Manager::new();
    fs::set_permissions(manager.home(), fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(manager.refused("status"), "bad_home");
}

#[test]
fn the_database_alone_gives_no_key_away() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    let database = manager.database.octets(&manager.home());
    let holds = |octets: &[u8]| database.windows(octets.len()).any(|window| window == octets);
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let has = |octets: &[u8]| holds(octets) || holds(hex(octets).as_bytes());
    for file in ["key", "root-key"] {
        let secret = fs::read(manager.home().join(file)).unwrap();
        assert!(secret.len() == 32 && !has(&secret), "{file}");
    }
    // What the radio has taken out of its package.
    let state = proseal_ta::state::record::decode(&radios[0].stored().unwrap()).unwrap();
    let pgks = &state.groups[0].pgks;
    assert!(pgks.len() == 2 && pgks.iter().all(|pgk| !has(pgk.key.expose())));
    // The search finds what is there.
    assert!(has(b"member add") && has(&radios[0].status().device.0));
}

#[test]
fn another_key_file_opens_nothing_and_none_is_told() {
    let (manager, _radios) = Manager::with_members(1, "");
    fs::write(manager.home().join("key"), [7; 32]).unwrap();
    assert_eq!(manager.refused("package r1 --out @p"), "bad_key_file");
    fs::remove_file(manager.home().join("key")).unwrap();
    assert_eq!(manager.refused("package r1 --out @p"), "bad_key_file");
}

#[test]
fn the_root_key_may_be_taken_away_and_only_a_new_signer_needs_it() {
    let (manager, _radios) = Manager::with_members(1, "");
    fs::rename(manager.home().join("root-key"), manager.path("root")).unwrap();
    manager.package(1);
    manager.done(&format!("exclude {GROUP} r1 --yes"));
    assert_eq!(manager.refused("signer renew"), "no_root_key");
    manager.done("signer renew --root-key @root");
    fs::write(manager.path("other"), [7; 32]).unwrap();
    assert_eq!(manager.refused("signer renew --root-key @other"), "no_root_key");
}

#[test]
fn the_root_key_may_be_elsewhere_from_the_beginning() {
    let manager = Manager::none();
    manager.done("init --root-key @stick");
    assert_eq!(mode(&manager.path("stick")), 0o600);
    assert!(!manager.home().join("root-key").exists());
    assert_eq!(manager.done("status")["root_key_is_here"], false);
    manager.done("signer renew --root-key @stick");
}

#[test]
fn a_root_key_that_is_there_is_never_written_over() {
    let manager = Manager::none();
    fs::write(manager.path("stick"), "precious").unwrap();
    assert_eq!(manager.refused("init --root-key @stick"), "bad_file");
    assert_eq!(fs::read(manager.path("stick")).unwrap(), b"precious");
    assert!(!manager.home().exists());
}

#[test]
fn the_managers_own_files_are_never_written_over() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.done(&format!("key replace {GROUP} --yes"));
    std::os::unix::fs::symlink(manager.home(), manager.path("link")).unwrap();
    let key = fs::read(manager.home().join("key")).unwrap();
    for act in ["package r1", "enrolment", "notice 0a0b0c", "bundle 0a0b0c"] {
        for place in ["@home/key", "@link/manager.db", "@home/../home/new"] {
            assert_eq!(manager.refused(&format!("{act} --out {place}")), "bad_file", "{act}");
        }
    }
    assert_eq!(fs::read(manager.home().join("key")).unwrap(), key);
    assert!(!manager.home().join("new").exists());
}

#[test]
fn a_manager_is_set_up_once() {
    let manager = Manager::new();
    let key = fs::read(manager.home().join("key")).unwrap();
    assert_eq!(manager.refused("init"), "bad_home");
    assert_eq!(fs::read(manager.home().join("key")).unwrap(), key);
    let none = Manager::none();
    assert_eq!(none.refused("status"), "bad_home");
}

#[test]
fn the_enrolment_file_and_its_fingerprint_are_as_prosectl_takes_them() {
    let manager = Manager::new();
    let said = manager.done("enrolment --out @file");
    let text = fs::read_to_string(manager.path("file")).unwrap();
    assert!(text.contains(&format!("\nroot-key = {}\n", said["root_key"].as_str().unwrap())));
    assert!(text.contains(&format!("\nmanager = {}\n", said["manager"].as_str().unwrap())));
    let fingerprint = said["fingerprint"].as_str().unwrap();
    assert!(
        fingerprint.split(' ').count() == 16
            && fingerprint.split(' ').all(|group| group.len() == 4)
    );
    assert_eq!(fingerprint.replace(' ', ""), said["root_digest"].as_str().unwrap());
}

#[test]
fn every_change_is_in_the_audit() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.package(1);
    let changes = manager.done("status")["changes"].clone();
    let first = &changes[0];
    assert_eq!(first["who"], "tester");
    assert!(first["what"].as_str().unwrap().starts_with("package "), "{first}");
    let all: Vec<_> =
        changes.as_array().unwrap().iter().filter_map(|change| change["what"].as_str()).collect();
    for what in ["init", "group add", "device import", "device approve", "member add"] {
        assert!(all.iter().any(|said| said.starts_with(what)), "{what}: {all:?}");
    }
    // Each that follows is the newest then.
    for (act, what) in [
        (format!("key rotate {GROUP}"), "key rotate 0a0b0c"),
        (format!("key replace {GROUP} --yes"), "key replace 0a0b0c: below "),
        (format!("bundle {GROUP} --out @stick"), "bundle 0a0b0c: 1 packages"),
        ("signer renew".to_owned(), "signer renew: version "),
        (format!("member remove {GROUP} r1"), "member remove 0a0b0c "),
        (format!("exclude {GROUP} r1 --yes"), "exclude "),
        ("device lost r1 --yes".to_owned(), "device lost "),
    ] {
        manager.done(&act);
        let newest = manager.done("status")["changes"][0]["what"].clone();
        assert!(newest.as_str().unwrap().starts_with(what), "{act}: {newest}");
    }
}

#[test]
fn two_programs_at_once_wait_for_each_other() {
    let manager = Manager::none();
    let command = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prose-manager"));
        command.arg("--json").args(manager.options()).args(words.split_whitespace());
        command.stdout(std::process::Stdio::piped());
        command
    };
    assert!(command("init").output().unwrap().status.success());
    let started: Vec<_> =
        (0..8).map(|n| command(&format!("group add {n:06x}")).spawn().unwrap()).collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let output = command("status").output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["groups"].as_array().unwrap().len(), 8);
    assert_eq!(object["changes"].as_array().unwrap().len(), 9);
}

#[test]
fn the_program_says_what_is_wrong_and_ends_so() {
    let manager = Manager::none();
    let run = |words: &str| {
        Command::new(env!("CARGO_BIN_EXE_prose-manager"))
            .args(["--home", &manager.home().display().to_string()])
            .args(words.split_whitespace())
            .output()
            .unwrap()
    };
    for (words, code, told) in [
        ("", 2, "Usage"),
        ("frobnicate", 2, "frobnicate"),
        ("group add xyz", 2, "6 hexadecimal digits"),
        ("status", 1, "there is no manager"),
    ] {
        let output = run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(code) && text.contains(told), "{words}: {text}");
    }
    let output = run("--json group add xyz");
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&object["ok"], &object["name"]), (&false.into(), &"usage".into()));
    let output = run("--json init");
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &object["ok"]), (Some(0), &true.into()));
    assert_eq!(run("device show nobody").status.code(), Some(2));
}
