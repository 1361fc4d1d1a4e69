//! What the TA keeps: one sealed object, read and written whole. The types
//! here are the model, [`record`] its encoding; docs/storage.md has both octet
//! by octet.

pub mod life;
pub mod record;

use alloc::vec::Vec;

use proseal_proto::content::Policy;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::message::{Event, EventKind, PgkState};

use crate::kdf::Prepared;
use crate::secret::GroupKey;

/// Removed groups whose `next` is remembered: as many as a device can hold,
/// exchanged twice over. It never forgets one: the next is refused.
pub const REMOVED_MAX: usize = 32;
/// Events kept: as many as there can be PGKs, so that a content which brings or
/// ends them all pushes out none of its own. The largest state has room for them.
pub const EVENTS_MAX: usize = 64;

/// What a device keeps from its first identity, or content, on.
pub struct State {
    /// The device's id; zeros until it has an identity.
    pub device: DeviceId,
    /// The manager's root key; zeros until enrolled with one.
    pub root_key: [u8; 32],
    /// The manager's id; zeros likewise.
    pub manager: [u8; 16],
    /// Highest signer version accepted.
    pub signer_version: u32,
    /// Sequence of the last content applied; 0 for none.
    pub sequence: u64,
    /// SHA-256 of the last content applied.
    pub digest: [u8; 32],
    /// Lower bound of the time, seconds since 1970 UTC; 0 unknown.
    pub floor: u64,
    /// Powered seconds since the last fresh content.
    pub unsynced_s: u32,
    /// Whether one more write is due: the store's previous version may hold keys
    /// that have ended, or has no room yet.
    pub lingering: bool,
    /// The groups, by id.
    pub groups: Vec<Group>,
    /// Groups that are gone, by id.
    pub removed: Vec<RemovedGroup>,
    /// Number of the next event.
    pub next_event: u32,
    /// The last events, oldest first.
    pub events: Vec<Event>,
}

/// One group.
pub struct Group {
    /// The group.
    pub id: GroupId,
    /// The device's member id in it.
    pub member: MemberId,
    /// Lowest generation that may still come in; it only grows.
    pub next: u64,
    /// Whether deriving is suspended.
    pub suspended: bool,
    /// Whether the device may send.
    pub may_send: bool,
    /// Its PGKs, by generation.
    pub pgks: Vec<Pgk>,
}

/// One PGK.
pub struct Pgk {
    /// Its generation.
    pub generation: Generation,
    /// Its label on the air.
    pub id: PgkId,
    /// The PGK itself.
    pub key: GroupKey,
    /// What is derived from it once; not stored.
    pub prepared: Prepared,
    /// Whether it was derived from a root, which is not kept.
    pub is_root: bool,
    /// What may be done with it.
    pub policy: Policy,
    /// Highest PTK Id that may have been given out: ids up to here are
    /// reserved, and after a restart count as used.
    pub reserved: u16,
}

/// What is remembered of a group that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedGroup {
    /// The group.
    pub id: GroupId,
    /// Its `next`: an ended generation never comes back.
    pub next: u64,
    /// Whether deriving was suspended.
    pub suspended: bool,
}

impl State {
    /// The state of a device that holds nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            device: DeviceId::NONE,
            root_key: [0; 32],
            manager: [0; 16],
            signer_version: 0,
            sequence: 0,
            digest: [0; 32],
            floor: 0,
            unsynced_s: 0,
            lingering: false,
            groups: Vec::new(),
            removed: Vec::new(),
            next_event: 0,
            events: Vec::new(),
        }
    }

    /// Whether the device is in use: it belongs to a manager, or (in the test
    /// build) was given a content in clear.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.root_key != [0; 32] || self.sequence != 0
    }

    /// Lets powered time pass.
    pub fn pass(&mut self, elapsed_s: u64) {
        let mut now = life::Now { floor: self.floor, unsynced_s: self.unsynced_s };
        now.pass(elapsed_s);
        (self.floor, self.unsynced_s) = (now.floor, now.unsynced_s);
    }

    /// Seconds until the first PGK ends; none ends while the floor is unknown.
    #[must_use]
    pub fn first_end_s(&self) -> u64 {
        let pgks = self.groups.iter().flat_map(|group| &group.pgks);
        let ends = pgks.filter_map(|pgk| life::end(&pgk.policy));
        ends.map(|end| end.saturating_sub(self.floor))
            .min()
            .filter(|_| self.floor != 0)
            .unwrap_or(u64::MAX)
    }

    /// Drops the PGKs that the floor has ended.
    pub fn drop_ended(&mut self) {
        let Self { floor, groups, .. } = self;
        let mut ended = Vec::new();
        for group in groups {
            let id = group.id;
            group.pgks.retain(|pgk| {
                let stays = life::state_at(&pgk.policy, *floor) != PgkState::Ended;
                if !stays {
                    ended.push((id, pgk.generation));
                }
                stays
            });
        }
        for (group, generation) in ended {
            self.note(EventKind::Ended, group, generation.get());
        }
    }

    /// Adds an event; the oldest goes if there are too many.
    pub fn note(&mut self, kind: EventKind, group: GroupId, generation: u64) {
        if self.events.len() >= EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(Event {
            number: self.next_event,
            kind,
            group,
            generation,
            floor: self.floor,
        });
        self.next_event = self.next_event.saturating_add(1);
    }

    /// The group with this id.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }
}

impl State {
    /// The group with this id, to change it.
    pub fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.id == id)
    }

    /// Whether a PGK of `self` is not in `next`.
    #[must_use]
    pub fn loses_a_key_in(&self, next: &Self) -> bool {
        let stays = |group: &Group, pgk: &Pgk| {
            next.group(group.id).is_some_and(|group| group.pgk(pgk.generation).is_some())
        };
        self.groups.iter().any(|group| group.pgks.iter().any(|pgk| !stays(group, pgk)))
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl Group {
    /// The PGK of this generation.
    #[must_use]
    pub fn pgk(&self, generation: Generation) -> Option<&Pgk> {
        self.pgks.iter().find(|pgk| pgk.generation == generation)
    }

    /// The PGK of this generation, to change it.
    pub fn pgk_mut(&mut self, generation: Generation) -> Option<&mut Pgk> {
        self.pgks.iter_mut().find(|pgk| pgk.generation == generation)
    }
}
