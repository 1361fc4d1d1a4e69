use proseal_proto::message::Outcome;

use crate::fixture::{GROUP, HOUR, Manager, T};

#[test]
fn an_excluded_radio_is_left_behind_by_the_notice_and_the_next_keys() {
    let (manager, radios) = Manager::with_members(2, "--ahead 2");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    let given = radios[0].held();
    manager.pass(HOUR);
    let said = manager.done(&format!("exclude {GROUP} r1 --yes"));
    // Above all that it was given, future ones too.
    assert!(said["below"].as_u64() > given.last().copied());
    assert_eq!(radios[0].import(&manager.notice()), Ok(Outcome::Applied));
    assert!(radios[0].held().is_empty());
    // Its next package does not have the group.
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].group().is_none());
    // The others have a new key, also without the notice.
    assert_eq!(radios[1].import(&manager.package(2)), Ok(Outcome::Applied));
    assert_eq!(radios[1].held()[0], said["generation"].as_u64().unwrap());
    assert!(radios[1].sends(manager.current()));
}

#[test]
fn a_key_that_is_replaced_ends_everywhere_and_nobody_leaves() {
    let (manager, radios) = Manager::with_members(2, "--ahead 2");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    let had = radios[0].held();
    manager.pass(HOUR);
    assert_eq!(manager.refused(&format!("key replace {GROUP}")), "usage");
    let said = manager.done(&format!("key replace {GROUP} --yes"));
    assert!(said["below"].as_u64() > had.last().copied());
    for n in [1, 2] {
        let radio = &radios[n as usize - 1];
        assert_eq!(radio.import(&manager.notice()), Ok(Outcome::Applied));
        assert!(radio.held().is_empty());
        assert_eq!(radio.import(&manager.package(n)), Ok(Outcome::Applied));
        assert!(radio.held().iter().all(|generation| !had.contains(generation)));
        assert!(radio.sends(manager.current()));
    }
}

#[test]
fn an_exclusion_is_asked_before_and_leaves_no_trace_if_not_confirmed() {
    let (manager, _radios) = Manager::with_members(2, "");
    let before = manager.current();
    assert_eq!(manager.refused(&format!("exclude {GROUP} r1")), "usage");
    assert_eq!(manager.current(), before);
    assert_eq!(
        manager.done(&format!("member list {GROUP}"))["members"].as_array().unwrap().len(),
        2
    );
    assert_eq!(manager.refused(&format!("notice {GROUP} --out @n")), "no_notice");
}

#[test]
fn who_never_was_a_member_is_excluded_only_after_a_word_of_that() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.radio(2);
    assert_eq!(manager.refused(&format!("member remove {GROUP} r2")), "not_member");
    let failure = manager.run(&format!("exclude {GROUP} r2")).unwrap_err();
    assert!(failure.to_string().contains("never was in group"), "{failure}");
    let said = manager.done(&format!("exclude {GROUP} r2 --yes"));
    assert!(said["below"].as_u64() > Some(T));
}

#[test]
fn a_removed_radio_loses_the_group_by_its_next_package() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    manager.done(&format!("member remove {GROUP} r1"));
    let former = || manager.done("status")["groups"][0]["former"].clone();
    assert_eq!(former(), serde_json::json!([radios[0].id()]));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].group().is_none());
    manager.import(&radios[0], "");
    assert_eq!(former(), serde_json::json!([]));
}

#[test]
fn a_radio_that_returns_gets_only_what_it_never_had() {
    let (manager, radios) = Manager::with_members(2, "--ahead 2");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    let had = radios[0].held();
    manager.done(&format!("member remove {GROUP} r1"));
    manager.pass(HOUR);
    let said = manager.done(&format!("member add {GROUP} r1 000001"));
    assert_eq!(said["rotated"], true);
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].held().iter().all(|generation| !had.contains(generation)));
    // And the others meet it under that.
    assert_eq!(radios[1].import(&manager.package(2)), Ok(Outcome::Applied));
    let current = manager.current();
    assert!(radios.iter().all(|radio| radio.sends(current)));
}

#[test]
fn a_rotation_after_a_removal_takes_no_key_that_the_removed_radio_has() {
    let (manager, radios) = Manager::with_members(2, "--ahead 2");
    for n in [1, 2] {
        radios[n as usize - 1].import(&manager.package(n)).unwrap();
    }
    manager.done(&format!("member remove {GROUP} r2"));
    manager.pass(HOUR);
    manager.done(&format!("key rotate {GROUP}"));
    assert!(!radios[1].held().contains(&manager.current()));
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_radio_that_returns_may_have_another_member_id() {
    let (manager, radios) = Manager::with_members(1, "");
    radios[0].import(&manager.package(1)).unwrap();
    let other = format!("member add {GROUP} r1 000007");
    assert_eq!(manager.refused(&other), "other_member");
    manager.done(&format!("member remove {GROUP} r1"));
    manager.done(&other);
    assert_eq!(radios[0].import(&manager.package(1)), Ok(Outcome::Applied));
    assert_eq!(radios[0].group().unwrap().member.octets(), [0, 0, 7]);
    assert!(radios[0].sends(manager.current()));
}

#[test]
fn a_radio_that_was_never_given_anything_returns_without_a_new_key() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.done(&format!("member remove {GROUP} r1"));
    assert_eq!(manager.done(&format!("member add {GROUP} r1 000001"))["rotated"], false);
}

#[test]
fn a_member_id_goes_to_another_radio_only_under_new_keys() {
    let (manager, radios) = Manager::with_members(1, "");
    let second = manager.radio(2);
    radios[0].import(&manager.package(1)).unwrap();
    let had = radios[0].held();
    let add = format!("member add {GROUP} r2 000001");
    assert_eq!(manager.refused(&add), "member_taken");
    manager.done(&format!("member remove {GROUP} r1"));
    assert_eq!(manager.done(&add)["rotated"], true);
    assert_eq!(second.import(&manager.package(2)), Ok(Outcome::Applied));
    assert!(second.held().iter().all(|generation| !had.contains(generation)));
}

#[test]
fn a_new_member_with_an_id_of_its_own_needs_no_new_key() {
    let (manager, _radios) = Manager::with_members(1, "");
    manager.package(1);
    manager.radio(2);
    assert_eq!(manager.done(&format!("member add {GROUP} r2 000002"))["rotated"], false);
}

#[test]
fn a_group_that_no_device_would_take_is_not_made() {
    let manager = Manager::new();
    for wrong in [
        "--profile 3gpp-ts33303 --suite aead",
        "--profile 3gpp-ts33303 --label county",
        "--lifetime 1h --overlap 2h",
        "--lifetime 0",
        "--lifetime 10min --overlap 0",
        "--lifetime 11years",
        "--epoch 0",
    ] {
        assert_eq!(manager.refused(&format!("group add {GROUP} {wrong}")), "usage", "{wrong}");
    }
    manager.done(&format!("group add {GROUP} --name patrol --label county --suite integrity"));
    assert_eq!(manager.refused(&format!("group add {GROUP}")), "usage");
    assert_eq!(manager.refused("group add 000002 --name patrol"), "usage");
    assert_eq!(manager.refused("group add 000002 --name Patrol"), "usage");
    assert_eq!(manager.done("group show patrol")["suite"], "integrity");
}
