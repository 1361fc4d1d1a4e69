use std::collections::HashSet;

use serde_json::{Value, json};

use super::Site;
use crate::fixture::{DAY, GROUP, HOUR, PASSWORD};
use crate::serving::SignedIn;

/// Every path of the operator side, from its own document.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    all.collect()
}

fn concrete(path: &str) -> String {
    path.replace("{group}", "patrol").replace("{device}", "r1").replace("{subscriber}", "s1")
}

#[test]
fn all_but_health_and_signing_in_needs_a_session_and_changes_need_an_operator() {
    let site = Site::new("");
    let alice = site.alice();
    let document = alice.get("openapi/operator.json");
    let all = operations(&document);
    assert!(all.len() > 25, "{all:?}");
    let victor = SignedIn::new(&site.https, site.serving.operator, "victor");
    for (method, path) in all {
        if path == "/healthz" || (method == "POST" && path == "/v1/session") {
            continue;
        }
        let line = format!("{method} {}", concrete(&path));
        let body = (!["GET", "DELETE"].contains(&method.as_str())).then(|| json!({}));
        let answer = site.https.json(site.serving.operator, &line, None, body.as_ref());
        assert_eq!(answer.problem(), (401, "not_signed_in".into()), "{line}");
        if method != "GET" && path != "/v1/session" {
            let answer = victor.ask(&line, body.as_ref());
            assert_eq!(answer.problem(), (403, "viewer_only".into()), "{line}");
        }
    }
    for path in
        ["status", "alarms", "audit", "devices", "groups", "groups/patrol", "openapi/device.json"]
    {
        victor.get(path);
    }
}

#[test]
fn each_operation_of_a_document_has_a_name_of_its_own() {
    let site = Site::new("");
    let alice = site.alice();
    for side in ["operator", "device"] {
        let document = alice.get(&format!("openapi/{side}.json"));
        let mut seen = HashSet::new();
        for (method, path) in operations(&document) {
            let name = document["paths"][&path][method.to_lowercase()]["operationId"].clone();
            assert!(name.is_string() && seen.insert(name.to_string()), "{method} {path}: {name}");
        }
        assert!(seen.len() > 5);
    }
}

#[test]
fn what_the_document_says_is_an_object_is_no_array() {
    let site = Site::new("");
    let alice = site.alice();
    let answer = alice.ask("PATCH /v1/groups/patrol", Some(&json!([null, null])));
    assert_eq!(answer.problem(), (422, "usage".into()));
    let group = json!({ "group": "000077", "plan": [null, null] });
    assert_eq!(alice.post("groups", group).problem(), (422, "usage".into()));
    for wrong in ["permits?after=", "permits?after=%20", "members?after="] {
        let answer = alice.ask(&format!("GET /v1/groups/patrol/{wrong}"), None);
        assert_eq!(answer.problem(), (422, "usage".into()), "{wrong}");
    }
}

#[test]
fn a_session_begins_by_a_password_and_ends() {
    let site = Site::new("");
    let sign_in = |name: &str, password: &str| {
        let body = json!({ "name": name, "password": password });
        site.https.json(site.serving.operator, "POST /v1/session", None, Some(&body))
    };
    let said = sign_in("alice", PASSWORD).done();
    assert_eq!(said["role"], "operator");
    for (name, password) in [("alice", "wrong"), ("nobody", PASSWORD), ("", "")] {
        assert_eq!(sign_in(name, password).problem(), (401, "wrong_password".into()));
    }
    let alice = site.alice();
    alice.get("status");
    alice.ask("DELETE /v1/session", None).done();
    assert_eq!(alice.ask("GET /v1/status", None).problem(), (401, "not_signed_in".into()));
    let alice = site.alice();
    site.manager.pass(8 * HOUR + 1);
    assert_eq!(alice.ask("GET /v1/status", None).problem(), (401, "not_signed_in".into()));
    let alice = site.alice();
    site.manager.done("operator remove alice");
    assert_eq!(alice.ask("GET /v1/status", None).problem(), (401, "not_signed_in".into()));
    assert_eq!(sign_in("alice", PASSWORD).status, 401);
    assert_eq!(site.manager.refused("operator remove alice"), "no_operator");
    let names = site.manager.done("operator list");
    assert_eq!(names["operators"], json!([{ "operator": "victor", "role": "viewer" }]));
}

#[test]
fn a_token_of_the_command_line_reads_the_counters() {
    let site = Site::new("");
    site.member(1);
    let token = site.manager.done("operator token victor")["token"].as_str().unwrap().to_owned();
    let program = SignedIn { https: site.https.clone(), to: site.serving.operator, token };
    let text = program.ask("GET /metrics", None).text;
    for line in ["prose_manager_joins_total 1", "prose_manager_enrolments_total 1"] {
        assert!(text.lines().any(|one| one == line), "{text}");
    }
    // A year: longer than any session.
    site.manager.done("--accept-clock group list");
    assert_eq!(program.ask("GET /v1/status", None).status, 200);
}

