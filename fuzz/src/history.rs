//! A life of one device: commands, faults, restarts. After each step the
//! promises of the design are checked; a broken one panics.
//!
//! 1. There is always exactly one well-formed response.
//! 2. No epoch of a sender is given out twice, across restarts and faults.
//! 3. Sequence, floor and each group's `next` never fall until an erase.
//! 4. A refusal has changed nothing.
//! 5. Nothing is derived from what is not held, nor for the own member; the
//!    keys of an own epoch never come a second time.
//! 6. Nothing is derived for a suspended group, nor from what the floor has
//!    ended; what was revoked never comes back.
//! 7. Without a salt nothing is sent but what the policy accepts, and no salt is
//!    taken. There is one admission key a PGK, and none of a profile without.
//! 8. What is imported is its own manager's, for this device, without a fault, by no
//!    older signer than before; the signer's version never falls. All of it is in
//!    effect, and nothing else; a suspension outlives it. What the device signs says
//!    what it holds.
//! 9. Only an erase makes another identity of it, or another manager's.
//! 10. Once nothing fails any more, the device works.

mod effect;
mod packages;
mod step;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use proseal_issuer::DeviceKeys;
use proseal_proto::command::{Command, ResponseError, decode_response, encode_request};
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::limit::{BATCH, RESPONSE_MAX};
use proseal_proto::message::{
    Admission, DeviceState, Enrol, Erase, Events, GetStatement, Outcome, PgkState, Receive,
    ReceiveItem, Revoke, Send, Status, StatusReply, Suspend, Version,
};
use proseal_proto::profile::Profile;
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Panic, Scope, SetFloor};
use proseal_ta::device::Ta;
use proseal_ta::sim::{Fault, Medium, Sim};
use proseal_ta_test::dispatch::dispatch;

use crate::manager::Made;
pub use step::{Signed, Step, Wanted, Wrong};

/// The member ids that the device may have in a group.
const MEMBERS: [MemberId; 2] = [MemberId::from_octets([0, 0, 1]), MemberId::from_octets([0, 0, 2])];

/// What must never happen twice, and what must never fall.
#[derive(Default)]
struct Seen {
    epochs: HashSet<(u8, u8, PtkId)>,
    salts: HashSet<EpochSalt>,
    sent: Option<ReceiveItem>,
    sequence: u64,
    floor: u64,
    /// What the floor cannot fall below at a restart: what was signed or set.
    /// Time that passed is written now and then.
    floor_kept: u64,
    next: HashMap<GroupId, u64>,
    /// Which groups are suspended, those that were removed too.
    suspended: HashMap<GroupId, bool>,
    /// What was revoked: everything of a group below a generation.
    ended: HashSet<(GroupId, Generation)>,
    /// An erase was reported as failed, so it may be half done; or the object
    /// was corrupt, and OP-TEE has deleted it.
    may_be_gone: bool,
    /// As it has told them.
    identity: Option<DeviceKeys>,
    /// Devices that this one was before.
    former: HashSet<DeviceId>,
    manager: Option<usize>,
    signer_version: u32,
}

/// The device, its medium, and what was seen of it.
pub struct History {
    medium: Arc<Mutex<Medium>>,
    ta: Ta<Sim>,
    starts: u64,
    seen: Seen,
    /// Whom packages are made for.
    told: Option<DeviceKeys>,
    /// The last packages and notices.
    made: VecDeque<Arc<Made>>,
}

fn group(n: u8) -> GroupId {
    GroupId::from_octets([0, 0, n % 20])
}

