use std::time::Instant;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Site;
use crate::fixture::{DAY, GROUP, HOUR, Radio};

const JOIN: &str = "groups/0a0b0c/join";

#[test]
fn who_does_not_say_who_he_is_gets_a_nonce_and_nothing_else() {
    let site = Site::new("");
    let radio = site.member(1);
    let online = site.online(&radio);
    for path in ["enrol", "receipt", JOIN, "package", "updates", "groups/0a0b0c/bundle"] {
        let line = format!("POST /v1/{path}");
        let answer = site.https.json(online.to, &line, None, None);
        assert_eq!(answer.problem(), (401, "no_statement".into()), "{path}");
        let nonce = Base64UrlUnpadded::decode_vec(&answer.headers["next-nonce"]).unwrap();
        let statement = radio.answer(nonce.try_into().unwrap());
        assert_eq!(online.ask_with("receipt", &statement, None).status, 200);
    }
    let mut statement = radio.answer(online.nonce());
    statement[40] ^= 1;
    let (status, _) = online.ask_with("receipt", &statement, None).problem();
    assert_eq!(status, 401);
    let statement = radio.answer([7; 32]);
    assert_eq!(online.ask_with("receipt", &statement, None).problem(), (401, "bad_nonce".into()));
    for (line, status) in [("GET /v1/nonce", 405), ("GET /v2", 404), ("POST /v1/session", 404)] {
        assert_eq!(site.https.json(online.to, line, None, None).problem().0, status, "{line}");
    }
    assert_eq!(site.https.json(online.to, "GET /healthz", None, None).text, "ok\n");
}

#[test]
fn a_nonce_is_good_once_and_for_a_while() {
    let site = Site::new("");
    let radio = site.member(1);
    let online = site.online(&radio);
    let statement = radio.answer(online.nonce());
    assert_eq!(online.ask_with("package", &statement, None).status, 200);
    let again = online.ask_with("package", &statement, None);
    assert_eq!(again.problem(), (401, "nonce_used".into()));
    let late = radio.answer(online.nonce());
    site.manager.pass(301);
    assert_eq!(online.ask_with("package", &late, None).problem(), (401, "bad_nonce".into()));
}

#[test]
fn a_token_is_one_subscribers_one_radios_and_not_for_ever() {
    let site = Site::new("");
    let radio = |n| {
        let radio = Radio::new(n);
        radio.enrol(&site.manager.path("enrol"));
        radio
    };
    let (first, second) = (radio(1), radio(2));
    let token = site.token("s1", "");
    let answer = site.online(&first).enrol(&token).done();
    // The answer was lost: the same device asks again.
    assert_eq!(site.online(&first).enrol(&token).done(), answer);
    assert_eq!(site.online(&second).enrol(&token).problem(), (403, "token_used".into()));
    let other = Base64UrlUnpadded::encode_string(&[7; 32]);
    assert_eq!(site.online(&second).enrol(&other).problem(), (403, "bad_token".into()));
    for wrong in ["", "?", &"A".repeat(200)] {
        assert_eq!(site.online(&second).enrol(wrong).problem(), (403, "bad_token".into()));
    }
    // It is another device's.
    let bound = site.token("s2", &format!("--device {}", first.id()));
    assert_eq!(site.online(&second).enrol(&bound).problem(), (403, "bad_token".into()));
    let short = site.token("s3", "--expires 1h");
    site.manager.pass(HOUR);
    assert_eq!(site.online(&second).enrol(&short).problem(), (403, "token_expired".into()));
    assert_eq!(site.online(&second).ask("receipt", None).problem(), (403, "unknown_device".into()));
    assert_eq!(site.manager.done("device list")["devices"].as_array().unwrap().len(), 1);
    // Nobody can read a token from the database; its digest is there.
    let database = site.manager.database.octets(&site.manager.home());
    let holds = |octets: &[u8]| database.windows(octets.len()).any(|window| window == octets);
    let has = |octets: &[u8]| {
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        holds(octets) || holds(hex.as_bytes())
    };
    for token in [&token, &bound] {
        let octets = Base64UrlUnpadded::decode_vec(token).unwrap();
        assert!(!holds(token.as_bytes()) && !has(&octets) && has(&Sha256::digest(&octets)));
    }
}

#[test]
fn a_radio_of_another_manager_is_an_alarm_and_gets_nothing() {
    let site = Site::new("");
    let theirs = Site::new("");
    let radio = Radio::new(1);
    radio.enrol(&theirs.manager.path("enrol"));
    let token = site.token("s1", "");
    assert_eq!(site.online(&radio).enrol(&token).problem(), (403, "foreign_root".into()));
    let alarms = site.alice().get("alarms");
    assert_eq!(alarms["entries"][0]["alarms"], json!(["foreign_root"]));
    // The token did not go to waste.
    let right = Radio::new(2);
    right.enrol(&site.manager.path("enrol"));
    site.online(&right).enrol(&token).done();
}

