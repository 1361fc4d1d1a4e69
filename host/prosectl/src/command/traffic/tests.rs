//! Against a daemon that says what a test tells it to say.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use super::*;

const LIMIT: Duration = Duration::from_secs(5);
const GROUP: GroupId = GroupId::from_octets([0x0a, 0x0b, 0x0c]);

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("prosectl-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Answers as many calls as there are answers; the calls.
    fn daemon(&self, answers: &[&str]) -> JoinHandle<Vec<Value>> {
        let listener = UnixListener::bind(self.0.join("socket")).unwrap();
        let answers: Vec<_> = answers.iter().map(|answer| answer.to_string()).collect();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let hear = |answer: String| {
                let mut call = Vec::new();
                while call.last() != Some(&0) {
                    let mut octet = [0];
                    stream.read_exact(&mut octet).unwrap();
                    call.extend(octet);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                serde_json::from_slice(&call[..call.len() - 1]).unwrap()
            };
            answers.into_iter().map(hear).collect()
        })
    }

    fn run(&self, command: TrafficCommand) -> Result<Report, Failure> {
        run(&Traffic { socket: self.0.join("socket"), command }, LIMIT)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays in the temporary folder hurts nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_status_is_for_people_and_as_it_is_for_programs() {
    let folder = Folder::new("status");
    let answer = r#"{"parameters":{"counters":{"received":9,"delivered":5,"objects":1,"waiting":0,
        "drops":{"replayed":3,"length":0},"sent":7,"unsent":0,"objects_sent":2,"send_failed":0,
        "kernel_drops":4,"subscriber_drops":0,"tee_calls":6},"carried":2,"groups":[
        {"group":"0a0b0c","member":"000001","suspended":false,"may_send":true,
        "generations":[1,2],"sending":{"generation":2,"ptk_id":"0003","sn":17}},
        {"group":"0a0b0d","member":"000001","suspended":true,"may_send":true,
        "generations":[],"sending":null}]}}"#;
    let daemon = folder.daemon(&[&format!("{answer}\0")]);
    let report = folder.run(TrafficCommand::Status { watch: None }).unwrap();
    assert_eq!(
        report.text(),
        "group: 0a0b0c\n  member: 000001\n  receiving: generation 1, 2\n  \
         sending: generation 2, PTK Id 0003, SN 17\n\n\
         group: 0a0b0d\n  member: 000001\n  warning: suspended, nothing is sent or received\n  \
         sending: no\n\n\
         sent: 7\nreceived: 9\n  delivered: 5\n  objects: 1\n  waiting: 0\n  dropped: 3\n    \
         replayed: 3\nkernel drops: 4\nobjects sent: 2\ntee calls: 6\n\
         packages carried for others: 2\n"
    );
    assert_eq!(report.object()["counters"]["drops"]["length"], 0);
    assert_eq!(daemon.join().unwrap()[0]["method"], "org.proseal.traffic.Status");
}

#[test]
fn what_the_daemon_says_against_it_has_its_exit_code() {
    for (answer, name, exit_code) in [
        (
            r#"{"error":"org.proseal.traffic.NotPermitted","parameters":{"reason":"no"}}"#,
            "not_permitted",
            5,
        ),
        (
            r#"{"error":"org.proseal.traffic.UnknownGroup","parameters":{"reason":"no"}}"#,
            "unknown_group",
            3,
        ),
        (r#"{"error":"org.varlink.service.MethodNotFound","parameters":{}}"#, "refused", 3),
        ("no json", "bad_answer", 1),
        (r#"{"parameters":1}"#, "bad_answer", 1),
    ] {
        let folder = Folder::new(&format!("refused-{}", answer.len()));
        let daemon = folder.daemon(&[&format!("{answer}\0")]);
        let failure = folder.run(TrafficCommand::Refresh { group: GROUP }).err().unwrap();
        assert_eq!((failure.name(), failure.exit_code()), (name, exit_code), "{failure}");
        let calls = daemon.join().unwrap();
        assert_eq!(calls[0]["parameters"], json!({ "group": "0a0b0c" }));
    }
}

#[test]
fn without_a_daemon_it_says_where_it_looked() {
    let folder = Folder::new("none");
    let failure = folder.run(TrafficCommand::Status { watch: None }).err().unwrap();
    assert_eq!((failure.name(), failure.exit_code()), ("no_daemon", 4));
    assert!(failure.to_string().contains("socket: "), "{failure}");
    assert!(failure.hint().contains("--socket"));
    // It went away in the middle of its answer.
    let daemon = folder.daemon(&["{"]);
    let failure = folder.run(TrafficCommand::Status { watch: None }).err().unwrap();
    assert_eq!(failure.name(), "no_daemon");
    daemon.join().unwrap();
}

#[test]
fn a_folder_is_carried_notice_first_and_only_what_is_signed() {
    let folder = Folder::new("carry");
    let object = |typ: &str| {
        // A COSE_Sign1 whose protected header says its type; nobody checks more here.
        let typ = [&[0xa1, 0x10, 0x60 | typ.len() as u8], typ.as_bytes()].concat();
        [&[0xd2, 0x84, 0x40 | typ.len() as u8], &typ[..], &[0xa0, 0x40, 0x40]].concat()
    };
    let bundle = folder.0.join("bundle");
    fs::create_dir_all(&bundle).unwrap();
    let (package, notice) = (object("proseal-package"), object("proseal-notice"));
    fs::write(bundle.join("000001.package"), &package).unwrap();
    fs::write(bundle.join("README.txt"), "what to do").unwrap();
    let empty = folder.run(TrafficCommand::Carry { group: GROUP, path: folder.0.clone() });
    assert_eq!(empty.err().unwrap().name(), "wrong_file");
    fs::write(bundle.join("notice"), &notice).unwrap();
    let answer =
        |kind: &str| format!("{{\"parameters\":{{\"kind\":\"{kind}\",\"is_new\":true}}}}\0");
    let daemon = folder.daemon(&[&answer("notice"), &answer("package")]);
    let report = folder.run(TrafficCommand::Carry { group: GROUP, path: bundle }).unwrap();
    let calls = daemon.join().unwrap();
    for (call, object) in calls.iter().zip([&notice, &package]) {
        assert_eq!(call["method"], "org.proseal.traffic.Carry");
        assert_eq!(call["parameters"]["object"], Base64::encode_string(object));
    }
    assert_eq!(calls.len(), 2);
    assert!(report.text().contains("000001.package: for another radio\n"), "{}", report.text());
    assert_eq!(report.object()["objects"][0]["kind"], "notice");
}
