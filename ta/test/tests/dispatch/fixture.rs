//! A device in memory, and contents for it.

use std::sync::{Arc, Mutex, MutexGuard};

use proseal_proto::command::{
    Command, RESPONSE_HEAD, ResponseError, decode_response, encode_request,
};
use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::message::{
    Erase, Event, EventKind, Events, Outcome, Receive, ReceiveItem, Revoke, Send, SendReply,
    Status, StatusReply, Suspend,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Scope};
use proseal_ta::device::Ta;
use proseal_ta::sim::{Fault, Medium, Sim};
use proseal_ta_test::dispatch::dispatch;

/// When the fixtures' contents are made, seconds since 1970 UTC.
pub(crate) const TIME: u64 = 1_767_225_600;
/// The device's member id in every group.
pub(crate) const MEMBER: u32 = 1;
/// Another member.
pub(crate) const OTHER: u32 = 2;
/// A group.
pub(crate) const GROUP: u32 = 0x0a_0001;

/// A TA over a medium that outlives it.
pub(crate) struct Device {
    medium: Arc<Mutex<Medium>>,
    ta: Ta<Sim>,
    starts: u64,
    /// The epochs that were given out over all starts: generation and PTK Id.
    pub(crate) epochs: Vec<(u64, u16)>,
}

impl Device {
    /// A device that holds nothing.
    pub(crate) fn new() -> Self {
        let medium = Arc::<Mutex<Medium>>::default();
        let ta = Ta::new(Sim::new(Arc::clone(&medium), 1));
        Self { medium, ta, starts: 1, epochs: Vec::new() }
    }

    /// A device that holds one PGK: [`GROUP`], generation 1.
    pub(crate) fn enrolled() -> Self {
        let mut device = Self::new();
        assert_eq!(device.install(Scope::Whole, &generations(1, &[1])), Ok(Outcome::Applied));
        device
    }

    /// The TA ends, in whatever state, and starts again on the same medium.
    pub(crate) fn restart(&mut self) {
        self.starts += 1;
        self.ta = Ta::new(Sim::new(Arc::clone(&self.medium), self.starts));
    }

    /// The power is back after it went.
    pub(crate) fn power_on(&mut self) {
        let mut medium = self.medium();
        (medium.power_left, medium.is_off) = (None, false);
    }

    /// The medium.
    pub(crate) fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().unwrap()
    }

    /// What happens to the store from now on.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.medium().fault = fault;
    }

    /// Octets in, octets out.
    pub(crate) fn raw(&mut self, role: Role, number: u32, request: &[u8]) -> Vec<u8> {
        self.raw_with_room(role, number, request, RESPONSE_MAX)
    }

    /// The same, of a caller who has no more `room` for the response.
    pub(crate) fn raw_with_room(
        &mut self,
        role: Role,
        number: u32,
        request: &[u8],
        room: usize,
    ) -> Vec<u8> {
        let mut response = Vec::with_capacity(RESPONSE_MAX);
        let buffer = response.as_ptr();
        dispatch(&mut self.ta, role, number, request, room, &mut response);
        assert_eq!(response.as_ptr(), buffer, "a buffer that moved leaves keys behind");
        response
    }

    /// One command, by the first of its callers.
    pub(crate) fn call<C: Command>(&mut self, command: &C) -> Result<C::Reply, Code> {
        self.call_as(C::CALLERS[0], command)
    }

    /// One command.
    pub(crate) fn call_as<C: Command>(
        &mut self,
        role: Role,
        command: &C,
    ) -> Result<C::Reply, Code> {
        let mut request = Vec::new();
        encode_request(command, &mut request).unwrap();
        let response = self.raw_with_room(role, C::NUMBER, &request, command.response_max());
        assert!((RESPONSE_HEAD..=command.response_max()).contains(&response.len()));
        decode_response::<C>(&response).map_err(|error| match error {
            ResponseError::Refused(code) => code,
            other => panic!("not a response: {other:?}"),
        })
    }

    pub(crate) fn install(&mut self, scope: Scope, content: &Content<'_>) -> Result<Outcome, Code> {
        self.install_octets(scope, &encoded(content))
    }

    pub(crate) fn install_octets(&mut self, scope: Scope, content: &[u8]) -> Result<Outcome, Code> {
        self.call(&Install { scope, content }).map(|reply| reply.outcome)
    }

    pub(crate) fn send(&mut self, generation: u64) -> Result<SendReply, Code> {
        self.call(&Send { group: group_id(GROUP), generation: self::generation(generation) })
    }

    /// The PTK Id of a new epoch.
    pub(crate) fn ptk_id(&mut self, generation: u64) -> Result<u16, Code> {
        let id = self.send(generation)?.ptk_id.get();
        // Without power nobody hears it.
        if !self.medium().is_off {
            self.epochs.push((generation, id));
        }
        Ok(id)
    }

    pub(crate) fn receive(
        &mut self,
        items: Vec<ReceiveItem>,
    ) -> Result<Vec<Result<KeyPair, Code>>, Code> {
        self.call(&Receive { items }).map(|reply| reply.items)
    }

    /// Whether a receiver's keys are given, or why not.
    pub(crate) fn receives(&mut self, generation: u64) -> Result<(), Code> {
        let mut items = self.receive(vec![epoch(GROUP, generation, OTHER, 1)])?;
        assert_eq!(items.len(), 1);
        items.remove(0).map(drop)
    }

    /// `suspend` of [`GROUP`], by the administrator.
    pub(crate) fn suspend(&mut self, on: bool) -> Result<(), Code> {
        let suspend = Suspend { group: group_id(GROUP), on };
        self.call_as(Role::Administrator, &suspend).map(drop)
    }

    /// `revoke` of what is below a generation of [`GROUP`].
    pub(crate) fn revoke(&mut self, below: u64) -> Result<(), Code> {
        self.call(&Revoke { group: group_id(GROUP), below: generation(below) }).map(drop)
    }

    /// Every event that is kept.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let since = events.last().map_or(0, |last| last.number + 1);
            let reply = self.call(&Events { since }).unwrap();
            assert!(reply.events.iter().all(|event| event.number < reply.next));
            if reply.events.is_empty() {
                return events;
            }
            events.extend(reply.events);
        }
    }

    /// What has happened, in short.
    pub(crate) fn event_kinds(&mut self) -> Vec<EventKind> {
        self.events().iter().map(|event| event.kind).collect()
    }

    /// Powered time passes.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.medium().uptime_ms += seconds * 1000;
    }

    pub(crate) fn status(&mut self) -> StatusReply {
        self.call(&Status).unwrap()
    }

    pub(crate) fn erase(&mut self) -> Result<(), Code> {
        self.call(&Erase { device: DeviceId::NONE }).map(drop)
    }

    /// What is held of [`GROUP`]: its generations and its `next`.
    pub(crate) fn held(&mut self) -> (Vec<u64>, u64) {
        let status = self.status();
        let group = status.groups.iter().find(|group| group.group == group_id(GROUP));
        group.map_or((Vec::new(), 0), |group| {
            (group.pgks.iter().map(|pgk| pgk.generation.get()).collect(), group.next)
        })
    }
}