#[test]
fn a_radio_whose_storage_was_put_back_is_an_alarm_and_gets_nothing_until_that_is_accepted() {
    let site = Site::new("");
    let radio = site.radio(1);
    let online = site.online(&radio);
    let before = radio.stored();
    let said = online.ask(JOIN, None).done();
    online.take(&said["package"]);
    online.ask("receipt", None).done();
    radio.put_back(before);
    site.manager.pass(1);
    assert_eq!(online.ask("package", None).problem(), (403, "rolled_back".into()));
    let alice = site.alice();
    assert_eq!(alice.get("alarms")["entries"][0]["alarms"], json!(["rolled_back"]));
    assert_eq!(online.ask(JOIN, None).problem(), (403, "rolled_back".into()));
    let changes = alice.get("audit");
    let noted = changes["entries"].as_array().unwrap().iter();
    let is_alarm =
        |one: &&serde_json::Value| one["what"].as_str().unwrap().ends_with("rolled_back");
    assert_eq!(noted.filter(is_alarm).count(), 1, "{changes}");
    let said = alice.post("devices/s1/accept-rollback", json!({})).done();
    assert_eq!(said["rotated"], json!(["patrol"]));
    let said = online.ask("package", None).done();
    online.take(&said);
    assert!(radio.sends(site.manager.current()));
}

#[test]
fn a_statement_that_was_late_on_its_way_is_no_alarm() {
    let site = Site::new("");
    let radio = site.radio(1);
    let online = site.online(&radio);
    let late = radio.answer(online.nonce());
    site.manager.pass(1);
    let said = online.ask(JOIN, None).done();
    online.take(&said["package"]);
    online.ask("receipt", None).done();
    let answer = online.ask_with("receipt", &late, None);
    assert_eq!(answer.problem(), (401, "late_statement".into()));
    assert_eq!(online.ask("receipt", None).done()["alarms"], json!([]));
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let site = Site::new("");
    let radio = site.radio(1);
    let online = site.online(&radio);
    let first = online.ask(JOIN, None).done();
    let again = online.ask(JOIN, None).done();
    assert_eq!(first["package"]["package"], again["package"]["package"]);
    assert_eq!(
        (&first["package"]["is_new"], &again["package"]["is_new"]),
        (&true.into(), &false.into())
    );
    assert_eq!(first["member"], again["member"]);
    online.take(&again["package"]);
    assert_eq!(online.ask("receipt", None).done()["package"], "applied");
}

#[test]
fn members_get_ids_that_nobody_had_and_a_permit_may_name_one() {
    let site = Site::new("");
    let (first, second, third) = (site.radio(1), site.radio(2), site.radio(3));
    site.manager.done("member allow patrol s2 --member 000a00 --receive-only");
    let join = |radio| site.online(radio).ask(JOIN, None).done();
    assert_eq!(join(&first)["member"], "000001");
    let said = join(&second);
    assert_eq!((&said["member"], &said["may_send"]), (&"000a00".into(), &false.into()));
    assert_eq!(join(&third)["member"], "000a01");
}

#[test]
fn every_approved_radio_may_join_where_the_group_says_so() {
    let site = Site::new("--joining approved");
    let radio = site.radio(1);
    site.manager.done("member forbid patrol s1");
    let online = site.online(&radio);
    assert_eq!(online.ask("groups/0a0b0d/join", None).problem(), (403, "not_authorised".into()));
    assert_eq!(online.ask("groups/patrol/join", None).problem(), (422, "usage".into()));
    online.ask(JOIN, None).done();
    site.manager.done("member remove patrol s1");
    assert_eq!(online.ask(JOIN, None).problem(), (403, "not_authorised".into()));
    site.manager.done("member add patrol s1 000009");
    assert_eq!(online.ask(JOIN, None).done()["member"], "000009");
}

#[test]
fn who_waits_hears_of_a_new_key_and_of_his_approval() {
    let site = Site::new("");
    let radio = site.member(1);
    let waiter = Radio::new(9);
    waiter.enrol(&site.manager.path("enrol"));
    let token = site.token("s9", "");
    site.online(&waiter).enrol(&token).done();
    let began = Instant::now();
    let wait = json!({ "wait_s": 30 });
    std::thread::scope(|scope| {
        let member = scope.spawn(|| site.online(&radio).ask("updates", Some(&wait)).done());
        let pending = scope.spawn(|| site.online(&waiter).ask("updates", Some(&wait)).done());
        std::thread::sleep(std::time::Duration::from_millis(500));
        // By another process: the command line.
        site.manager.done("key replace patrol --yes");
        site.manager.done(&format!("device approve {}", waiter.id()));
        let said = member.join().unwrap();
        site.online(&radio).take(&said["package"]);
        assert_eq!(pending.join().unwrap()["standing"], "approved");
    });
    assert!(began.elapsed().as_secs() < 20);
    assert!(radio.sends(site.manager.current()));
    assert_eq!(site.online(&radio).ask("updates", Some(&json!({ "wait_s": 61 }))).status, 422);
}

