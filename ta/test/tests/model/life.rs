//! What a device keeps (docs/storage.md), as plain data, and how time ends a
//! key (docs/commands.md, A key's life).

use std::collections::BTreeMap;

use proseal_proto::id::GroupId;
use proseal_proto::message::{Event, EventKind, PgkState};

use crate::derive::Policy;

/// Events that are kept.
const EVENTS: usize = 64;
/// PTK Ids are reserved in blocks.
const BLOCK: u16 = 64;

/// Everything that outlives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// The call by which it began: it tells one life of the device from another.
    pub(crate) born: u64,
    pub(crate) sequence: u64,
    /// The last content, octet by octet.
    pub(crate) content: Vec<u8>,
    /// 0 while it is unknown.
    pub(crate) floor: u64,
    pub(crate) unsynced_s: u32,
    pub(crate) groups: BTreeMap<u32, Group>,
    pub(crate) removed: BTreeMap<u32, Removed>,
    pub(crate) events: Vec<Event>,
    pub(crate) next_event: u32,
    pub(crate) lingering: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) member: u32,
    pub(crate) next: u64,
    pub(crate) suspended: bool,
    pub(crate) may_send: bool,
    pub(crate) pgks: BTreeMap<u64, Pgk>,
}

/// What is remembered of a removed group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) next: u64,
    pub(crate) suspended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pgk {
    pub(crate) key: [u8; 32],
    /// The TA does not keep a root; the model does, to judge its use.
    pub(crate) root: Option<[u8; 32]>,
    pub(crate) policy: Policy,
    pub(crate) terms: Terms,
    /// Highest PTK Id reserved.
    pub(crate) reserved: u16,
}

/// What a later content may change of a held PGK: windows and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) epoch_s: u32,
    pub(crate) epoch_packets: u32,
    pub(crate) receive_grace_s: u32,
    pub(crate) send_grace_s: u32,
    pub(crate) max_unsynced_s: u32,
    pub(crate) accept_rollback: bool,
}

impl Terms {
    /// The table of a key's life.
    pub(crate) fn state(&self, floor: u64) -> PgkState {
        let past = floor.saturating_sub(self.not_after);
        if floor == 0 || past <= self.send_grace_s.into() {
            PgkState::Held
        } else if past <= self.receive_grace_s.into() {
            PgkState::ReceiveOnly
        } else {
            PgkState::Ended
        }
    }
}

/// From this level on storage cannot be rolled back.
const PROTECTED: u16 = 1000;

impl Pgk {
    /// A profile without a salt sends only where storage cannot be rolled back,
    /// or the policy accepts that it can.
    pub(crate) fn is_rollback_unprotected(&self, protection: u16) -> bool {
        !self.policy.has_salt() && !self.terms.accept_rollback && protection < PROTECTED
    }

    /// Reserves a block; the last is one shorter, since there is no PTK Id 0.
    pub(crate) fn reserve(&mut self) {
        self.reserved = self.reserved.saturating_add(BLOCK);
    }
}

impl Life {
    pub(crate) fn event(&mut self, kind: EventKind, group: u32, generation: u64) {
        let group = GroupId::new(group).expect("groups have 24 bits");
        let number = self.next_event;
        self.events.push(Event { number, kind, group, generation, floor: self.floor });
        self.next_event += 1;
        if self.events.len() > EVENTS {
            self.events.remove(0);
        }
    }

    /// Powered seconds that have passed.
    pub(crate) fn pass(&mut self, seconds: u64) {
        if self.floor != 0 {
            self.floor = self.floor.saturating_add(seconds);
        }
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.unsynced_s = self.unsynced_s.saturating_add(seconds);
    }

    /// Erases what has ended, by group and generation, and tells of it.
    /// Whether something was.
    pub(crate) fn end(&mut self) -> bool {
        let ended = self.ended();
        for &(group, generation) in &ended {
            if let Some(group) = self.groups.get_mut(&group) {
                group.pgks.remove(&generation);
            }
            self.event(EventKind::Ended, group, generation);
        }
        !ended.is_empty()
    }

    fn ended(&self) -> Vec<(u32, u64)> {
        let all = self.groups.iter().flat_map(|(&id, group)| {
            group.pgks.iter().map(move |(&generation, pgk)| ((id, generation), pgk.terms))
        });
        all.filter(|(_, terms)| terms.state(self.floor) == PgkState::Ended)
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether a PGK is held whose time and grace are over.
    pub(crate) fn has_ended(&self) -> bool {
        !self.ended().is_empty()
    }
}
