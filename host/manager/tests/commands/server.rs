//! The server: radios over the network.

mod device;
mod operator;
mod page;
mod side_by_side;

use serde_json::json;

use crate::fixture::{GROUP, Manager, Radio};
use crate::serving::{Https, Online, Serving, SignedIn, TokenFile};

/// A manager that is served, with a group that its listed subscribers may join.
pub(crate) struct Site {
    serving: Serving,
    pub(crate) manager: Manager,
    https: Https,
}

impl Site {
    pub(crate) fn new(group: &str) -> Self {
        Self::with_config(group, "rate = 1000\nburst = 1000\n")
    }

    /// With a few lines more in its configuration.
    fn with_config(group: &str, config: &str) -> Self {
        let manager = Manager::new();
        let file = manager.home().join("manager.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, text + config).unwrap();
        manager.done(&format!("group add {GROUP} --name patrol {group}"));
        manager.done("operator add alice");
        manager.done("operator add victor --role viewer");
        let serving = manager.serve();
        manager.done("device invite nobody --url https://manager.test:8443 --out @nobody.token");
        let https = TokenFile::read(&manager.path("nobody.token")).https();
        Self { serving, manager, https }
    }

    pub(crate) fn online<'a>(&self, radio: &'a Radio) -> Online<'a> {
        Online { radio, https: self.https.clone(), to: self.serving.device }
    }

    /// A token for a subscriber; `more`: further words.
    fn token(&self, subscriber: &str, more: &str) -> String {
        let file = self.manager.path(&format!("{subscriber}.token"));
        let _ = std::fs::remove_file(&file);
        let words = format!(
            "device invite {subscriber} --url https://manager.test --out @{subscriber}.token"
        );
        self.manager.done(&format!("{words} {more}"));
        TokenFile::read(&file).get("token").to_owned()
    }

    /// A radio of subscriber s`n`, who may join the group; it has enrolled and is approved.
    pub(crate) fn radio(&self, n: u64) -> Radio {
        let radio = Radio::new(n);
        radio.enrol(&self.manager.path("enrol"));
        let token = self.token(&format!("s{n}"), &format!("--device {}", radio.id()));
        let said = self.online(&radio).enrol(&token).done();
        assert_eq!(said["standing"], "approved");
        self.manager.done(&format!("member allow patrol s{n}"));
        radio
    }

    fn alice(&self) -> SignedIn {
        SignedIn::new(&self.https, self.serving.operator, "alice")
    }

    /// A radio that has joined and reported.
    fn member(&self, n: u64) -> Radio {
        let radio = self.radio(n);
        let online = self.online(&radio);
        let said = online.ask(&format!("groups/{GROUP}/join"), None).done();
        online.take(&said["package"]);
        assert_eq!(online.ask("receipt", None).done()["package"], "applied");
        radio
    }
}

#[test]
fn a_radio_enrols_joins_derives_updates_and_is_excluded() {
    let site = Site::new("");
    let radio = Radio::new(7);
    // Its own radio's owner enrols it first: a foreign root would be an alarm.
    radio.enrol(&site.manager.path("nobody.token"));
    let online = site.online(&radio);
    let token = site.token("s7", "");
    let said = online.enrol(&token).done();
    assert_eq!((&said["standing"], &said["subscriber"]), (&"pending".into(), &"s7".into()));
    // Not yet approved.
    let join = format!("groups/{GROUP}/join");
    assert_eq!(online.ask(&join, None).problem(), (403, "not_approved".into()));
    let alice = site.alice();
    let approval = json!({ "fingerprint": radio.id() });
    let said = alice.post("devices/approve", approval.clone()).done();
    assert_eq!(
        (&said["device"]["name"], &said["device"]["standing"]),
        (&"s7".into(), &"approved".into())
    );
    assert_eq!(alice.post("devices/approve", approval).problem(), (409, "approved_already".into()));
    // Not authorised.
    assert_eq!(online.ask(&join, None).problem(), (403, "not_authorised".into()));
    alice.ask("PUT /v1/groups/patrol/permits/s7", Some(&json!({ "may_send": true }))).done();
    let joined = online.ask(&join, None).done();
    assert_eq!((&joined["member"], &joined["name"]), (&"000001".into(), &"patrol".into()));
    online.take(&joined["package"]);
    let said = online.ask("receipt", None).done();
    assert_eq!(
        (&said["package"], &said["groups"][0]["member"]),
        (&"applied".into(), &"000001".into())
    );
    assert!(radio.sends(site.manager.current()));
    // A rotation, and the update.
    assert_eq!(online.ask("updates", Some(&json!({ "wait_s": 0 }))).status, 204);
    alice.post("groups/patrol/rotate", json!({})).done();
    let lag = alice.get("groups/patrol/members");
    assert_eq!(lag["entries"][0]["package"], "due");
    let said = online.ask("updates", Some(&json!({ "wait_s": 5 }))).done();
    online.take(&said["package"]);
    online.ask("receipt", None).done();
    assert_eq!(alice.get("groups/patrol/members")["entries"][0]["package"], "applied");
    assert!(radio.sends(site.manager.current()));
    // Out, and no way back by itself.
    alice.post("groups/patrol/exclude", json!({ "device": "s7" })).done();
    let said = online.ask("package", None).done();
    online.take(&said);
    assert!(radio.held().is_empty());
    assert_eq!(online.ask(&join, None).problem(), (403, "not_authorised".into()));
    alice.post("devices/s7/lost", json!({})).done();
    assert_eq!(online.ask("receipt", None).problem(), (403, "lost".into()));
}
