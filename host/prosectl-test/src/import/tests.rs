use std::io::Write;
use std::sync::{Arc, Mutex};

use clap::Parser;
use proseal_client::sim::Machine;
use proseal_client::{Fault, Opener, Transport};
use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;
use proseal_ta::sim::Medium;
use prosectl::KeyCommands;

use super::*;
use crate::args::Key;

/// As `key` stands in the whole line.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    key: Key,
}

const GROUP: &str = "0a0b0c";

/// A device in memory, and what it keeps.
struct Device {
    client: Client,
    medium: Arc<Mutex<Medium>>,
}

impl Device {
    fn new() -> Self {
        let medium = Arc::<Mutex<Medium>>::default();
        Self { client: Client::new(Machine::start_test_build(Arc::clone(&medium), 1)), medium }
    }

    /// `prosectl key import` of a key of these octets.
    fn import(&mut self, octet: u8, arguments: &[&str]) -> Result<Report, Failure> {
        import_through(&mut self.client, octet, arguments)
    }

    fn status(&mut self) -> StatusReply {
        self.client.call(&Status).unwrap()
    }
}

fn import_through(client: &mut Client, octet: u8, arguments: &[&str]) -> Result<Report, Failure> {
    let path = std::env::temp_dir().join(format!(
        "prosectl-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::File::create(&path).unwrap().write_all(&[octet; 32]).unwrap();
    let path = path.to_str().unwrap();
    let fixed = ["key", "import", "--group", GROUP, "--key-file", path];
    let line = Line::try_parse_from(fixed.iter().chain(arguments)).unwrap();
    let result = line.key.carry_out(client);
    std::fs::remove_file(path).unwrap();
    result
}

fn failed(result: Result<Report, Failure>) -> (String, String, u8) {
    let failure = result.err().unwrap();
    (failure.name().to_owned(), failure.to_string(), failure.exit_code())
}

const FIRST: &[&str] = &["--member", "000001", "--generation", "1", "--pgk-id", "01"];

#[test]
fn a_held_generation_is_never_touched() {
    let mut device = Device::new();
    device.import(1, FIRST).ok().unwrap();
    let before = device.status();
    for (octet, more) in [(1, &["--not-after", "2099-01-01T00:00:00Z"][..]), (2, &[])] {
        let (name, message, exit_code) = failed(device.import(octet, &[FIRST, more].concat()));
        assert_eq!((name.as_str(), exit_code), ("held", 1));
        assert_eq!(message, "generation 1 of group 0a0b0c is held already");
    }
    assert_eq!(device.status().groups, before.groups);
}

#[test]
fn an_import_changes_neither_the_member_id_nor_the_rights() {
    let mut device = Device::new();
    device.import(1, FIRST).ok().unwrap();
    let second = ["--generation", "2", "--pgk-id", "02"];
    for other in [&["--member", "000002"][..], &["--member", "000001", "--receive-only"]] {
        let (name, message, _) = failed(device.import(2, &[&second, other].concat()));
        assert_eq!(name, "held");
        assert!(message.contains("member 000001 and may send"), "{message}");
    }
    // With the old key ended there is nothing left that could be changed.
    let anew = ["--member", "000002", "--receive-only", "--next", "2"];
    device.import(2, &[&second[..], &anew].concat()).ok().unwrap();
    let group = &device.status().groups[0];
    assert_eq!((group.member.to_string().as_str(), group.may_send), ("000002", false));
}

#[test]
fn what_has_ended_is_a_failure_that_names_what_may_come_in() {
    let mut device = Device::new();
    let seventh = ["--member", "000001", "--generation", "7", "--pgk-id", "07"];
    device.import(7, &seventh).ok().unwrap();
    let (name, message, exit_code) = failed(device.import(1, FIRST));
    assert_eq!((name.as_str(), exit_code), ("not_taken", 3));
    assert!(message.contains("only 8 and above"), "{message}");
}

#[test]
fn what_is_full_is_told_in_the_words_of_who_adds() {
    let mut device = Device::new();
    for n in 1..=4 {
        let (generation, pgk_id) = (n.to_string(), format!("0{n}"));
        let words = ["--member", "000001", "--generation", &generation, "--pgk-id", &pgk_id];
        device.import(n, &words).ok().unwrap();
    }
    let fifth = ["--member", "000001", "--generation", "5", "--pgk-id", "05"];
    let (name, message, exit_code) = failed(device.import(5, &fifth));
    assert_eq!((name.as_str(), exit_code), ("too_many_pgks", 3));
    assert_eq!(message, "the group is full: no room for another key");
    let seventeenth = explained(Error::Refused(Code::TooManyGroups));
    assert_eq!((seventeenth.name(), seventeenth.exit_code()), ("too_many_groups", 3));
    assert_eq!(seventeenth.to_string(), "the device is full: no room for another group");
}

#[test]
fn a_damaged_device_says_so_to_import_and_list() {
    let mut device = Device::new();
    device.medium.lock().unwrap().object = Some(vec![0; 4096]);
    assert_eq!(failed(device.import(1, FIRST)).0, "damaged");
    assert_eq!(
        failed(Key::Product(prosectl::Key::List).carry_out(&mut device.client)).0,
        "damaged"
    );
}

/// A way to the TA on which others import just before `install` arrives.
struct Crowded {
    machine: Machine,
    others: Arc<Mutex<u8>>,
}

impl Opener for Crowded {
    fn may(&self, role: Role) -> bool {
        self.machine.may(role)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        let others = Arc::clone(&self.others);
        let line = self.machine.open(role)?;
        Ok(Box::new(CrowdedLine { machine: self.machine.clone(), line, others }))
    }
}

struct CrowdedLine {
    machine: Machine,
    line: Box<dyn Transport>,
    others: Arc<Mutex<u8>>,
}

impl Transport for CrowdedLine {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        let mut others = self.others.lock().unwrap();
        if number == proseal_proto::test_command::TestId::Install.number() && *others > 0 {
            *others -= 1;
            let mut other = Client::new(self.machine.clone());
            let status = other.call(&Status).unwrap();
            // Nothing but a sequence: the group that was there stays.
            let content = Content {
                device: status.device,
                sequence: status.sequence + 1,
                time: 1_767_225_600 + u64::from(*others),
                start_nonce: None,
                groups: Vec::new(),
            };
            let mut octets = Vec::new();
            content.encode(&mut octets);
            other.call(&Install { scope: Scope::Added, content: &octets }).unwrap();
        }
        self.line.call(number, request, response_max, response)
    }
}

#[test]
fn imports_at_once_come_one_after_the_other() {
    for (others, taken) in [(0, true), (1, true), (7, true), (8, false)] {
        let machine = Machine::start_test_build(Default::default(), 1);
        let mut client = Client::new(Crowded { machine, others: Arc::new(Mutex::new(others)) });
        let result = import_through(&mut client, 1, FIRST);
        assert_eq!(result.is_ok(), taken, "{others} others");
        assert_eq!(client.call(&Status).unwrap().groups.len(), usize::from(taken));
    }
}
