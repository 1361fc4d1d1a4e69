//! A manager in a folder of its own, and radios in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use clap::Parser;
use prose_manager::{Answer, Args, Clock, Failure, Here, run};
use proseal_client::sim::Machine;
use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::id::{Generation, GroupId};
use proseal_proto::message::{
    Admission, Enrol, GetStatement, GroupStatus, Import, Outcome, Send, Status, StatusReply,
};
use proseal_ta::sim::Medium;
use serde_json::Value;

use crate::database::Database;
use crate::serving::Serving;

pub(crate) const T: u64 = 1_800_000_000;
pub(crate) const HOUR: u64 = 3600;
pub(crate) const DAY: u64 = 24 * HOUR;
/// Of every operator.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const GROUP: &str = "0a0b0c";

static COUNT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn group_id() -> GroupId {
    GroupId::from_octets([0x0a, 0x0b, 0x0c])
}

/// A manager that is set up, and its clock.
pub(crate) struct Manager {
    folder: PathBuf,
    pub(crate) database: Database,
    /// Its clock.
    pub(crate) now: Arc<AtomicU64>,
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Manager {
    /// With nothing in its folder yet.
    pub(crate) fn none() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("prose-manager-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder, database: Database::new(crate::DATABASE), now: Arc::new(AtomicU64::new(T)) }
    }

    pub(crate) fn new() -> Self {
        let manager = Self::none();
        manager.done("init");
        manager.done("enrolment --out @enrol");
        manager
    }

    /// With a group, and radios r1.. that are its members 000001...
    pub(crate) fn with_members(count: u64, group: &str) -> (Self, Vec<Radio>) {
        let manager = Self::new();
        manager.done(&format!("group add {GROUP} {group}"));
        let radios: Vec<_> = (1..=count).map(|n| manager.radio(n)).collect();
        for n in 1..=count {
            manager.done(&format!("member add {GROUP} r{n} {n:06x}"));
        }
        (manager, radios)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Where it is, for each command.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut options = vec!["--home".to_owned(), self.home().display().to_string()];
        // Once it is set up its configuration says it.
        if let Some(url) = self.database.url().filter(|_| !self.home().exists()) {
            options.extend(["--database".to_owned(), url]);
        }
        options
    }

    /// `@` in a word is the manager's folder.
    pub(crate) fn run(&self, words: &str) -> Result<Value, Failure> {
        let (args, here) = self.arguments(words);
        run(&args, &here).map(|report| {
            assert!(report.text().ends_with('\n') && report.object()["ok"] == true);
            report.object().clone()
        })
    }

    pub(crate) fn done(&self, words: &str) -> Value {
        self.run(words).unwrap_or_else(|failure| panic!("{words}: {failure}\n{}", failure.hint()))
    }

    fn arguments(&self, words: &str) -> (Args, Here) {
        let folder = format!("{}/", self.folder.display());
        let words = words.split_whitespace().map(|word| word.replacen('@', &folder, 1));
        let start = ["prose-manager".to_owned()].into_iter().chain(self.options());
        let args = Args::try_parse_from(start.chain(words)).unwrap();
        let now = Arc::clone(&self.now);
        let here = Here {
            clock: Clock::new(move || now.load(Ordering::Relaxed)),
            user: "tester".to_owned(),
            home: self.home(),
            is_terminal: false,
            ask: |_| Answer::NoTerminal,
            ask_secret: |_| Answer::Line(PASSWORD.to_owned()),
        };
        (args, here)
    }

    /// A server of it, with the same clock.
    pub(crate) fn serve(&self) -> Serving {
        let words = "serve --listen 127.0.0.1:0 --operator-listen 127.0.0.1:0 --name manager.test";
        let (args, here) = self.arguments(words);
        Serving::start(&args, &here)
    }

    /// The short name of why it does not serve.
    pub(crate) fn refused_to_serve(&self, more: &str) -> String {
        let (args, here) = self.arguments(&format!("serve --operator-listen 127.0.0.1:0 {more}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = runtime.block_on(prose_manager::Server::start(&args, &here));
        started.err().expect("it does not serve").name().to_owned()
    }

    /// The short name of why it is not done.
    pub(crate) fn refused(&self, words: &str) -> String {
        let failure = self.run(words).expect_err(words);
        assert!(!failure.hint().is_empty() && !failure.to_string().is_empty());
        failure.name().to_owned()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn set_clock(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// A radio r`n` that is enrolled and approved.
    pub(crate) fn radio(&self, n: u64) -> Radio {
        let radio = Radio::new(n);
        radio.enrol(&self.path("enrol"));
        self.import(&radio, &format!("--name r{n}"));
        self.done(&format!("device approve {}", radio.id()));
        radio
    }

    /// The radio's present statement comes in.
    pub(crate) fn import(&self, radio: &Radio, more: &str) -> Value {
        fs::write(self.path("statement"), radio.statement()).unwrap();
        self.done(&format!("device import @statement {more}"))
    }

    /// The package for r`n`, in a file.
    pub(crate) fn package(&self, n: u64) -> PathBuf {
        let file = self.path(&format!("r{n}.package"));
        self.done(&format!("package r{n} --out {}", file.display()));
        file
    }

    pub(crate) fn sequence(&self, n: u64) -> u64 {
        self.done(&format!("package r{n} --out @sequence"))["sequence"].as_u64().unwrap()
    }

    pub(crate) fn notice(&self) -> PathBuf {
        self.done(&format!("notice {GROUP} --out @notice"));
        self.path("notice")
    }

    /// The generation in use.
    pub(crate) fn current(&self) -> u64 {
        let group = self.done(&format!("group show {GROUP}"));
        let all = group["generations"].as_array().unwrap().clone();
        let current = all.iter().find(|one| one["state"] == "in_use").expect("one in use");
        current["generation"].as_u64().unwrap()
    }

    /// A copy of the database, to be put back.
    pub(crate) fn back_up(&self) {
        if self.database.url().is_none() {
            let _ = fs::remove_file(self.path("backup"));
            self.done("backup --out @backup");
            return;
        }
        fs::write(self.path("backup"), self.database.octets(&self.home())).unwrap();
    }

    pub(crate) fn put_back(&self) {
        if self.database.url().is_none() {
            self.done("restore @backup --yes");
            return;
        }
        self.database.put_back(&self.home(), &fs::read(self.path("backup")).unwrap());
    }
}

/// A radio: the trusted application's logic, in memory.
pub(crate) struct Radio {
    machine: Machine,
    pub(crate) medium: Arc<Mutex<Medium>>,
}

impl Radio {
    pub(crate) fn new(seed: u64) -> Self {
        let medium = Arc::<Mutex<Medium>>::default();
        Self { machine: Machine::start(Arc::clone(&medium), 1000 * seed), medium }
    }

    fn client(&self) -> Client {
        Client::new(self.machine.clone())
    }

    pub(crate) fn statement(&self) -> Vec<u8> {
        self.client().call(&GetStatement { nonce: [7; 32] }).unwrap().statement.to_vec()
    }

    /// A statement over a nonce.
    pub(crate) fn answer(&self, nonce: [u8; 32]) -> Vec<u8> {
        self.client().call(&GetStatement { nonce }).unwrap().statement.to_vec()
    }

    pub(crate) fn status(&self) -> StatusReply {
        self.client().call(&Status).unwrap()
    }

    pub(crate) fn id(&self) -> String {
        self.statement();
        self.status().device.to_string()
    }

    /// By an enrolment file, or a token file.
    pub(crate) fn enrol(&self, file: &Path) {
        let text = fs::read_to_string(file).unwrap();
        let value = |name: &str| {
            let is_it = |line: &&str| line.split(" = ").next() == Some(name);
            let line = text.lines().find(is_it).unwrap();
            let digits = line.split(" = ").nth(1).unwrap().to_owned();
            (0..digits.len() / 2)
                .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
                .collect::<Vec<_>>()
        };
        let root_key = value("root-key").try_into().unwrap();
        let manager = value("manager").try_into().unwrap();
        self.client().call(&Enrol { root_key, manager }).unwrap();
    }

    pub(crate) fn import(&self, file: &Path) -> Result<Outcome, Code> {
        self.take(&fs::read(file).unwrap())
    }

    pub(crate) fn take(&self, octets: &[u8]) -> Result<Outcome, Code> {
        match self.client().call(&Import { octets }) {
            Ok(reply) => Ok(reply.outcome),
            Err(Error::Refused(code)) => Err(code),
            Err(error) => panic!("{error}"),
        }
    }

    /// What it is in the group, if it is.
    pub(crate) fn group(&self) -> Option<GroupStatus> {
        self.status().groups.into_iter().find(|group| group.group == group_id())
    }

    /// The generations that it holds of the group.
    pub(crate) fn held(&self) -> Vec<u64> {
        let group = self.group();
        group
            .map_or(Vec::new(), |group| group.pgks.iter().map(|pgk| pgk.generation.get()).collect())
    }

    /// Whether the TA gives out a sender's keys of a generation.
    pub(crate) fn sends(&self, generation: u64) -> bool {
        let generation = Generation::new(generation).unwrap();
        self.client().call(&Send { group: group_id(), generation }).is_ok()
    }

    pub(crate) fn admission(&self, group: GroupId, generation: Generation) -> [u8; 16] {
        *self.client().call(&Admission { group, generation }).unwrap().key.expose()
    }

    /// Yesterday's storage is put back.
    pub(crate) fn put_back(&self, object: Option<Vec<u8>>) {
        self.medium.lock().unwrap().object = object;
        self.machine.restart();
    }

    pub(crate) fn stored(&self) -> Option<Vec<u8>> {
        self.medium.lock().unwrap().object.clone()
    }

    pub(crate) fn restart(&self) {
        self.machine.restart();
    }
}
