//! A device and its manager, by hand: commands as a user types them, against the
//! trusted application's logic in this process.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Parser;
use proseal_client::sim::Machine;
use proseal_issuer::{
    Delegation, DesiredState, Group, GroupKey, ManagerId, Notice, Package, Pgk, RootKey, Signer,
    SignerKey, SignerVersion, Statement,
};
use proseal_proto::content::{Content, Label, Policy};
use proseal_proto::id::{Generation, GroupId, MemberId, PgkId};
use proseal_proto::message::Status;
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::{Install, Scope};
use proseal_ta::sim::Medium;

use super::*;
use crate::value::{grouped, hex};

const TIME: u64 = 1_800_000_000;
const TEN_YEARS: u64 = 3660 * 24 * 3600;
const GROUP: GroupId = GroupId::from_octets([0x0a, 0x0b, 0x0c]);

/// A device in memory, and a folder for files.
struct Device {
    client: Client,
    medium: Arc<Mutex<Medium>>,
    folder: PathBuf,
}

impl Drop for Device {
    fn drop(&mut self) {
        // What stays in the temporary folder hurts nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Device {
    fn new(name: &str) -> Self {
        let medium = Arc::<Mutex<Medium>>::default();
        let seed = name.bytes().map(u64::from).sum();
        let client = Client::new(Machine::start(Arc::clone(&medium), seed));
        let folder = std::env::temp_dir().join(format!("prosectl-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { client, medium, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, octets).unwrap();
        path
    }

    fn run(&mut self, words: &[&str]) -> Result<Report, Failure> {
        let args = Args::<Key>::try_parse_from([&["prosectl"], words].concat()).unwrap();
        carry_out(&mut self.client, &args, false, &|_| ())
    }

    #[track_caller]
    fn done(&mut self, words: &[&str]) -> Report {
        let report = self.run(words).map_err(|failure| failure.to_string()).unwrap();
        println!("$ prosectl {}\n{}", words.join(" "), report.text());
        report
    }

    #[track_caller]
    fn refused(&mut self, words: &[&str], name: &str, exit_code: u8, told: &str, hint: &str) {
        let failure = self.run(words).err().unwrap();
        println!("$ prosectl {}\nprosectl: {failure}\nhint: {}\n", words.join(" "), failure.hint());
        assert_eq!((failure.name(), failure.exit_code()), (name, exit_code), "{failure}");
        assert!(failure.to_string().contains(told), "{failure}");
        assert!(failure.hint().contains(hint), "{}", failure.hint());
    }

    #[track_caller]
    fn import(&mut self, octets: &[u8]) -> Report {
        let path = self.file("import", octets);
        self.done(&["import", &path])
    }

    #[track_caller]
    fn refuses(&mut self, octets: &[u8], name: &str, exit_code: u8, told: &str, hint: &str) {
        let path = self.file("import", octets);
        let before = self.done(&["status"]).text().to_owned();
        self.refused(&["import", &path], name, exit_code, told, hint);
        assert_eq!(self.done(&["status"]).text(), before);
    }
}

struct Manager {
    root: RootKey,
    signer: Signer,
    id: ManagerId,
}

impl Manager {
    fn new(number: u8, version: u32, id: u8) -> Self {
        let (root, key) = (RootKey::from_seed(&[number; 32]), SignerKey::from_seed(&[id; 32]));
        let id = ManagerId([id; 16]);
        let version = SignerVersion::new(version).unwrap();
        let delegation = Delegation::sign(&root, key.public(), version, id);
        Self { signer: Signer::new(key, delegation).unwrap(), root, id }
    }

    fn enrolment(&self) -> String {
        format!("# a manager\nroot-key = {}\nmanager = {}\n", self.root.public(), self.id)
    }

    fn package(&self, device: &mut Device, state: &DesiredState) -> Vec<u8> {
        let file = device.path("statement");
        device.done(&["identity", "export", "--out", &file]);
        let keys = Statement::verify(&fs::read(&file).unwrap()).unwrap().device;
        let random = &mut proseal_issuer::system_random();
        Package::seal(&self.signer, &keys, state, random).unwrap().octets().to_vec()
    }

    fn notice(&self, group: GroupId, below: u64) -> Vec<u8> {
        let below = Generation::new(below).unwrap();
        Notice::sign(&self.signer, group, below, TIME).octets().to_vec()
    }
}

fn state(sequence: u64, next: u64, generations: &[u64]) -> DesiredState {
    let policy = Policy {
        not_before: TIME,
        not_after: TIME + 24 * 3600,
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        label: Label::EMPTY,
        epoch_s: 3600,
        epoch_packets: 1000,
        receive_grace_s: 0,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: false,
    };
    let pgk = |&generation: &u64| Pgk {
        generation: Generation::new(generation).unwrap(),
        id: PgkId(generation as u8),
        key: GroupKey::from_octets(&[generation as u8; 32]),
        is_root: false,
        policy,
    };
    let group = Group {
        group: GROUP,
        member: MemberId::from_octets([0, 0, 1]),
        next: Generation::new(next).unwrap(),
        may_send: true,
        pgks: generations.iter().map(pgk).collect(),
    };
    DesiredState { sequence, time: TIME, start_nonce: None, groups: vec![group] }
}

/// An enrolled device and its manager.
fn enrolled(name: &str) -> (Device, Manager) {
    let (mut device, manager) = (Device::new(name), Manager::new(1, 5, 0xc0));
    let file = device.file("manager.enrol", manager.enrolment());
    device.done(&["enrol", &file, "--yes"]);
    (device, manager)
}

/// Where nothing is read or written.
fn around() -> enrol::Around<'static> {
    enrol::Around { state: std::path::Path::new("/nonexistent"), tell: &|_| () }
}

#[test]
fn an_identity_is_made_once_and_handed_out_as_a_statement() {
    let mut device = Device::new("identity");
    let file = device.path("identity");
    let report = device.done(&["identity", "export", "--out", &file]);
    let octets = fs::read(&file).unwrap();
    let statement = Statement::verify(&octets).unwrap();
    let id = hex(&statement.device.id().0);
    let object = report.object();
    assert_eq!((&object["device"], &object["state"]), (&id.as_str().into(), &"factory".into()));
    assert_eq!(object["x25519"], hex(statement.device.x25519()));
    assert_eq!(object["ed25519"], hex(statement.device.ed25519()));
    assert_eq!((&object["file"], &object["statement"]), (&file.into(), &hex(&octets).into()));
    assert!(report.text().contains(&format!("device id: {id}")), "{}", report.text());
    assert!(report.text().contains("secure console"));
    assert_eq!(hex(&device.medium.lock().unwrap().announced[0].0), id);

    // Again, to standard output: the same device, another nonce.
    let report = device.done(&["identity", "export"]);
    let again = Statement::verify(report.octets().unwrap()).unwrap();
    assert_eq!(again.device, statement.device);
    assert_ne!(again.nonce, statement.nonce);
    let report = device.done(&["--json", "identity", "export"]);
    assert!(report.octets().is_none() && report.object()["file"].is_null());
    assert!(device.done(&["identity", "export", "--qr"]).text().starts_with("█████"));
    device.refused(
        &["identity", "export", "--out", "/nowhere/file"],
        "bad_file",
        1,
        "cannot write /nowhere/file: No such file",
        "may write to",
    );
}

#[test]
fn a_statement_answers_the_managers_nonce_and_tells_what_it_says() {
    let mut device = Device::new("statement");
    let (file, nonce) = (device.path("statement"), "5a".repeat(32));
    let words = ["statement", "export", "--nonce", &nonce, "--out", &file];
    let report = device.done(&words);
    Statement::verify_answer(&fs::read(&file).unwrap(), &[0x5a; 32]).unwrap();
    for told in
        ["state: factory", "time is at least: unknown", "sequence: 0", &nonce, "root key: none"]
    {
        assert!(report.text().contains(told), "{told}: {}", report.text());
    }
    assert!(report.object()["floor"].is_null() && report.object()["root_digest"].is_null());

    let (mut device, manager) = enrolled("statement-2");
    let package = manager.package(&mut device, &state(1, 1, &[1]));
    device.import(&package);
    let report = device.done(&["statement", "export", "--qr"]);
    let root = hex(&manager.root.public().digest());
    for told in ["state: enrolled", "time is at least: 2027-01-15T08:00:00Z", "sequence: 1", &root]
    {
        assert!(report.text().contains(told), "{told}: {}", report.text());
    }
    let object = report.object();
    assert_eq!(
        (&object["floor"], &object["sequence"]),
        (&"2027-01-15T08:00:00Z".into(), &1.into())
    );
    assert_eq!(object["root_digest"], root);
    assert!(object["package_digest"].is_string());
}

#[test]
fn a_device_is_enrolled_once_after_its_operator_has_compared() {
    let mut device = Device::new("enrol");
    let manager = Manager::new(1, 5, 0xc0);
    let fingerprint = grouped(&manager.root.public().digest());
    let file = device.file("manager.enrol", manager.enrolment());
    let words = ["prosectl", "enrol", &file];
    let Command::Enrol(arguments) = Args::<Key>::try_parse_from(words).unwrap().command else {
        panic!()
    };
    for (answer, told) in [
        (confirm::Answer::No, "not enrolled".to_owned()),
        (
            confirm::Answer::NoTerminal,
            format!("say --yes if the root key's fingerprint is {fingerprint}"),
        ),
    ] {
        let failure = enrol::run(&mut device.client, &arguments, &around(), |question| {
            println!("{question}");
            assert!(question.contains(&fingerprint) && question.contains(&manager.id.to_string()));
            answer
        });
        let failure = failure.err().unwrap();
        println!("prosectl: {failure}\nhint: {}", failure.hint());
        assert_eq!((failure.name(), failure.exit_code()), ("usage", 2));
        assert!(failure.to_string().contains(&told), "{failure}");
    }
    assert!(device.done(&["status"]).text().contains("device: factory"));

    enrol::run(&mut device.client, &arguments, &around(), |_| confirm::Answer::Yes).ok().unwrap();
    // Again, and as arguments: nothing else would come of it.
    let (root, id) = (manager.root.public().to_string(), manager.id.to_string());
    let report = device.done(&["enrol", "--root-key", &root, "--manager-id", &id, "--yes"]);
    assert!(report.text().starts_with("enrolled already: this device belongs to manager c0c0"));
    let status = device.done(&["status"]);
    let short = grouped(&manager.root.public().digest()[..8]);
    assert!(status.text().contains(&format!("manager: {id}, root key {short} ...")));
    assert_eq!(status.object()["device"], report.object()["device"]);
    assert_eq!(status.object()["root_digest"], hex(&manager.root.public().digest()));
    assert_eq!(status.object()["manager"], id);

    let other = device.file("other.enrol", Manager::new(2, 1, 0xc1).enrolment());
    let told = format!("this device belongs to manager {id} already");
    device.refused(&["enrol", &other, "--yes"], "wrong_state", 3, &told, "prosectl erase");
}

#[test]
fn radios_of_one_random_source_enrol_as_different_devices() {
    let manager = Manager::new(1, 5, 0xc0);
    let ids = ["twin-ab", "twin-ba"].map(|name| {
        let mut device = Device::new(name);
        let file = device.file("manager.enrol", manager.enrolment());
        device.done(&["enrol", &file, "--yes"]).object()["device"].clone()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn what_is_no_enrolment_is_told() {
    let (mut device, manager) = enrolled("no-enrolment");
    let package = manager.package(&mut device, &state(1, 1, &[1]));
    let statement = device.path("statement");
    for (octets, told, hint) in [
        (package, "is a package, no enrolment file", "prosectl import FILE"),
        (manager.notice(GROUP, 1), "is a notice, no enrolment file", "prosectl import FILE"),
        (fs::read(statement).unwrap(), "is no enrolment file: it is a statement", "bring the"),
        (vec![0xff; 9], "it is no text", "--root-key"),
        (vec![b'#'; 20_000], "more than 1024 octets", "--root-key"),
        (b"root-key = 07".to_vec(), "line 1: expected 64 hexadecimal digits", "--root-key"),
    ] {
        let path = device.file("wrong", octets);
        device.refused(&["enrol", &path, "--yes"], "wrong_file", 1, told, hint);
    }
    device.refused(&["enrol", "/nowhere", "--yes"], "bad_file", 1, "cannot read /nowhere", "name");
    let (zeros, id) = ("00".repeat(32), "c0".repeat(16));
    let words = ["enrol", "--root-key", &zeros, "--manager-id", &id, "--yes"];
    device.refused(&words, "usage", 2, "no valid public key", "--help");
}

#[test]
fn a_package_comes_in_and_what_came_of_it_is_told() {
    let (mut device, manager) = enrolled("import");
    let first = manager.package(&mut device, &state(1, 1, &[1]));
    let report = device.import(&first);
    assert!(report.text().starts_with("applied: "), "{}", report.text());
    assert!(report.text().contains("held: groups 1, keys 1"), "{}", report.text());
    let object = report.object();
    assert_eq!((&object["kind"], &object["outcome"]), (&"package".into(), &"applied".into()));
    assert_eq!((&object["sequence"], &object["ok"]), (&1.into(), &true.into()));
    let receipt = object["statement"].as_str().unwrap();
    assert_eq!(receipt.len() % 2, 0);
    assert!(device.import(&first).text().starts_with("same: this package was applied before"));

    let second = manager.package(&mut device, &state(2, 1, &[1, 2]));
    device.import(&second);
    let report = device.import(&first);
    assert!(report.text().starts_with("superseded: a later package"), "{}", report.text());
    assert!(report.text().contains("sequence: 2\n"));
    assert_eq!((&report.object()["outcome"], report.exit_code()), (&"superseded".into(), 0));

    // What a notice has ended stays out: the rest comes in.
    let notice = manager.notice(GROUP, 4);
    let report = device.import(&notice);
    assert!(
        report
            .text()
            .starts_with("applied: in group 0a0b0c everything below generation 4 is ended"),
        "{}",
        report.text()
    );
    assert!(report.text().contains("no key here any more"));
    assert_eq!(
        (&report.object()["group"], &report.object()["below"]),
        (&"0a0b0c".into(), &4.into())
    );
    assert!(device.import(&notice).text().starts_with("same: in group 0a0b0c everything below"));
    let lower = manager.notice(GROUP, 3);
    let report = device.import(&lower);
    assert!(report.text().contains("more was ended before, all below 4"), "{}", report.text());
    let strange = manager.notice(GroupId::from_octets([9, 9, 9]), 3);
    assert!(device.import(&strange).text().contains("not in group 090909"));

    let third = manager.package(&mut device, &state(3, 1, &[3]));
    let report = device.import(&third);
    for told in ["partly applied", "groups without a key: 0a0b0c", "Next: ask the manager"] {
        assert!(report.text().contains(told), "{told}: {}", report.text());
    }
    assert_eq!((&report.object()["outcome"], report.exit_code()), (&"partly".into(), 0));
}

#[test]
fn what_the_device_refuses_is_told_with_a_next_step() {
    let (mut device, manager) = enrolled("refused");
    let good = manager.package(&mut device, &state(1, 1, &[1]));
    device.import(&good);

    let (mut other, _) = enrolled("refused-other");
    let foreign = manager.package(&mut other, &state(2, 1, &[1]));
    let told = "the package is for device ";
    device.refuses(&foreign, "wrong_device", 3, told, "bring the one for this device");

    let elsewhere = Manager::new(1, 6, 0xc1).package(&mut device, &state(2, 1, &[1]));
    let told =
        format!("of manager {}, and this device belongs to {}", "c1".repeat(16), "c0".repeat(16));
    device.refuses(&elsewhere, "wrong_manager", 3, &told, "prosectl status");
    let elsewhere = Manager::new(1, 6, 0xc1).notice(GROUP, 9);
    device.refuses(&elsewhere, "wrong_manager", 3, "the notice is of manager c1c1", "erase");
    let untrusted = Manager::new(2, 6, 0xc0).package(&mut device, &state(2, 1, &[1]));
    let told = "another manager made it";
    device.refuses(&untrusted, "untrusted_signer", 3, told, "own manager");

    let old = Manager::new(1, 4, 0xc0).package(&mut device, &state(2, 1, &[1]));
    let told = "its signer has been replaced";
    device.refuses(&old, "signer_superseded", 3, told, "present signer");

    let mut later = state(2, 1, &[1]);
    later.time = TIME + TEN_YEARS + 1;
    let later = manager.package(&mut device, &later);
    let told = "more than ten years ahead of the device's, 2027-01-15T08:00:00Z";
    device.refuses(&later, "time_out_of_range", 3, told, "check the clock");

    let twin = manager.package(&mut device, &state(1, 1, &[1, 2]));
    let told = "another package with sequence 1 was applied before";
    device.refuses(&twin, "sequence_conflict", 3, told, "newer package");

    let mut damaged = manager.package(&mut device, &state(2, 1, &[1]));
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    device.refuses(&damaged, "bad_signature", 3, "it was changed on the way", "get it again");
    damaged.truncate(last);
    device.refuses(&damaged, "wrong_file", 1, "is damaged", "get it again");
}

#[test]
fn what_is_nothing_to_be_imported_never_reaches_the_device() {
    let (mut device, manager) = enrolled("wrong-files");
    device.done(&["identity", "export", "--out", &device.path("id")]);
    let statement = fs::read(device.path("id")).unwrap();
    let delegation = manager.signer.delegation().octets().to_vec();
    for (octets, told, hint) in [
        (Vec::new(), "is empty", "get it again"),
        (b"# notes\n".to_vec(), "is no package and no notice, or is damaged", "right file"),
        (manager.enrolment().into_bytes(), "is an enrolment file", "prosectl enrol FILE"),
        (statement, "is a statement, which a device made", "for the manager"),
        (delegation, "is a delegation", "brings its own"),
        (vec![0; 15_361], "more than 15360 octets", "get it again"),
    ] {
        device.refuses(&octets, "wrong_file", 1, told, hint);
    }
    let (name, told) = ("bad_file", "cannot read /nowhere: No such file");
    device.refused(&["import", "/nowhere"], name, 1, told, "may read");
    let folder = device.folder.to_str().unwrap().to_owned();
    device.refused(&["import", &folder], name, 1, "Is a directory", "may read");
}

#[test]
fn a_device_without_a_manager_takes_nothing() {
    let mut device = Device::new("no-manager");
    let package = Manager::new(1, 5, 0xc0).package(&mut device, &state(1, 1, &[1]));
    let hint = "prosectl enrol FILE";
    device.refuses(&package, "wrong_state", 3, "belongs to no manager yet", hint);
    // As only the test build can bring it about.
    device.client = Client::new(Machine::start_test_build(Arc::clone(&device.medium), 7));
    let id = device.client.call(&Status).unwrap().device;
    let content =
        Content { device: id, sequence: 1, time: TIME, start_nonce: None, groups: Vec::new() };
    let mut octets = Vec::new();
    content.encode(&mut octets);
    device.client.call(&Install { scope: Scope::Whole, content: &octets }).unwrap();
    device.refuses(&package, "wrong_state", 3, "in use without a manager", hint);
    let file = device.file("manager.enrol", Manager::new(1, 5, 0xc0).enrolment());
    let told = "in use without a manager";
    device.refused(&["enrol", &file, "--yes"], "wrong_state", 3, told, "prosectl erase");
}

#[test]
fn a_damaged_device_says_so() {
    let (mut device, manager) = enrolled("damaged");
    let package = manager.package(&mut device, &state(1, 1, &[1]));
    device.medium.lock().unwrap().object = Some(vec![0; 4096]);
    device.client = Client::new(Machine::start(Arc::clone(&device.medium), 77));
    let import = device.file("import", package);
    let file = device.file("manager.enrol", manager.enrolment());
    for words in [&["import", import.as_str()][..], &["enrol", &file, "--yes"]] {
        device.refused(words, "damaged", 3, "state is damaged", "erase the device");
    }
    assert!(device.done(&["statement", "export"]).text().contains("state: damaged"));
}

/// A TA that answers another's statement: it is not handed on.
#[test]
fn an_answer_that_does_not_verify_is_not_handed_out() {
    for (octets, request) in [(&b"no statement"[..], &b""[..]), (b"", b"request")] {
        let failure = statement::receipt(octets, request).err().unwrap();
        assert_eq!((failure.name(), failure.exit_code()), ("bad_statement", 1));
        assert!(failure.hint().contains("one release"));
    }
}
