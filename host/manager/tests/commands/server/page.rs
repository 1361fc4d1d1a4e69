use serde_json::json;

use super::Site;
use crate::fixture::{GROUP, HOUR, PASSWORD};
use crate::serving::Answer;

/// Somebody with a browser.
struct Browser<'a> {
    site: &'a Site,
    /// The `Cookie` header.
    cookie: Option<String>,
}

/// Where its forms come from, as it says itself.
const ORIGIN: (&str, &str) = ("Origin", "https://manager.test");

impl<'a> Browser<'a> {
    const fn new(site: &'a Site) -> Self {
        Self { site, cookie: None }
    }

    fn signed_in(site: &'a Site, name: &str) -> Self {
        let mut browser = Self::new(site);
        let answer =
            browser.send("/sign-in", &format!("name={name}&password={}", encoded(PASSWORD)));
        assert_eq!(
            (answer.status, answer.headers["location"].as_str()),
            (303, "/groups"),
            "{answer:?}"
        );
        let set = answer.headers["set-cookie"].clone();
        for rule in ["__Host-session=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
            assert!(set.contains(rule), "{set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        browser.cookie = set.split(';').next().map(str::to_owned);
        browser
    }

    fn ask(&self, line: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let mut headers: Vec<_> =
            more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.extend(self.cookie.clone().map(|cookie| ("Cookie", cookie)));
        let answer =
            self.site.https.ask(self.site.serving.operator, line, &headers, Some(body.as_bytes()));
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("script"));
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        answer
    }

    fn open(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[], "")
    }