static KEYS: [[u8; 32]; 256] = {
    let mut keys = [[0x5a; 32]; 256];
    let mut at = 0;
    while at < 256 {
        keys[at][0] = at as u8;
        at += 1;
    }
    keys
};

pub(crate) fn key(at: usize) -> &'static [u8; 32] {
    &KEYS[at]
}

pub(crate) const fn content(sequence: u64, groups: Vec<Group<'static>>) -> Content<'static> {
    Content { device: DeviceId::NONE, sequence, time: TIME, start_nonce: None, groups }
}

pub(crate) fn group(id: u32, pgks: Vec<Pgk<'static>>) -> Group<'static> {
    let next = pgks.first().map_or(1, |pgk| pgk.generation.get());
    Group { group: group_id(id), member: member(MEMBER), next, may_send: true, pgks }
}

pub(crate) fn pgk(generation: u64, at: usize) -> Pgk<'static> {
    Pgk {
        generation: self::generation(generation),
        id: PgkId(generation as u8),
        key: key(at),
        is_root: false,
        policy: policy(),
    }
}

pub(crate) fn policy() -> Policy {
    Policy {
        not_before: TIME,
        not_after: TIME + 1,
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        label: Label::new("field").unwrap(),
        epoch_s: 3600,
        epoch_packets: 1_000_000,
        receive_grace_s: 600,
        send_grace_s: 0,
        max_unsynced_s: 0,
        accept_rollback: false,
    }
}

/// [`GROUP`] with these generations, and keys of the same numbers.
pub(crate) fn generations(sequence: u64, generations: &[u64]) -> Content<'static> {
    let pgks = generations.iter().map(|&number| pgk(number, number as usize));
    content(sequence, vec![group(GROUP, pgks.collect())])
}

/// 16 groups with 4 PGKs each.
pub(crate) fn largest(sequence: u64) -> Content<'static> {
    let pgks = |at: usize| (0..4).map(|n| pgk(n as u64 + 1, 4 * at + n)).collect();
    content(sequence, (0..16).map(|at| group(GROUP + at as u32, pgks(at))).collect())
}

pub(crate) fn epoch(group: u32, generation: u64, sender: u32, ptk_id: u16) -> ReceiveItem {
    ReceiveItem {
        group: group_id(group),
        generation: self::generation(generation),
        sender: member(sender),
        ptk_id: PtkId::new(ptk_id).unwrap(),
        salt: EpochSalt([0xa0; 8]),
    }
}

pub(crate) fn encoded(content: &Content<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    content.encode(&mut octets);
    octets
}

pub(crate) fn group_id(id: u32) -> GroupId {
    GroupId::new(id).unwrap()
}

pub(crate) fn member(id: u32) -> MemberId {
    MemberId::new(id).unwrap()
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).unwrap()
}
