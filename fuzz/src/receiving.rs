//! A radio that receives, with a TEE that derives by a rule of its own. Its promises:
//!
//! 1. Only frames that were protected under their epoch's keys are delivered.
//! 2. None is delivered twice, also not when the daemon is killed in between.
//! 3. What came in was delivered or dropped, or it waits.
//! 4. The TEE is asked no more often than the bucket lets, and never for an epoch that
//!    nobody in the group announced.

use std::collections::HashSet;
use std::time::Duration;

use arbitrary::Arbitrary;
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::message::{
    DeviceState, GroupStatus, PgkState, PgkStatus, Receive, ReceiveItem, ReceiveReply, StatusReply,
};
use proseal_proto::profile::{Profile, Suite};
use prosed::admission::{Admission, Announced};
use prosed::calls::{BURST, PER_SECOND};
use prosed::frame::{Extension, Header, Layout, SduType};
use prosed::highwater::file;
use prosed::receive::Verdict;
use prosed::station::{Action, Station};
use prosed::suite::{Keys, PacketId};
use prosed::time::Time;

const GROUP: [u8; 3] = [1, 2, 3];
/// Every radio's own member id, and the one that sends most.
const OWN: u32 = 1;

/// One thing that happens.
#[derive(Arbitrary, Debug)]
pub enum Step {
    /// Octets of nobody.
    Raw(Vec<u8>),
    /// A frame of one of a few senders and epochs.
    Frame(Made),
    /// A frame that was sent before.
    Again(u8),
    /// Time passes.
    Pass(u16),
    /// The TEE answers, in full or in part, or not at all.
    Answer(Option<u64>),
    /// The file is written or not.
    Saved(bool),
    /// The daemon is killed and starts anew.
    Kill,
    /// It ends in good order and starts anew.
    Restart,
}

/// A frame by its parts.
#[derive(Arbitrary, Debug)]
pub struct Made {
    index: u8,
    sender: u8,
    ptk_id: u8,
    salt: u8,
    sn: u16,
    announced: bool,
    admitted: bool,
    protected: bool,
}

/// Which frame it is, as its promises count it.
type Name = (u8, MemberId, PtkId, [u8; 8], u32);

/// The radio, and what was seen of it.
pub struct Receiving {
    now: Duration,
    station: Station,
    admission: Admission,
    asked: Option<Receive>,
    saving: Option<Vec<u8>>,
    disk: Vec<u8>,
    sent: Vec<Vec<u8>>,
    protected: HashSet<Vec<u8>>,
    /// The same by name: what has waited is known by its payload only.
    genuine: HashSet<Name>,
    announced: HashSet<(MemberId, PtkId, [u8; 8])>,
    delivered: HashSet<Name>,
    calls: u64,
}

fn group() -> GroupId {
    GroupId::from_octets(GROUP)
}

/// Index 1 is `aead`, index 2 `integrity`, index 3 `3gpp` without salts.
fn layout(index: u8) -> Layout {
    match index {
        1 => Layout::new(Profile::HkdfSha256, Suite::Aead),
        2 => Layout::new(Profile::HkdfSha256, Suite::Integrity),
        _ => Layout::new(Profile::Ts33303, Suite::ThreeGpp),
    }
}

fn pgk(index: u8) -> PgkStatus {
    let layout = layout(index);
    PgkStatus {
        generation: Generation::new(index.into()).expect("1 to 3"),
        pgk_id: PgkId(index),
        profile: if layout.salted { Profile::HkdfSha256 } else { Profile::Ts33303 },
        suite: layout.suite,
        state: PgkState::Held,
        not_before: 0,
        not_after: u64::MAX,
        receive_grace_s: 0,
        send_grace_s: 0,
        max_unsynced_s: 0,
        rollback_unprotected: false,
        epochs_left: 1,
    }
}

fn status() -> StatusReply {
    let group = GroupStatus {
        group: group(),
        member: MemberId::new(OWN).expect("24 bits"),
        next: 4,
        suspended: false,
        may_send: false,
        pgks: vec![pgk(1), pgk(2), pgk(3)],
    };
    StatusReply {
        state: DeviceState::Enrolled,
        floor: 0,
        unsynced_s: 0,
        sequence: 1,
        device: DeviceId([1; 16]),
        root_key: [0; 32],
        manager: [0; 16],
        signer_version: 0,
        start_nonce: [0; 32],
        groups: vec![group],
        refusals: 0,
    }
}