fn generation(n: u8) -> Generation {
    Generation::new(u64::from(n % 12) + 1).expect("small")
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// A factory device.
    pub fn new() -> Self {
        let medium = Arc::new(Mutex::new(Medium::default()));
        let ta = Ta::new(Sim::new(Arc::clone(&medium), 0));
        Self { medium, ta, starts: 0, seen: Seen::default(), told: None, made: VecDeque::new() }
    }

    /// One step, and the promises after it.
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Install { whole, sequence_step, time_step, groups } => {
                self.install(*whole, *sequence_step, *time_step, groups);
            }
            Step::Send { group, generation } => self.send(*group % 20, *generation % 12),
            Step::Receive { items } => self.receive(items),
            Step::Admission { group, generation } => self.admission(*group % 20, *generation % 12),
            Step::Erase { right_device } => self.erase(*right_device),
            Step::Status => drop(self.status()),
            Step::Raw { role, number, request } => self.raw(*role, (*number).into(), request),
            Step::Restart => self.restart(),
            Step::Passes { seconds } => {
                let mut medium = self.medium();
                medium.uptime_ms = medium.uptime_ms.wrapping_add(u64::from(*seconds) * 1000);
            }
            Step::Suspend { group, on, by_daemon } => self.suspend(*group, *on, *by_daemon),
            Step::Revoke { group, below } => self.revoke(*group, *below),
            Step::SetFloor { ahead } => {
                let floor = self.seen.floor.saturating_add((*ahead).into());
                if self.call(&SetFloor { floor }).is_ok() {
                    self.seen.floor_kept = self.seen.floor_kept.max(floor);
                }
            }
            Step::Events { since } => self.events((*since).into()),
            Step::Faulty { wrong, spared } => {
                self.medium().spared = (spared % 8).into();
                self.medium().fault = match wrong {
                    Wrong::Nothing => Fault::None,
                    Wrong::WriteFails => Fault::WriteFails,
                    Wrong::WriteLies => Fault::WriteLies,
                    Wrong::Full => Fault::Full,
                    Wrong::Corrupt => Fault::Corrupt,
                };
                // It shows when the TA next reads the object.
                self.seen.may_be_gone |= matches!(wrong, Wrong::Corrupt);
            }
            Step::Random { fails } => self.medium().random_fails = *fails,
            Step::PowerGoes { writes } => self.medium().power_left = Some((writes % 5).into()),
            Step::ReceiveOwn => self.receive_own(),
            Step::Signed(step) => self.take_signed(step),
        }
        if self.is_off() {
            self.restart();
        }
        self.check_what_must_not_fall();
    }

    /// All faults are over: the device must work.
    pub fn end(mut self) {
        if self.is_off() {
            self.restart();
        }
        self.medium().power_left = None;
        self.medium().fault = Fault::None;
        self.medium().random_fails = false;
        self.call(&Version).expect("version");
        self.erase(true);
        self.install(true, 1, 1, &[ordinary()]);
        for start in 1..=2 {
            let sent = self.call(&Send { group: group(1), generation: generation(0) });
            let id = sent.expect("a working device sends").ptk_id;
            let fresh = self.seen.epochs.insert((1, 0, id));
            assert!(fresh, "start {start}: PTK Id {id} was given out twice");
            self.restart();
        }
        if self.told.is_some() {
            self.end_with_packages();
        }
    }

    fn medium(&self) -> std::sync::MutexGuard<'_, Medium> {
        self.medium.lock().expect("no thread panicked")
    }

    fn is_off(&self) -> bool {
        self.medium().is_off
    }

    fn octets(&mut self, role: Role, number: u32, request: &[u8]) -> Vec<u8> {
        let mut response = vec![0xa5; 3];
        dispatch(&mut self.ta, role, number, request, RESPONSE_MAX, &mut response);
        assert!((4..=RESPONSE_MAX).contains(&response.len()), "one response, bounded");
        response
    }

    fn call<C: Command>(&mut self, command: &C) -> Result<C::Reply, Code> {
        self.call_as(C::CALLERS[0], command)
    }

    fn call_as<C: Command>(&mut self, role: Role, command: &C) -> Result<C::Reply, Code> {
        let mut request = Vec::new();
        encode_request(command, &mut request).map_err(|_| Code::Oversized)?;
        let response = self.octets(role, C::NUMBER, &request);
        assert!(response.len() <= command.response_max(), "the request's own bound");
        decode_response::<C>(&response).map_err(|error| match error {
            ResponseError::Refused(code) => code,
            other => panic!("not a response: {other:?}"),
        })
    }

    fn status(&mut self) -> Option<StatusReply> {
        self.call(&Status).ok()
    }

    /// The status but for what any call may change.
    fn held(&mut self) -> Option<StatusReply> {
        self.status().map(|status| StatusReply { refusals: 0, ..status })
    }

    fn install(&mut self, whole: bool, sequence_step: i8, time_step: i32, wanted: &[Wanted]) {
        let before = self.held();
        let Some(held) = &before else { return };
        let keys: Vec<Vec<[u8; 32]>> = wanted
            .iter()
            .map(|w| w.pgks.iter().map(|&(_, _, seed, _)| key(seed)).collect())
            .collect();
        let mut groups: Vec<Group<'_>> = wanted
            .iter()
            .zip(&keys)
            .map(|(w, keys)| {
                let mut pgks: Vec<Pgk<'_>> = w
                    .pgks
                    .iter()
                    .zip(keys)
                    .map(|(&(n, id, seed, lives_s), key)| Pgk {
                        generation: generation(n),
                        id: PgkId(id),
                        key,
                        is_root: is_root(seed),
                        policy: policy(seed, end(held.floor, lives_s)),
                    })
                    .collect();
                pgks.sort_by_key(|pgk| pgk.generation);
                Group {
                    group: group(w.group),
                    member: MEMBERS[usize::from(w.other_member)],
                    next: generation(w.next).get(),
                    may_send: w.may_send,
                    pgks,
                }
            })
            .collect();
        groups.sort_by_key(|group| group.group);
        let content = Content {
            device: held.device,
            sequence: held.sequence.saturating_add_signed(sequence_step.into()),
            time: held.floor.saturating_add_signed(time_step.into()),
            start_nonce: (sequence_step % 2 == 0).then_some(held.start_nonce),
            groups,
        };
        let mut octets = Vec::new();
        content.encode(&mut octets);
        let scope = if whole { Scope::Whole } else { Scope::Added };
        match self.call(&Install { scope, content: &octets }).map(|reply| reply.outcome) {
            Err(_) => self.unchanged(before),
            Ok(Outcome::Applied | Outcome::Partly) => {
                self.seen.floor_kept = self.seen.floor_kept.max(content.time);
            }
            Ok(Outcome::Same | Outcome::Superseded) => {}
        }
    }

    fn send(&mut self, group_n: u8, generation_n: u8) {
        let command = Send { group: group(group_n), generation: generation(generation_n) };
        let held = self.held();
        let Ok(epoch) = self.call(&command) else { return self.unchanged(held) };
        if let Some(held) = held {
            let group = held.groups.iter().find(|g| g.group == command.group);
            let pgk =
                group.and_then(|g| g.pgks.iter().find(|p| p.generation == command.generation));
            assert!(pgk.is_some_and(|p| p.state == PgkState::Held), "sent with what is not held");
            assert!(group.is_some_and(|g| !g.suspended), "derived while suspended");
            assert!(pgk.is_some_and(|p| !p.rollback_unprotected), "sent without protection");
            let has_salt = pgk.is_some_and(|p| p.profile.has_salt());
            assert_eq!(has_salt, epoch.salt != EpochSalt::NONE, "a salt, or none");
        }
        let fresh = self.seen.epochs.insert((group_n, generation_n, epoch.ptk_id));
        assert!(fresh, "PTK Id {} was given out twice", epoch.ptk_id);
        let is_new = epoch.salt == EpochSalt::NONE || self.seen.salts.insert(epoch.salt);
        assert!(is_new, "a salt came twice");
        self.seen.sent = Some(ReceiveItem {
            group: command.group,
            generation: command.generation,
            sender: epoch.member,
            ptk_id: epoch.ptk_id,
            salt: epoch.salt,
        });
        assert!(epoch.keys.ik.expose() != epoch.keys.ck.expose());
    }

    fn receive(&mut self, items: &[(u8, u8, u8)]) {
        let items: Vec<ReceiveItem> = items
            .iter()
            .take(BATCH)
            .map(|&(g, n, sender)| ReceiveItem {
                group: group(g),
                generation: generation(n),
                sender: MemberId::from_octets([0, 0, sender]),
                ptk_id: PtkId::new(u16::from(sender) + 1).expect("not zero"),
                // For every second sender there is none.
                salt: EpochSalt([sender & 1; 8]),
            })
            .collect();
        let asked = items.clone();
        let Some(held) = self.held() else { return };
        let Ok(reply) = self.call(&Receive { items }) else { return self.unchanged(Some(held)) };
        assert_eq!(reply.items.len(), asked.len());
        for (item, keys) in asked.iter().zip(&reply.items) {
            let group = held.groups.iter().find(|g| g.group == item.group);
            let holds = group.is_some_and(|g| {
                let mut pgks = g.pgks.iter().filter(|p| p.state != PgkState::Ended);
                pgks.any(|p| p.generation == item.generation) && !g.suspended
            });
            assert!(holds || keys.is_err(), "derived from what is not held");
            let own = group.is_some_and(|g| g.member == item.sender);
            assert!(!own || keys.is_err(), "receiver keys for the own member");
            let mut pgks = group.into_iter().flat_map(|g| &g.pgks);
            let pgk = pgks.find(|p| p.generation == item.generation);
            let takes_salt = pgk.is_none_or(|p| p.profile.has_salt());
            let is_salted = item.salt != EpochSalt::NONE;
            assert!(takes_salt || !is_salted || keys.is_err(), "a salt where there is none");
        }
    }

    fn admission(&mut self, group_n: u8, generation_n: u8) {
        let (group, generation) = (group(group_n), generation(generation_n));
        let held = self.held();
        let asked = |history: &mut Self| {
            let reply = history.call(&Admission { group, generation });
            reply.map(|reply| *reply.key.expose())
        };
        let Ok(key) = asked(self) else { return self.unchanged(held) };
        let Some(held) = held else { return };
        let group = held.groups.iter().find(|g| g.group == group && !g.suspended);
        let pgk = group.and_then(|g| g.pgks.iter().find(|p| p.generation == generation));
        let may = pgk.is_some_and(|p| p.state != PgkState::Ended && p.profile.has_salt());
        assert!(may, "an admission key of what has none");
        assert!(asked(self).is_ok_and(|again| again == key), "another admission key");
    }

    /// After a refusal, unless the power went in the middle.
    fn unchanged(&mut self, before: Option<StatusReply>) {
        if !self.is_off() {
            assert_eq!(self.held(), before, "a refused command has changed nothing");
        }
    }

    fn receive_own(&mut self) {
        let Some(item) = self.seen.sent else { return };
        let Ok(reply) = self.call(&Receive { items: vec![item] }) else { return };
        assert!(reply.items.iter().all(Result::is_err), "an own epoch's keys came again");
    }

    fn erase(&mut self, right_device: bool) {
        let own = self.status().map_or(DeviceId::NONE, |status| status.device);
        let device = if right_device { own } else { DeviceId([1; 16]) };
        let erased = self.call(&Erase { device });
        if !right_device {
            assert!(erased.is_err(), "another device's id erases nothing");
        } else if erased.is_ok() {
            assert!(self.medium().object.is_none(), "erased, and still there");
            assert_eq!(self.medium().keys, [None, None], "the identity is still there");
            self.forget();
        } else {
            self.seen.may_be_gone = true;
        }
    }

    /// An erased device starts anew. Only salts and identities never come twice.
    fn forget(&mut self) {
        let Seen { salts, mut former, identity, .. } = std::mem::take(&mut self.seen);
        former.extend(identity.map(|keys| keys.id()));
        self.seen = Seen { salts, former, ..Seen::default() };
    }

    fn raw(&mut self, role: u8, number: u32, request: &[u8]) {
        let role = Role::ALL[usize::from(role) % Role::ALL.len()];
        // A valid one of these would need its own bookkeeping.
        let kept = [
            Erase::NUMBER,
            Install::NUMBER,
            Send::NUMBER,
            Revoke::NUMBER,
            SetFloor::NUMBER,
            Panic::NUMBER,
            Enrol::NUMBER,
            GetStatement::NUMBER,
        ];
        if number == Suspend::NUMBER {
            self.seen.suspended.clear();
        }
        if !kept.contains(&number) {
            self.octets(role, number, request);
        }
    }

    fn suspend(&mut self, n: u8, on: bool, by_daemon: bool) {
        let role = if by_daemon { Role::Daemon } else { Role::Administrator };
        let group = group(n % 20);
        let held = self.held();
        match self.call_as(role, &Suspend { group, on }) {
            Err(_) => {
                self.seen.suspended.remove(&group);
                self.unchanged(held);
            }
            Ok(_) => {
                self.seen.suspended.insert(group, on);
                assert!(on || !by_daemon, "the daemon let it go on");
                // It has no answer where its nonce cannot be drawn.
                let Some(status) = self.held() else { return };
                let is_suspended = status.groups.iter().any(|g| g.group == group && g.suspended);
                assert!(is_suspended == on || self.may_be_gone(), "suspension was not kept");
            }
        }
    }

    fn revoke(&mut self, n: u8, below: u8) {
        let (group, below) = (group(n % 20), generation(below));
        let held = self.held();
        if self.call(&Revoke { group, below }).is_err() {
            return self.unchanged(held);
        }
        let Some(status) = self.held() else { return };
        let mut groups = status.groups.iter().filter(|g| g.group == group);
        let is_held = groups.any(|g| g.pgks.iter().any(|p| p.generation < below));
        assert!(!is_held, "revoked, and still held");
        self.seen.ended.insert((group, below));
    }

    fn events(&mut self, since: u32) {
        let Ok(reply) = self.call(&Events { since }) else { return };
        let numbers: Vec<u32> = reply.events.iter().map(|event| event.number).collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "a gap in the events");
        assert!(numbers.iter().all(|&n| n >= since && n < reply.next), "an event out of range");
    }

    fn restart(&mut self) {
        self.medium().power_left = None;
        self.medium().is_off = false;
        self.seen.floor = self.seen.floor_kept;
        self.starts += 1;
        self.ta = Ta::new(Sim::new(Arc::clone(&self.medium), self.starts << 32));
    }

    fn may_be_gone(&self) -> bool {
        self.seen.may_be_gone || self.medium().fault == Fault::Corrupt
    }

    fn check_what_must_not_fall(&mut self) {
        let Some(status) = self.status() else { return };
        match status.state {
            DeviceState::Enrolled => {}
            DeviceState::Damaged => {
                assert!(self.may_be_gone(), "damaged, and nothing was");
                return;
            }
            DeviceState::Factory => {
                let identity = self.seen.identity.filter(|keys| keys.id() == status.device);
                assert!(
                    self.may_be_gone()
                        || self.seen.sequence == 0
                            && self.seen.manager.is_none()
                            && self.seen.identity == identity,
                    "factory, and nobody erased it"
                );
                // It may have told who it is, and be that still.
                if identity.is_some() {
                    self.seen.identity = None;
                }
                // What an erase that failed has left in the store is still there.
                let may_be_gone = self.seen.may_be_gone;
                self.forget();
                (self.seen.may_be_gone, self.seen.identity) = (may_be_gone, identity);
                return;
            }
        }
        self.check_whose_it_is(&status);
        assert!(status.sequence >= self.seen.sequence, "the sequence fell");
        assert!(status.floor >= self.seen.floor, "the floor fell");
        self.seen.sequence = status.sequence;
        self.seen.floor = status.floor;
        for group in &status.groups {
            let next = self.seen.next.entry(group.group).or_default();
            assert!(group.next >= *next, "a group's next fell");
            *next = group.next;
            self.seen.suspended.insert(group.group, group.suspended);
            for pgk in &group.pgks {
                let mut ended = self.seen.ended.iter();
                let is_ended = ended.any(|(g, below)| *g == group.group && pgk.generation < *below);
                assert!(!is_ended, "a revoked generation came back");
            }
        }
    }
}

/// What a working device holds.
fn ordinary() -> Wanted {
    Wanted {
        group: 1,
        next: 0,
        may_send: true,
        other_member: false,
        // By this number a root, which any profile may send with.
        pgks: vec![(0, 0, 131, u16::MAX)],
    }
}

fn key(seed: u8) -> [u8; 32] {
    [seed.max(1); 32]
}

fn is_root(seed: u8) -> bool {
    seed % 4 == 3
}

fn end(floor: u64, lives_s: u16) -> u64 {
    floor.saturating_add(u64::from(lives_s) * 64)
}

/// Any profile; of half of those without a salt it may send.
fn policy(seed: u8, not_after: u64) -> Policy {
    let profile = Profile::ALL[usize::from(seed / 4) % Profile::ALL.len()];
    let suite = profile.suites()[0];
    Policy {
        not_before: 0,
        not_after: not_after.max(1),
        profile,
        suite,
        label: Label::EMPTY,
        epoch_s: 1,
        epoch_packets: 1,
        receive_grace_s: 100_000,
        send_grace_s: 1000,
        max_unsynced_s: 1 << 20,
        accept_rollback: !profile.has_salt() && seed >= 128,
    }
}
