//! One radio: a station, its trusted application, and a disk. The TEE and the disk
//! take their time.

use std::collections::HashMap;

use proseal_client::{Client, sim::Machine};
use proseal_proto::command::Command;
use proseal_proto::content::Content;
use proseal_proto::id::{GroupId, MemberId};
use proseal_proto::message::{Admission, Import, Receive, ReceiveReply, SendReply, Status};
use proseal_proto::test_command::{Install, Scope};
use prosed::event::Event;
use prosed::frame::{HEADROOM, SduType, TAILROOM};
use prosed::highwater::file;
use prosed::receive::Verdict;
use prosed::send::Unsent;
use prosed::station::{Action, Station};
use prosed::time::Time;

/// How long the TEE and the disk take.
const TEE_MS: u64 = 3;
const DISK_MS: u64 = 5;

enum Answer {
    Keys(Option<ReceiveReply>),
    Epoch(GroupId, Option<Box<SendReply>>),
    Saved(Vec<u8>),
    Kept(Vec<u8>),
}

pub(crate) struct Radio {
    pub(crate) client: Client,
    pub(crate) station: Station,
    /// The high-water file.
    pub(crate) disk: Vec<u8>,
    /// The file of what is carried for others.
    pub(crate) carried: Vec<u8>,
    answers: Vec<(u64, Answer)>,
    /// Payloads that were delivered, with who sent them and how often.
    pub(crate) heard: HashMap<(MemberId, Vec<u8>), u32>,
    pub(crate) events: Vec<Event>,
    /// Frames that it wants to send: objects.
    pub(crate) objects: Vec<Vec<u8>>,
    pub(crate) imported: Vec<Result<(), proseal_client::Error>>,
    /// Whether the disk takes anything.
    pub(crate) disk_full: bool,
}

pub(crate) const CLOCK: u64 = super::world::TIME;

pub(crate) fn time(ms: u64) -> Time {
    let clock = CLOCK + ms / 1_000;
    Time { up: std::time::Duration::from_millis(ms), clock, floor: clock }
}

impl Radio {
    pub(crate) fn new(seed: u64) -> Self {
        let machine = Machine::start_test_build(Default::default(), seed);
        Self::on(machine)
    }

    pub(crate) fn on(machine: Machine) -> Self {
        Self {
            client: Client::new(machine),
            station: Station::default(),
            disk: file::encode(Vec::new()),
            carried: Vec::new(),
            answers: Vec::new(),
            heard: HashMap::new(),
            events: Vec::new(),
            objects: Vec::new(),
            imported: Vec::new(),
            disk_full: false,
        }
    }

    pub(crate) fn install(&mut self, content: &Content<'_>) {
        let mut octets = Vec::new();
        content.encode(&mut octets);
        self.call(&Install { scope: Scope::Whole, content: &octets });
    }

    pub(crate) fn call<C: Command>(&mut self, command: &C) -> C::Reply {
        self.client.call(command).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads what the device holds, as at a start and after a package.
    pub(crate) fn configure(&mut self, ms: u64) {
        let status = self.call(&Status);
        let marks = file::decode(&self.disk).unwrap();
        let (station, client, heard) = (&mut self.station, &mut self.client, &mut self.heard);
        station.configure(
            time(ms),
            &status,
            |group, generation| Some(client.call(&Admission { group, generation }).ok()?.key),
            &marks,
            &mut |verdict, octets| hear(heard, verdict, octets),
        );
        station.restore(&prosed::object::file::decode(&self.carried));
    }

    /// The daemon ends at once and starts anew; the TEE goes on.
    pub(crate) fn kill(&mut self, ms: u64) {
        self.station = Station::default();
        self.answers.clear();
        self.heard.clear();
        self.configure(ms);
    }

    pub(crate) fn send(
        &mut self,
        ms: u64,
        group: GroupId,
        payload: &[u8],
    ) -> Result<Vec<u8>, Unsent> {
        let mut buffer = [&[0; HEADROOM], payload, &[0; TAILROOM]].concat();
        let range = self.station.send(time(ms), group, SduType::NonIp, &mut buffer)?;
        Ok(buffer[range].to_vec())
    }

    pub(crate) fn receive(&mut self, ms: u64, frame: &[u8]) -> Verdict {
        let mut octets = frame.to_vec();
        let verdict = self.station.receive(time(ms), &mut octets);
        hear(&mut self.heard, verdict, &octets);
        self.add_up();
        verdict
    }

    /// Answers come, and questions go out.
    pub(crate) fn work(&mut self, ms: u64) {
        let heard = &mut self.heard;
        let mut out = |verdict: Verdict, octets: &mut [u8]| hear(heard, verdict, octets);
        for (_, answer) in self.answers.extract_if(.., |(at, _)| *at <= ms) {
            match answer {
                Answer::Keys(reply) => self.station.keys(time(ms), reply, &mut out),
                Answer::Epoch(group, reply) => {
                    self.station.epoch(time(ms), group, reply.as_deref());
                }
                Answer::Kept(octets) => {
                    if !self.disk_full {
                        self.carried = octets;
                    }
                    self.station.kept(time(ms), !self.disk_full);
                }
                Answer::Saved(octets) => {
                    if !self.disk_full {
                        self.disk = octets;
                    }
                    self.station.saved(time(ms), !self.disk_full, &mut out);
                }
            }
        }
        while let Some(action) = self.station.poll(time(ms)) {
            match action {
                Action::Receive(command) => self.ask(ms, &command),
                Action::Send(command) => {
                    let reply = self.client.call(&command).ok().map(Box::new);
                    self.answers.push((ms + TEE_MS, Answer::Epoch(command.group, reply)));
                }
                Action::Keep(octets) => self.answers.push((ms + DISK_MS, Answer::Kept(octets))),
                Action::Save(octets) => self.answers.push((ms + DISK_MS, Answer::Saved(octets))),
                Action::Import(object) => {
                    let reply = self.client.call(&Import { octets: &object }).map(drop);
                    self.imported.push(reply);
                    self.configure(ms);
                }
                Action::Transmit(_, frame) => self.objects.push(frame),
                Action::Report(event) => self.events.push(event),
            }
        }
        self.add_up();
    }

    fn ask(&mut self, ms: u64, command: &Receive) {
        let reply = self.client.call(command).ok();
        self.answers.push((ms + TEE_MS, Answer::Keys(reply)));
    }

    /// Every frame is counted once.
    pub(crate) fn add_up(&self) {
        let counters = self.station.counters();
        let waiting = self.station.receiver().waiting() as u64;
        let sum = counters.delivered + counters.objects + counters.drops.total() + waiting;
        assert_eq!(counters.received, sum, "{counters:?}, {waiting} wait");
    }

    pub(crate) fn dropped(&self, reason: prosed::drops::DropReason) -> u64 {
        self.station.counters().drops.of(reason)
    }
}

fn hear(heard: &mut HashMap<(MemberId, Vec<u8>), u32>, verdict: Verdict, octets: &[u8]) {
    if let Verdict::Deliver(delivery) = verdict {
        let payload = octets[delivery.start..delivery.end].to_vec();
        *heard.entry((delivery.sender, payload)).or_default() += 1;
    }
}
