//! `suspend`, `revoke`, `events` and `erase`: how keys end, and what is told
//! of it.

use alloc::vec::Vec;

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use crate::id::{DeviceId, Generation, GroupId};
use crate::limit::EVENTS_REPLY;

/// `suspend`: stop deriving for a group, or go on. It outlives restarts.
pub struct Suspend {
    /// The group.
    pub group: GroupId,
    /// Whether to stop. The daemon may stop only, not go on.
    pub on: bool,
}

impl Encode for Suspend {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        w.bool(self.on)
    }
}

impl Decode<'_> for Suspend {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { group: GroupId::decode(r)?, on: r.bool()? })
    }
}

/// `revoke`: every PGK of a group below a generation ends for ever.
pub struct Revoke {
    /// The group.
    pub group: GroupId,
    /// The first generation that stays; at most the group's `next`.
    pub below: Generation,
}

impl Encode for Revoke {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        self.below.encode(w)
    }
}

impl Decode<'_> for Revoke {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { group: GroupId::decode(r)?, below: Generation::decode(r)? })
    }
}

/// `erase`: everything goes, the identity too.
pub struct Erase {
    /// The device's own id, so that no other is erased by mistake.
    pub device: DeviceId,
}

impl Encode for Erase {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.device.encode(w)
    }
}

impl Decode<'_> for Erase {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: DeviceId::decode(r)? })
    }
}

/// What happened to a key or a group. A number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// A PGK came in.
    Installed = 1,
    /// A block of PTK Ids was reserved: this device is using new epochs.
    Refreshed = 2,
    /// Everything below the generation was ended by decision.
    Revoked = 3,
    /// The PGK's time was over, and its grace.
    Ended = 4,
    /// Deriving was suspended.
    Suspended = 5,
    /// Deriving goes on.
    Resumed = 6,
    /// A content did not list it any more: the PGK, or, with the group's `next`, the group.
    Removed = 7,
    /// After a write that failed the store was brought back to what holds.
    Repaired = 8,
}

impl EventKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Installed,
        Self::Refreshed,
        Self::Revoked,
        Self::Ended,
        Self::Suspended,
        Self::Resumed,
        Self::Removed,
        Self::Repaired,
    ];

    /// The number on the wire and in the state.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that tools print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Refreshed => "refreshed",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Removed => "removed",
            Self::Repaired => "repaired",
        }
    }
}

impl TryFrom<u8> for EventKind {
    type Error = DecodeError;

    fn try_from(number: u8) -> Result<Self, DecodeError> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.number() == number)
            .ok_or(DecodeError::OutOfRange)
    }
}

/// One event. It has no key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Counts all events of the device, from 0.
    pub number: u32,
    /// What happened.
    pub kind: EventKind,
    /// In which group; zeros where it is none's.
    pub group: GroupId,
    /// To which generation; of `Revoked` the first that stays; 0 where it is none's.
    pub generation: u64,
    /// The TA's floor then, seconds since 1970 UTC.
    pub floor: u64,
}

impl Event {
    /// Octets of an event.
    pub const LEN: usize = 4 + 1 + 3 + 8 + 8;
}

impl Encode for Event {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u32(self.number)?;
        w.u8(self.kind.number())?;
        self.group.encode(w)?;
        w.u64(self.generation)?;
        w.u64(self.floor)
    }
}

impl Decode<'_> for Event {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            number: r.u32()?,
            kind: EventKind::try_from(r.u8()?)?,
            group: GroupId::decode(r)?,
            generation: r.u64()?,
            floor: r.u64()?,
        })
    }
}

/// `events`: what has happened, as far as it is still kept.
pub struct Events {
    /// Number of the first event asked for.
    pub since: u32,
}

impl Encode for Events {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u32(self.since)
    }
}

impl Decode<'_> for Events {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { since: r.u32()? })
    }
}

/// The first events from there on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsReply {
    /// Number that the next event of the device will have.
    pub next: u32,
    /// At most [`EVENTS_REPLY`], by number. The next call goes on after the last.
    pub events: Vec<Event>,
}

impl EventsReply {
    /// Octets of the largest reply.
    pub const MAX: usize = 4 + 2 + EVENTS_REPLY * Event::LEN;
}

impl Encode for EventsReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u32(self.next)?;
        w.list(&self.events)
    }
}

impl Decode<'_> for EventsReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { next: r.u32()?, events: r.list(EVENTS_REPLY)? })
    }
}
