//! Radios of one group on one link, and what is always true of them.

use std::collections::{BTreeMap, HashSet};

use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::profile::{Profile, Suite};
use prosed::frame::{Frame, Layout};

use crate::link::{Link, Quality};
use crate::radio::Radio;

pub(crate) const TIME: u64 = 1_767_225_600;
pub(crate) const ALL: [(Profile, Suite); 4] = [
    (Profile::HkdfSha256, Suite::Aead),
    (Profile::HkdfSha256, Suite::Integrity),
    (Profile::HkdfSha256, Suite::ThreeGpp),
    (Profile::Ts33303, Suite::ThreeGpp),
];
pub(crate) const HKDF: (Profile, Suite) = ALL[0];

pub(crate) fn group() -> GroupId {
    GroupId::new(0x0a0b0c).unwrap()
}

pub(crate) fn member(number: usize) -> MemberId {
    MemberId::new(number as u32 + 1).unwrap()
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).unwrap()
}

static KEYS: [[u8; 32]; 8] =
    [[1; 32], [2; 32], [3; 32], [4; 32], [5; 32], [6; 32], [7; 32], [8; 32]];

pub(crate) fn policy((profile, suite): (Profile, Suite)) -> Policy {
    Policy {
        not_before: TIME,
        not_after: TIME + 100_000,
        profile,
        suite,
        label: Label::EMPTY,
        epoch_s: 3_600,
        epoch_packets: 1_000_000,
        receive_grace_s: 600,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: true,
    }
}

pub(crate) fn pgk(number: u64, policy: Policy) -> Pgk<'static> {
    let key = &KEYS[number as usize % KEYS.len()];
    Pgk { generation: generation(number), id: PgkId(number as u8), key, is_root: false, policy }
}

pub(crate) fn content(sequence: u64, who: MemberId, pgks: Vec<Pgk<'static>>) -> Content<'static> {
    let next = pgks[0].generation.get();
    let group = Group { group: group(), member: who, next, may_send: true, pgks };
    Content { device: DeviceId::NONE, sequence, time: TIME, start_nonce: None, groups: vec![group] }
}

pub(crate) struct World {
    pub(crate) ms: u64,
    pub(crate) link: Link,
    pub(crate) radios: Vec<Radio>,
    pub(crate) layout: Layout,
    /// What each radio's application has written, and of which a frame went out.
    pub(crate) written: BTreeMap<usize, Vec<Vec<u8>>>,
    /// (sender, index, PTK Id, SN) of each frame that was sent.
    nonces: HashSet<(MemberId, u8, u16, u32)>,
}

impl World {
    /// So many radios, all with the same PGKs.
    pub(crate) fn new(radios: usize, quality: Quality, seed: u64, pgks: &[Policy]) -> Self {
        let make = |number: usize| {
            let mut radio = Radio::new(seed * 1_000 + number as u64);
            let pgks = pgks.iter().zip(1..).map(|(policy, number)| pgk(number, *policy));
            radio.install(&content(1, member(number), pgks.collect()));
            radio.configure(0);
            radio
        };
        let mut world = Self {
            ms: 0,
            link: Link::new(quality, seed),
            radios: (0..radios).map(make).collect(),
            layout: Layout::new(pgks[0].profile, pgks[0].suite),
            written: BTreeMap::new(),
            nonces: HashSet::new(),
        };
        // The first epochs are there before an application writes.
        world.pass(10);
        world
    }

    /// Milliseconds pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.ms += 1;
            for (to, frame) in self.link.arrived(self.ms) {
                self.radios[to].receive(self.ms, &frame);
            }
            for radio in &mut self.radios {
                radio.work(self.ms);
            }
        }
    }

    /// A radio's application writes something that nobody has written before.
    pub(crate) fn write(&mut self, from: usize) {
        let written = self.written.entry(from).or_default();
        let mut payload = format!("{from} {}", written.len()).into_bytes();
        payload.resize(60, b'.');
        let frame = self.radios[from].send(self.ms, group(), &payload).expect("an epoch is there");
        written.push(payload);
        self.transmit(from, &frame);
    }

    pub(crate) fn transmit(&mut self, from: usize, frame: &[u8]) {
        let Ok(Frame::Data(data)) = Frame::read(frame) else { panic!("no data frame") };
        let header = data.header(frame, self.layout).unwrap();
        let nonce = (header.sender, header.index, header.ptk_id.get(), header.sn);
        assert!(self.nonces.insert(nonce), "a nonce came twice: {nonce:?}");
        self.link.send(self.ms, from, self.radios.len(), frame);
    }

    /// All that is on its way arrives.
    pub(crate) fn settle(&mut self) {
        self.pass(1_000);
        for radio in &self.radios {
            assert_eq!(radio.station.receiver().waiting(), 0);
        }
    }

    /// Each payload came at most once to each of the others, and nothing else came.
    /// How many are missing.
    pub(crate) fn lost(&self) -> usize {
        let mut lost = 0;
        for (to, radio) in self.radios.iter().enumerate() {
            let others = self.written.iter().filter(|(from, _)| **from != to);
            let mut expected = 0;
            for (&from, payloads) in others {
                expected += payloads.len();
                for payload in payloads {
                    match radio.heard.get(&(member(from), payload.clone())) {
                        None => lost += 1,
                        Some(1) => {}
                        Some(times) => panic!("accepted {times} times"),
                    }
                }
            }
            let known = |(from, payload): &(MemberId, Vec<u8>)| {
                let mut all = self.written.iter();
                all.any(|(number, written)| member(*number) == *from && written.contains(payload))
            };
            assert!(radio.heard.len() <= expected);
            assert!(radio.heard.keys().all(known), "falsely accepted");
        }
        lost
    }
}