/// Other keys for each epoch.
fn derived(item: &ReceiveItem) -> KeyPair {
    let mut pair = KeyPair::zero();
    let [.., generation] = item.generation.get().to_be_bytes();
    let [.., sender] = item.sender.octets();
    let [.., ptk_id] = item.ptk_id.get().to_be_bytes();
    for key in [pair.ik.expose_mut(), pair.ck.expose_mut()] {
        key[..3].copy_from_slice(&[generation, sender, ptk_id]);
        key[3..11].copy_from_slice(&item.salt.0);
    }
    pair
}

fn admission_key() -> AdmissionKey {
    let mut key = AdmissionKey::zero();
    key.expose_mut().fill(0xad);
    key
}

impl Default for Receiving {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiving {
    /// A radio that has heard nobody.
    #[must_use]
    pub fn new() -> Self {
        let mut receiving = Self {
            now: Duration::ZERO,
            station: Station::default(),
            admission: Admission::new(&admission_key()).expect("16 octets"),
            asked: None,
            saving: None,
            disk: file::encode(Vec::new()),
            sent: Vec::new(),
            protected: HashSet::new(),
            genuine: HashSet::new(),
            announced: HashSet::new(),
            delivered: HashSet::new(),
            calls: 0,
        };
        receiving.start();
        receiving
    }

    fn time(&self) -> Time {
        Time { up: self.now, clock: 0, floor: 0 }
    }

    fn start(&mut self) {
        let marks = file::decode(&self.disk).expect("what was written");
        let key = |_, _| Some(admission_key());
        let time = self.time();
        self.station = Station::default();
        (self.asked, self.saving, self.calls) = (None, None, 0);
        self.station.configure(time, &status(), key, &marks, &mut |_, _| {
            panic!("nothing waits at a start");
        });
    }