#[test]
fn a_member_carries_the_bundle_of_its_group_and_nobody_else_does() {
    let site = Site::new("");
    let (carrier, other) = (site.member(1), site.member(2));
    let stranger = site.radio(3);
    site.manager.done("key replace patrol --yes");
    let bundle = format!("groups/{GROUP}/bundle");
    let said = site.online(&stranger).ask(&bundle, Some(&json!({})));
    assert_eq!(said.problem(), (403, "not_authorised".into()));
    let said = site.online(&carrier).ask(&bundle, Some(&json!({}))).done();
    let notice = Base64UrlUnpadded::decode_vec(said["notice"].as_str().unwrap()).unwrap();
    other.take(&notice).unwrap();
    let packages = said["packages"].as_array().unwrap();
    assert_eq!((packages.len(), &said["next"]), (2, &serde_json::Value::Null));
    let its = packages.iter().find(|one| one["device"] == other.id().as_str()).unwrap();
    site.online(&other).take(&its["package"]);
    assert!(other.sends(site.manager.current()));
    let rest = site.online(&carrier).ask(&bundle, Some(&json!({ "after": "000001" }))).done();
    assert_eq!(rest["packages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_new_radio_of_a_subscriber_takes_the_place_of_the_old_one() {
    let site = Site::new("");
    let old = site.member(1);
    let new = Radio::new(101);
    new.enrol(&site.manager.path("enrol"));
    let token = site.token("s1", "");
    site.online(&new).enrol(&token).done();
    // Not before it is approved: whoever has a token throws nobody out.
    site.online(&old).ask("receipt", None).done();
    let said = site.alice().post("devices/approve", json!({ "fingerprint": new.id() })).done();
    assert_eq!(said["ended"][0]["group"], GROUP);
    assert_eq!(said["device"]["name"], "s1");
    assert_eq!(site.online(&old).ask("receipt", None).problem(), (403, "lost".into()));
    let joined = site.online(&new).ask(JOIN, None).done();
    site.online(&new).take(&joined["package"]);
    assert!(new.sends(site.manager.current()));
}

#[test]
fn nothing_is_signed_by_a_clock_that_cannot_be_believed() {
    let site = Site::new("");
    let radio = site.member(1);
    let online = site.online(&radio);
    site.manager.pass(2 * DAY);
    assert_eq!(online.ask("package", None).problem(), (503, "clock_ahead".into()));
    // Nobody signs in by that clock either: it is accepted on the command line, or by who
    // is signed in.
    site.manager.done("--accept-clock group add 000009");
    online.ask("package", None).done();
}

#[test]
fn bodies_are_bounded_and_known() {
    let site = Site::new("");
    let radio = site.radio(1);
    let online = site.online(&radio);
    let long = json!({ "token": "A".repeat(5000) });
    assert_eq!(online.ask("enrol", Some(&long)).problem(), (413, "too_long".into()));
    let more = json!({ "token": "AA", "more": 1 });
    assert_eq!(online.ask("enrol", Some(&more)).problem(), (422, "usage".into()));
    let statement = Base64UrlUnpadded::encode_string(&radio.answer(online.nonce()));
    let headers = [("Authorization", format!("ProSeal-Statement {statement}"))];
    let answer = site.https.ask(online.to, "POST /v1/enrol", &headers, Some(b"{}"));
    assert_eq!(answer.problem(), (415, "no_json".into()));
    let json = ("Content-Type", "application/json".to_owned());
    let headers = [headers[0].clone(), json];
    let answer = site.https.ask(online.to, "POST /v1/enrol", &headers, Some(b"{"));
    assert_eq!(answer.problem(), (400, "malformed".into()));
}

#[test]
fn who_asks_too_often_is_told_to_wait() {
    let site = Site::with_config("", "rate = 1\nburst = 5\n");
    let ask = || site.https.json(site.serving.device, "GET /healthz", None, None);
    let answers: Vec<_> = (0..12).map(|_| ask()).collect();
    let limited: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(limited.len() >= 3, "{answers:?}");
    assert_eq!(limited[0].problem(), (429, "too_many_requests".into()));
    assert_eq!(limited[0].headers["retry-after"], "1");
}