#[test]
fn a_group_is_made_changed_and_shown() {
    let site = Site::new("");
    let alice = site.alice();
    let plan = json!({ "profile": "3gpp-ts33303", "lifetime_s": 864_000, "ahead": 0 });
    let group = json!({ "group": "000077", "name": "fire", "plan": plan });
    let answer = alice.post("groups", group.clone());
    assert_eq!(answer.status, 201);
    let said = answer.done();
    assert_eq!((&said["suite"], &said["ahead"]), (&"3gpp".into(), &0.into()));
    assert_eq!(alice.post("groups", group).problem(), (409, "taken".into()));
    let change = |plan: Value| alice.ask("PATCH /v1/groups/fire", Some(&plan));
    let said =
        change(json!({ "profile": "hkdf-sha256", "ahead": 2, "joining": "approved" })).done();
    let shown = (&said["suite"], &said["ahead"], &said["joining"], &said["lifetime_s"]);
    assert_eq!(shown, (&"aead".into(), &2.into(), &"approved".into(), &864_000.into()));
    assert_eq!(alice.get("groups/000077"), said);
    for wrong in [
        json!({ "ahead": 3 }),
        json!({ "lifetime_s": 0 }),
        json!({ "profile": "rot13" }),
        json!({ "label": "a".repeat(33) }),
        json!({ "nonsense": 1 }),
    ] {
        assert_eq!(change(wrong.clone()).problem(), (422, "usage".into()), "{wrong}");
    }
    assert_eq!(alice.ask("GET /v1/groups/none", None).problem(), (404, "unknown".into()));
    // The next key is as it says, the one in use stays.
    let said = alice.post("groups/fire/rotate", json!({})).done();
    assert_eq!(said["generations"].as_array().unwrap().len(), 4);
    assert_eq!(alice.get("groups")["entries"].as_array().unwrap().len(), 2);
}

#[test]
fn lists_come_in_parts() {
    let site = Site::new("");
    let radios: Vec<_> = (1..=5).map(|n| site.member(n)).collect();
    let alice = site.alice();
    for (path, name) in [("devices", "device"), ("groups/patrol/members", "member")] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let part = alice.get(&format!("{path}?limit=2{after}"));
            let entries = part["entries"].as_array().unwrap();
            assert!(entries.len() <= 2);
            seen.extend(entries.iter().map(|one| one[name].as_str().unwrap().to_owned()));
            let Some(next) = part["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert!(seen.len() == radios.len() && seen.is_sorted(), "{path}: {seen:?}");
    }
    let newest = alice.get("audit?limit=1");
    let second = alice.get(&format!("audit?limit=1&after={}", newest["next"].as_str().unwrap()));
    assert!(second["entries"][0]["number"].as_u64() < newest["entries"][0]["number"].as_u64());
    for wrong in ["devices?after=xyz", "audit?after=xyz", "devices?limit=x", "devices?more=1"] {
        let (status, _) = alice.ask(&format!("GET /v1/{wrong}"), None).problem();
        assert!([400, 422].contains(&status), "{wrong}");
    }
}

#[test]
fn each_change_is_in_the_audit_under_its_operators_name() {
    let site = Site::new("");
    let alice = site.alice();
    alice.post("groups/patrol/rotate", json!({})).done();
    let newest = alice.get("audit?limit=1")["entries"][0].clone();
    assert_eq!(
        (&newest["who"], &newest["what"]),
        (&"operator alice".into(), &"key rotate 0a0b0c".into())
    );
}

#[test]
fn a_clock_that_jumped_is_accepted_by_an_operator() {
    let site = Site::new("");
    let radio = site.member(1);
    // A program's token outlasts the jump.
    let token = site.manager.done("operator token alice")["token"].as_str().unwrap().to_owned();
    let alice = SignedIn { https: site.https.clone(), to: site.serving.operator, token };
    site.manager.pass(3 * DAY);
    assert_eq!(alice.get("status")["clock_refused"], "clock_ahead");
    let answer = alice.post("groups/patrol/rotate", json!({}));
    assert_eq!(answer.problem(), (503, "clock_ahead".into()));
    alice.post("clock/accept", json!({})).done();
    assert_eq!(alice.get("status")["clock_refused"], Value::Null);
    alice.post("groups/patrol/rotate", json!({})).done();
    site.online(&radio).ask("package", None).done();
}

#[test]
fn an_invitation_has_all_that_a_token_file_has() {
    let site = Site::new("");
    let request = json!({ "subscriber": "s5", "expires_s": 3600 });
    let said = site.alice().post("invitations", request).done();
    assert_eq!(said["token"].as_str().unwrap().len(), 43);
    let of_file = crate::serving::TokenFile::read(&site.manager.path("nobody.token"));
    assert_eq!(said["authority"], of_file.get("authority"));
    assert_eq!(said["fingerprint"], of_file.get("fingerprint"));
    for wrong in [
        json!({ "subscriber": "a b", "expires_s": 3600 }),
        json!({ "subscriber": "a", "expires_s": 0 }),
        json!({ "subscriber": "a", "expires_s": 3600, "device": "12" }),
    ] {
        assert_eq!(site.alice().post("invitations", wrong).problem().0, 422);
    }
}

#[test]
fn members_are_put_in_and_taken_out() {
    let site = Site::new("");
    let radio = site.radio(1);
    let alice = site.alice();
    let member = json!({ "member": "000042", "may_send": true });
    let put = || alice.ask("PUT /v1/groups/patrol/members/s1", Some(&member));
    assert_eq!(put().done()["member"]["member"], "000042");
    assert_eq!(put().done()["rotated"], false);
    let joined = site.online(&radio).ask(&format!("groups/{GROUP}/join"), None).done();
    site.online(&radio).take(&joined["package"]);
    alice.ask("DELETE /v1/groups/patrol/members/s1", None).done();
    let again = alice.ask("DELETE /v1/groups/patrol/members/s1", None);
    assert_eq!(again.problem(), (404, "not_member".into()));
    assert_eq!(put().done()["rotated"], true);
    let permits = alice.get("groups/patrol/permits");
    assert_eq!(permits["entries"][0]["subscriber"], "s1");
    alice.ask("DELETE /v1/groups/patrol/permits/s1", None).done();
    let again = alice.ask("DELETE /v1/groups/patrol/permits/s1", None);
    assert_eq!(again.problem(), (404, "not_listed".into()));
}