    /// A page that is there.
    #[track_caller]
    fn page(&self, path: &str) -> String {
        let answer = self.open(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        answer.text
    }

    fn send(&self, path: &str, body: &str) -> Answer {
        self.send_from(path, body, ORIGIN)
    }

    fn send_from(&self, path: &str, body: &str, from: (&str, &str)) -> Answer {
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.ask(&format!("POST {path}"), &[kind, from], body)
    }

    /// What the form of a page brings back.
    fn form(&self, path: &str) -> String {
        let page = self.page(path);
        let (_, form) = page.split_once("class=\"answers\"").unwrap();
        let (form, _) = form.split_once("</form>").unwrap();
        let fields = form.split("<input type=\"hidden\" ").skip(1).map(|field| {
            let value = |name: &str| {
                let (_, rest) = field.split_once(&format!("{name}=\"")).unwrap();
                rest.split('"').next().unwrap().to_owned()
            };
            format!("{}={}", value("name"), value("value"))
        });
        fields.collect::<Vec<_>>().join("&")
    }

    /// Says yes to a question.
    fn confirm(&self, path: &str) -> Answer {
        self.send(path, &self.form(path))
    }
}

fn encoded(text: &str) -> String {
    text.replace(' ', "+")
}

/// Status, and the name of the problem that a page tells.
fn told(answer: &Answer) -> (u16, String) {
    let (_, rest) = answer.text.split_once("Name of this problem: <code>").expect("a problem");
    (answer.status, rest.split('<').next().unwrap().to_owned())
}

/// All pages and acts of a site with device s1 in its group.
fn pages() -> Vec<(&'static str, bool)> {
    let acts = ["/groups/patrol/rotate", "/groups/patrol/exclude/s1", "/devices/s1/lost"];
    let looks = ["/groups", "/groups/patrol", "/devices", "/devices/s1"];
    looks.into_iter().map(|path| (path, false)).chain(acts.map(|path| (path, true))).collect()
}

#[test]
fn nobody_sees_a_page_without_signing_in() {
    let site = Site::new("");
    site.member(1);
    let mut browser = Browser::new(&site);
    for cookie in [
        None,
        Some("__Host-session=".to_owned()),
        Some(format!("__Host-session={}", "A".repeat(43))),
    ] {
        browser.cookie = cookie;
        for (path, is_act) in pages().into_iter().chain([("/", false)]) {
            let answer = browser.open(path);
            assert_eq!(
                (answer.status, answer.headers["location"].as_str()),
                (303, "/sign-in"),
                "{path}"
            );
            if is_act {
                assert_eq!(browser.send(path, "form=x").headers["location"], "/sign-in", "{path}");
            }
        }
    }
    assert!(browser.page("/sign-in").contains("<h1>Sign in</h1>"));
    assert_eq!(browser.open("/style.css").headers["content-type"], "text/css; charset=utf-8");
    // One way does for nobody who has come by the other.
    browser.cookie = None;
    let token = site.alice().token;
    let bearer = ("Authorization", format!("Bearer {token}"));
    let answer = browser.ask("GET /groups", &[(bearer.0, &bearer.1)], "");
    assert_eq!(answer.status, 303);
    let cookie = [("Cookie", format!("__Host-session={token}"))];
    let answer = site.https.ask(site.serving.operator, "GET /v1/groups", &cookie, None);
    assert_eq!(answer.problem(), (401, "not_signed_in".into()));
}

#[test]
fn a_browser_signs_in_and_out() {
    let site = Site::new("");
    let browser = Browser::signed_in(&site, "alice");
    assert!(browser.page("/groups").contains("alice, operator"));
    assert_eq!(browser.open("/").headers["location"], "/groups");
    let again = Browser::new(&site);
    for body in ["name=alice&password=wrong", "name=nobody&password=wrong", "name=&password="] {
        let answer = again.send("/sign-in", body);
        assert!(answer.status == 401 && answer.text.contains("role=\"alert\""), "{answer:?}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    for body in ["", "name=alice", "password=x", "name=a&password=b&more=c"] {
        assert_eq!(again.send("/sign-in", body).status, 422, "{body}");
    }
    let form = browser.form("/groups/patrol/rotate");
    let answer = browser.send("/sign-out", &form);
    assert_eq!(answer.headers["location"], "/sign-in");
    assert!(answer.headers["set-cookie"].contains("Max-Age=0"));
    assert_eq!(browser.open("/groups").status, 303);
    let browser = Browser::signed_in(&site, "alice");
    site.manager.pass(8 * HOUR + 1);
    assert_eq!(browser.open("/groups").status, 303);
}

#[test]
fn pages_show_groups_members_keys_and_who_lags() {
    let site = Site::new("");
    site.member(1);
    let radio = site.member(2);
    let browser = Browser::signed_in(&site, "alice");
    assert!(browser.page("/groups").contains("<a href=\"/groups/0a0b0c\">patrol</a>"));
    let page = browser.page("/groups/patrol");
    assert_eq!(page.matches("<span class=\"mark good\">applied</span>").count(), 2, "{page}");
    site.alice().post("groups/patrol/rotate", json!({})).done();
    site.online(&radio).take(&site.online(&radio).ask("package", None).done());
    site.online(&radio).ask("receipt", None).done();
    let page = browser.page("/groups/patrol");
    assert_eq!(page.matches("<span class=\"mark good\">applied</span>").count(), 1, "{page}");
    assert_eq!(page.matches("<span class=\"mark late\">lags: a new one is due</span>").count(), 1);
    // The picture has the same keys as the table.
    let current = site.manager.current().to_string();
    let (picture, table) = page.split_once("</svg>").unwrap();
    for part in [picture, table] {
        assert!(part.contains(&format!(">{current}<")), "{part}");
    }
    assert_eq!(picture.matches("<rect class=\"key ").count(), 3, "{picture}");
    assert!(browser.page("/devices/s2").contains(&radio.id()));
    assert!(browser.page("/devices").contains("s1") && !page.contains("<script"));
}

#[test]
fn an_alarm_is_on_each_page_that_shows_the_device() {
    let site = Site::new("");
    let radio = site.member(1);
    let browser = Browser::signed_in(&site, "victor");
    let alarm = "older state than before";
    for path in ["/groups", "/groups/patrol", "/devices", "/devices/s1"] {
        assert!(!browser.page(path).contains(alarm), "{path}");
    }
    let before = radio.stored();
    site.alice().post("groups/patrol/rotate", json!({})).done();
    site.online(&radio).take(&site.online(&radio).ask("package", None).done());
    site.online(&radio).ask("receipt", None).done();
    radio.put_back(before);
    site.manager.pass(1);
    assert_eq!(site.online(&radio).ask("package", None).problem(), (403, "rolled_back".into()));
    for path in ["/groups", "/groups/patrol", "/devices", "/devices/s1"] {
        assert!(browser.page(path).contains(alarm), "{path}");
    }
}

#[test]
fn a_viewer_looks_and_changes_nothing() {
    let site = Site::new("");
    site.member(1);
    let alice = Browser::signed_in(&site, "alice");
    let victor = Browser::signed_in(&site, "victor");
    // Any form of his session has its token: that of the way out.
    let page = victor.page("/groups");
    let (_, rest) = page.split_once("name=\"form\" value=\"").unwrap();
    let form = format!("form={}", rest.split('"').next().unwrap());
    let current = site.manager.current();
    for (path, is_act) in pages() {
        if is_act {
            assert!(!alice.form(path).is_empty());
            assert_eq!(told(&victor.open(path)), (403, "viewer_only".into()), "{path}");
            assert_eq!(told(&victor.send(path, &form)), (403, "viewer_only".into()), "{path}");
            continue;
        }
        let page = victor.page(path);
        let acts = ["/rotate\"", "/exclude/", "/lost\""];
        assert!(acts.iter().all(|act| !page.contains(act)), "{path}: {page}");
    }
    assert_eq!(site.manager.current(), current);
}

#[test]
fn a_form_is_of_this_page_and_this_session_or_it_does_nothing() {
    let site = Site::new("");
    site.member(1);
    let alice = Browser::signed_in(&site, "alice");
    let other = Browser::signed_in(&site, "alice");
    let before = site.alice().get("audit?limit=1")["entries"][0]["number"].as_u64().unwrap();
    for path in ["/groups/patrol/rotate", "/groups/patrol/exclude/s1", "/devices/s1/lost"] {
        let form = alice.form(path);
        for wrong in ["", "form=", "form=AAAA", &other.form(path)] {
            assert_eq!(told(&alice.send(path, wrong)), (403, "foreign_form".into()), "{wrong}");
        }
        for from in [
            ("Origin", "https://other.test"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Accept", "*/*"),
        ] {
            let answer = alice.send_from(path, &form, from);
            assert_eq!(told(&answer), (403, "foreign_form".into()), "{from:?}");
        }
        // What a link or an image can ask.
        assert_eq!(alice.open(&format!("{path}?{form}")).status, 200);
    }
    let sign_in = format!("name=alice&password={}", encoded(PASSWORD));
    let answer = alice.send_from("/sign-in", &sign_in, ("Sec-Fetch-Site", "cross-site"));
    assert_eq!(told(&answer), (403, "foreign_form".into()));
    let after = site.alice().get("audit?limit=1")["entries"][0]["number"].as_u64().unwrap();
    // Nothing but this signing in.
    assert_eq!(after, before + 1);
}

#[test]
fn rotate_exclude_and_lost_are_asked_first_and_done_once() {
    let site = Site::new("");
    let radios = [site.member(1), site.member(2), site.member(3)];
    let alice = Browser::signed_in(&site, "alice");
    let api = site.alice();
    let newest = || api.get("audit?limit=1")["entries"][0].clone();
    let below = || api.get("groups/patrol")["next"].as_u64().unwrap();

    let path = "/groups/patrol/rotate";
    let (first, form) = (site.manager.current(), alice.form(path));
    assert_eq!(site.manager.current(), first);
    let answer = alice.send(path, &form);
    assert_eq!(answer.headers["location"], format!("/groups/{GROUP}?done=rotated"));
    let second = site.manager.current();
    assert!(second > first);
    assert_eq!(
        (&newest()["who"], &newest()["what"]),
        (&json!("operator alice"), &json!(format!("key rotate {GROUP}")))
    );
    assert!(alice.page(&answer.headers["location"]).contains("role=\"status\""));
    assert_eq!(told(&alice.send(path, &form)), (409, "moved_on".into()));
    assert_eq!(site.manager.current(), second);

    let path = "/groups/patrol/exclude/s1";
    assert!(
        alice.page(path).contains(&radios[0].id()[..8])
            && alice.page(path).contains("The 2 other members")
    );
    let form = alice.form(path);
    assert_eq!(
        alice.send(path, &form).headers["location"],
        format!("/groups/{GROUP}?done=excluded")
    );
    let ended = below();
    assert!(ended > second && !alice.page("/groups/patrol").contains("/devices/s1\""));
    assert_eq!(told(&alice.send(path, &form)), (409, "moved_on".into()));
    assert_eq!(below(), ended);

    let path = "/devices/s2/lost";
    assert!(alice.page(path).contains("<a href=\"/groups/0a0b0c\">patrol</a>"));
    let form = alice.form(path);
    assert_eq!(alice.send(path, &form).headers["location"], "/devices/s2?done=lost");
    let ended = below();
    assert!(alice.page("/devices/s2?done=lost").contains("role=\"status\""));
    assert_eq!(site.online(&radios[1]).ask("package", None).problem(), (403, "lost".into()));
    assert_eq!(alice.send(path, &form).status, 303);
    assert_eq!(below(), ended);
    // The one who is left goes on.
    let said = site.online(&radios[2]).ask("package", None).done();
    site.online(&radios[2]).take(&said);
    assert!(radios[2].sends(site.manager.current()));
    assert_eq!(alice.confirm("/groups/patrol/rotate").status, 303);
}

#[test]
fn what_is_not_there_is_told_and_what_somebody_wrote_is_no_markup() {
    let site = Site::new("");
    site.member(1);
    let alice = Browser::signed_in(&site, "alice");
    for path in [
        "/groups/none",
        "/devices/none",
        "/groups/none/rotate",
        "/devices/none/lost",
        "/groups/patrol/exclude/none",
    ] {
        assert_eq!(told(&alice.open(path)), (404, "unknown".into()), "{path}");
    }
    for path in
        ["/groups/%3Cscript%3E", "/devices?after=%3Cscript%3E", "/groups/patrol?done=%3Cscript%3E"]
    {
        assert!(!alice.open(path).text.contains("<script"), "{path}");
    }
    assert_eq!(told(&alice.open("/devices?after=%3Cb%3E")), (422, "usage".into()));
    // What no browser makes of these pages is told as to a program.
    for path in ["/groups/%ff", "/groups?after=1&after=2"] {
        assert_eq!(alice.open(path).problem(), (400, "malformed".into()), "{path}");
    }
    let answer = Browser::new(&site).send("/sign-in", "name=%22%3E%3Cscript%3E&password=x");
    assert!(answer.status == 401 && answer.text.contains("&quot;&gt;&lt;script&gt;"), "{answer:?}");
}

#[test]
fn a_long_list_comes_in_parts() {
    let site = Site::new("");
    site.member(1);
    let alice = Browser::signed_in(&site, "alice");
    let page = alice.page("/groups/patrol");
    assert!(page.contains("/devices/") && !page.contains("From the beginning"), "{page}");
    let page = alice.page("/groups/patrol?after=000001");
    assert!(page.contains("Nobody is in this group behind these."), "{page}");
    assert!(page.contains("<a href=\"/groups/0a0b0c\">From the beginning</a>"), "{page}");
}
