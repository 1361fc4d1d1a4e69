//! Two servers on one database, and restarts.

use std::collections::HashSet;

use serde_json::json;

use super::Site;
use crate::fixture::{DAY, GROUP, Manager};
use crate::serving::{Https, Online, SignedIn, TokenFile};

const JOIN: &str = "groups/0a0b0c/join";

#[test]
fn two_processes_serve_one_manager() {
    let site = Site::new("");
    let second = site.manager.serve();
    let radio = site.radio(1);
    let other = Online { radio: &radio, https: site.https.clone(), to: second.device };
    // A nonce of the one is good at the other, once.
    let statement = radio.answer(site.online(&radio).nonce());
    let joined = other.ask_with(JOIN, &statement, None).done();
    let again = site.online(&radio).ask_with(JOIN, &statement, None);
    assert_eq!(again.problem(), (401, "nonce_used".into()));
    site.online(&radio).take(&joined["package"]);
    assert_eq!(other.ask("receipt", None).done()["package"], "applied");
    // A session of the one is one at the other.
    let alice = site.alice();
    let there = SignedIn { to: second.operator, ..alice };
    std::thread::scope(|scope| {
        let wait = json!({ "wait_s": 30 });
        let online = site.online(&radio);
        let waiting = scope.spawn(move || online.ask("updates", Some(&wait)).done());
        std::thread::sleep(std::time::Duration::from_millis(300));
        there.post("groups/patrol/replace", json!({})).done();
        site.online(&radio).take(&waiting.join().unwrap()["package"]);
    });
    assert!(radio.sends(site.manager.current()));
}

#[test]
fn joins_and_rotations_at_two_processes_leave_nobody_behind() {
    let site = Site::new("");
    let second = site.manager.serve();
    let radios: Vec<_> = (1..=12).map(|n| site.radio(n)).collect();
    let alice = site.alice();
    std::thread::scope(|scope| {
        for (at, radio) in radios.iter().enumerate() {
            let to = if at % 2 == 0 { site.serving.device } else { second.device };
            let online = Online { radio, https: site.https.clone(), to };
            scope.spawn(move || {
                let said = online.ask(JOIN, None).done();
                online.take(&said["package"]);
            });
        }
        let there =
            SignedIn { https: site.https.clone(), to: second.operator, token: alice.token.clone() };
        scope.spawn(move || {
            for _ in 0..3 {
                there.post("groups/patrol/replace", json!({})).done();
            }
        });
    });
    let mut members = HashSet::new();
    for radio in &radios {
        let online = site.online(radio);
        let said = online.ask("package", None).done();
        online.take(&said);
        assert_eq!(online.ask("receipt", None).done()["package"], "applied");
        assert!(radio.sends(site.manager.current()));
        members.insert(online.ask(JOIN, None).done()["member"].to_string());
    }
    assert_eq!(members.len(), radios.len());
}

#[test]
fn a_server_that_ends_answers_what_has_begun_and_the_next_one_goes_on() {
    let mut site = Site::new("");
    let radio = site.member(1);
    let wait = json!({ "wait_s": 30 });
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        let online = site.online(&radio);
        let waiting = scope.spawn(move || online.ask("updates", Some(&wait)));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let next = site.manager.serve();
        site.serving = next;
        // Nothing is new, and it is said so at once.
        assert_eq!(waiting.join().unwrap().status, 204);
    });
    assert!(began.elapsed().as_secs() < 15);
    site.manager.done(&format!("key rotate {GROUP}"));
    let said = site.online(&radio).ask("package", None).done();
    site.online(&radio).take(&said);
    assert!(radio.sends(site.manager.current()));
}

#[test]
fn the_authoritys_certificate_is_renewed_and_who_pinned_the_older_one_believes_it_still() {
    let Site { serving, manager, .. } = Site::new("");
    drop(serving);
    let older = TokenFile::read(&manager.path("nobody.token")).authority();
    // Less than a year is left.
    manager.pass(3650 * DAY - 364 * DAY);
    manager.done("--accept-clock operator add bob");
    let serving = manager.serve();
    manager.done("device invite later --url https://manager.test --out @later.token");
    let newer = TokenFile::read(&manager.path("later.token")).authority();
    assert_ne!(older, newer);
    for authority in [&older, &newer] {
        let https = Https::new(authority, manager.now());
        https.json(serving.device, "POST /v1/nonce", None, None).done();
    }
    // It is the servers' present one, and stays so.
    drop(serving);
    let _serving = manager.serve();
    manager.done("device invite last --url https://manager.test --out @last.token");
    assert_eq!(TokenFile::read(&manager.path("last.token")).authority(), newer);
}

#[test]
fn a_server_that_runs_invites_under_a_certificate_that_another_process_renewed() {
    let site = Site::new("");
    let authority = || {
        let request = json!({ "subscriber": "s5", "expires_s": 3600 });
        site.alice().post("invitations", request).done()["authority"].clone()
    };
    let older = authority();
    site.manager.pass(3650 * DAY - 364 * DAY);
    site.manager.done("--accept-clock operator add bob");
    site.manager.done("device invite later --url https://manager.test --out @later.token");
    let newer = authority();
    assert_eq!(newer, TokenFile::read(&site.manager.path("later.token")).get("authority"));
    assert_ne!(older, newer);
}

#[test]
fn a_server_needs_a_manager_and_a_free_port() {
    let manager = Manager::none();
    assert_eq!(manager.refused_to_serve(""), "bad_home");
    manager.done("init");
    let serving = manager.serve();
    assert_eq!(manager.refused_to_serve(&format!("--listen {}", serving.device)), "serve");
}