    /// Takes a step, and compares.
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Raw(octets) => self.receive(octets.clone()),
            Step::Frame(made) => {
                let frame = self.make(made);
                self.sent.push(frame.clone());
                self.receive(frame);
            }
            Step::Again(which) if !self.sent.is_empty() => {
                self.receive(self.sent[usize::from(*which) % self.sent.len()].clone());
            }
            Step::Again(_) => {}
            Step::Pass(ms) => self.now += Duration::from_millis((*ms).into()),
            Step::Answer(refusals) => self.answer(*refusals),
            Step::Saved(written) => {
                if let Some(octets) = self.saving.take() {
                    if *written {
                        self.disk = octets;
                    }
                    let (time, mut all) = (self.time(), Vec::new());
                    self.station.saved(time, *written, &mut |verdict, octets: &mut [u8]| {
                        all.push((verdict, octets.to_vec()));
                    });
                    self.delivered_all(all);
                }
            }
            Step::Kill => self.start(),
            Step::Restart => {
                if self.saving.is_none()
                    && let Some(octets) = self.station.close()
                {
                    self.disk = octets;
                }
                self.start();
            }
        }
        self.work();
        let counters = self.station.counters();
        let waiting = self.station.receiver().waiting() as u64;
        assert_eq!(counters.received, counters.delivered + counters.drops.total() + waiting);
        let most = u128::from(BURST) * 1_000 + self.now.as_millis() * u128::from(PER_SECOND);
        assert!(u128::from(self.calls) * 1_000 <= most);
    }

    fn make(&mut self, made: &Made) -> Vec<u8> {
        let index = 1 + made.index % 3;
        let layout = layout(index);
        let salt = if layout.salted { EpochSalt([made.salt % 4; 8]) } else { EpochSalt::NONE };
        let mut header = Header {
            group: group(),
            sender: MemberId::new(OWN + u32::from(made.sender % 4)).expect("24 bits"),
            sdu: SduType::NonIp,
            index,
            ptk_id: PtkId::new(1 + u16::from(made.ptk_id % 8)).expect("not 0"),
            sn: 1 + u32::from(made.sn) % u32::from(u16::MAX),
            extension: None,
        };
        if made.announced && layout.salted {
            let Header { group, sender, ptk_id, .. } = header;
            let mut tag = self.admission.tag(&Announced { group, sender, index, ptk_id, salt });
            tag.0[0] ^= u8::from(!made.admitted);
            if made.admitted {
                self.announced.insert((sender, ptk_id, salt.0));
            }
            header.extension = Some(Extension { salt, tag });
        }
        let split = header.len(layout);
        let mut frame = vec![0; split + 20 + layout.tail()];
        header.write(layout, &mut frame);
        // The payload says which frame it is.
        let (head, body) = frame.split_at_mut(split);
        body[..8].copy_from_slice(&salt.0);
        body[8] = index;
        body[9..13].copy_from_slice(&header.sn.to_be_bytes());
        body[13..15].copy_from_slice(&header.ptk_id.get().to_be_bytes());
        let (ptk_id, sender) = (header.ptk_id, header.sender);
        let generation = Generation::new(index.into()).expect("1 to 3");
        let mut item = ReceiveItem { group: group(), generation, sender, ptk_id, salt };
        if !made.protected {
            item.generation = Generation::new(99).expect("in range");
        }
        let packet = PacketId { salt, ptk_id, sn: header.sn };
        let keys = Keys::new(layout.suite, &derived(&item)).expect("keys of the suite");
        keys.protect(packet, head, body);
        if made.protected {
            self.protected.insert(frame.clone());
            self.genuine.insert((index, sender, ptk_id, salt.0, header.sn));
        }
        frame
    }

    fn receive(&mut self, frame: Vec<u8>) {
        let mut octets = frame.clone();
        let verdict = self.station.receive(self.time(), &mut octets);
        if let Verdict::Deliver(_) = verdict {
            assert!(self.protected.contains(&frame), "falsely accepted");
        }
        self.delivered_all(vec![(verdict, octets)]);
    }

    fn delivered_all(&mut self, all: Vec<(Verdict, Vec<u8>)>) {
        for (verdict, octets) in all {
            let Verdict::Deliver(delivery) = verdict else { continue };
            let payload = &octets[delivery.start..delivery.end];
            let salt: [u8; 8] = payload[..8].try_into().expect("8 octets");
            let sn = u32::from_be_bytes(payload[9..13].try_into().expect("4 octets"));
            let ptk_id = u16::from_be_bytes([payload[13], payload[14]]);
            let ptk_id = PtkId::new(ptk_id).expect("as it was made");
            assert_ne!(delivery.sender, MemberId::new(OWN).expect("24 bits"));
            let name = (payload[8], delivery.sender, ptk_id, salt, sn);
            assert!(self.genuine.contains(&name), "falsely accepted: {name:?}");
            assert!(self.delivered.insert(name), "delivered twice: {name:?}");
        }
    }

    /// Each bit of `refusals` says that an epoch is refused; without any there is no answer.
    fn answer(&mut self, refusals: Option<u64>) {
        let Some(asked) = self.asked.take() else { return };
        let reply = refusals.map(|refusals| {
            let items = asked.items.iter().enumerate().map(|(at, item)| {
                let refused = refusals >> (at % 64) & 1 == 1;
                if refused { Err(Code::GenerationEnded) } else { Ok(derived(item)) }
            });
            ReceiveReply { items: items.collect() }
        });
        let (time, mut all) = (self.time(), Vec::new());
        self.station.keys(time, reply, &mut |verdict, octets: &mut [u8]| {
            all.push((verdict, octets.to_vec()));
        });
        self.delivered_all(all);
    }

    fn work(&mut self) {
        while let Some(action) = self.station.poll(self.time()) {
            match action {
                Action::Receive(call) => {
                    self.calls += 1;
                    for item in &call.items {
                        let announced = (item.sender, item.ptk_id, item.salt.0);
                        let salted = item.generation.get() < 3;
                        assert!(!salted || self.announced.contains(&announced));
                    }
                    assert!(self.asked.replace(call).is_none(), "two calls at once");
                }
                Action::Save(octets) => {
                    assert!(self.saving.replace(octets).is_none(), "two files at once");
                }
                Action::Report(_) => {}
                Action::Send(_) => panic!("this radio does not send"),
                Action::Keep(_) | Action::Import(_) | Action::Transmit(..) => {
                    panic!("no object is signed")
                }
            }
        }
    }
}
