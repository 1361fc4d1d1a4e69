//! The encoding of the state, format version 1 (docs/storage.md has it octet
//! by octet). Variable in what it holds, padded with zeros to one size for
//! all: what is always as long is written where it lies.

use alloc::vec::Vec;

use proseal_proto::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use proseal_proto::content::{Label, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::limit;
use proseal_proto::message::Event;
use proseal_proto::profile::{Profile, Suite};
use zeroize::Zeroizing;

use super::{EVENTS_MAX, Group, Pgk, REMOVED_MAX, RemovedGroup, State};
use crate::VERSION;
use crate::kdf::Prepared;
use crate::secret::GroupKey;

/// First octets of each record.
const MAGIC: [u8; 8] = *b"PrSlStat";
/// The format that this build writes and reads.
const FORMAT: u16 = 1;
/// OP-TEE stores objects in blocks of this size.
const BLOCK: usize = 4096;

const HEAD: usize = 8 + 2 + 4 + 16 + 32 + 16 + 4 + 8 + 32 + 8 + 4 + 1;
const PGK: usize = 8 + 1 + 32 + 1 + 8 + 8 + 1 + 1 + 1 + limit::LABEL + 4 * 5 + 1 + 2;
const GROUP: usize = 3 + 3 + 8 + 1 + 1 + 2;
const REMOVED: usize = 3 + 8 + 1;
/// Of a state that has no group, has lost none and tells no event.
const EMPTY: usize = HEAD + 2 + 2 + 4 + 2;

/// Octets of each record: as many blocks as the largest state needs.
pub const LEN: usize = 3 * BLOCK;
const _: () = assert!(
    EMPTY
        + limit::GROUPS * (GROUP + limit::PGKS * PGK)
        + REMOVED_MAX * REMOVED
        + EVENTS_MAX * Event::LEN
        <= LEN
);

/// Why a record is not a state of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Written in a later format, or by a later TA.
    TooNew,
    /// Not a record.
    Malformed,
}

impl From<DecodeError> for RecordError {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

impl From<RecordError> for Code {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::TooNew => Self::StateTooNew,
            RecordError::Malformed => Self::Damaged,
        }
    }
}

/// The state as a record. It holds the keys, so it wipes itself.
pub fn encode(state: &State) -> Result<Zeroizing<Vec<u8>>, Full> {
    let mut record = written(state, LEN)?;
    record.resize(LEN, 0);
    Ok(record)
}

/// The same without the zeros behind it, for what is not stored: a state that holds
/// little is copied and compared, and wiped, in as little time.
pub fn encode_unpadded(state: &State) -> Result<Zeroizing<Vec<u8>>, Full> {
    let pgks = state.groups.iter().map(|group| group.pgks.len()).sum();
    let parts = [
        (state.groups.len(), GROUP),
        (pgks, PGK),
        (state.removed.len(), REMOVED),
        (state.events.len(), Event::LEN),
    ];
    let room = parts
        .iter()
        .fold(EMPTY, |room, (count, each)| room.saturating_add(count.saturating_mul(*each)));
    written(state, room.min(LEN))
}

fn written(state: &State, room: usize) -> Result<Zeroizing<Vec<u8>>, Full> {
    // Room for all: a buffer that moved would leave keys behind.
    let mut record = Zeroizing::new(Vec::with_capacity(room));
    write(state, &mut Writer::new(&mut record, room))?;
    Ok(record)
}

/// The state that a record holds.
pub fn decode(record: &[u8]) -> Result<State, RecordError> {
    let mut r = Reader::new(record);
    if r.array()? != MAGIC {
        return Err(RecordError::Malformed);
    }
    // A downgraded TA must not misread, or drop, what a later one wrote.
    if r.u16()? != FORMAT || r.u32()? > VERSION {
        return Err(RecordError::TooNew);
    }
    let state = read(&mut r)?;
    if r.take_rest().iter().any(|&octet| octet != 0) {
        return Err(RecordError::Malformed);
    }
    Ok(state)
}

fn write(state: &State, w: &mut Writer<'_>) -> Result<(), Full> {
    w.bytes(&MAGIC)?;
    w.u16(FORMAT)?;
    w.u32(VERSION)?;
    state.device.encode(w)?;
    w.bytes(&state.root_key)?;
    w.bytes(&state.manager)?;
    w.u32(state.signer_version)?;
    w.u64(state.sequence)?;
    w.bytes(&state.digest)?;
    w.u64(state.floor)?;
    w.u32(state.unsynced_s)?;
    w.bool(state.lingering)?;
    w.list(&state.groups)?;
    w.list(&state.removed)?;
    w.u32(state.next_event)?;
    w.list(&state.events)
}

fn read(r: &mut Reader<'_>) -> Result<State, DecodeError> {
    Ok(State {
        device: DeviceId::decode(r)?,
        root_key: r.array()?,
        manager: r.array()?,
        signer_version: r.u32()?,
        sequence: r.u64()?,
        digest: r.array()?,
        floor: r.u64()?,
        unsynced_s: r.u32()?,
        lingering: r.bool()?,
        groups: r.list(limit::GROUPS)?,
        removed: r.list(REMOVED_MAX)?,
        next_event: r.u32()?,
        events: r.list(EVENTS_MAX)?,
    })
}

impl Encode for Group {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.id.encode(w)?;
        self.member.encode(w)?;
        w.u64(self.next)?;
        w.bool(self.suspended)?;
        w.bool(self.may_send)?;
        w.list(&self.pgks)
    }
}

impl Decode<'_> for Group {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: GroupId::decode(r)?,
            member: MemberId::decode(r)?,
            next: r.u64()?,
            suspended: r.bool()?,
            may_send: r.bool()?,
            pgks: r.list(limit::PGKS)?,
        })
    }
}

impl Encode for Pgk {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        let policy = &self.policy;
        self.generation.encode(w)?;
        self.id.encode(w)?;
        w.bytes(self.key.expose())?;
        w.bool(self.is_root)?;
        w.u64(policy.not_before)?;
        w.u64(policy.not_after)?;
        w.u8(policy.profile.number())?;
        w.u8(policy.suite.number())?;
        let label = policy.label.as_bytes();
        w.u8(u8::try_from(label.len()).map_err(|_| Full)?)?;
        w.bytes(label)?;
        w.u32(policy.epoch_s)?;
        w.u32(policy.epoch_packets)?;
        w.u32(policy.receive_grace_s)?;
        w.u32(policy.send_grace_s)?;
        w.u32(policy.max_unsynced_s)?;
        w.bool(policy.accept_rollback)?;
        w.u16(self.reserved)
    }
}

impl Decode<'_> for Pgk {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let generation = Generation::decode(r)?;
        let id = PgkId::decode(r)?;
        let mut key = GroupKey::zero();
        r.copy_to(key.expose_mut())?;
        Ok(Self {
            generation,
            id,
            key,
            prepared: Prepared::new(),
            is_root: r.bool()?,
            policy: Policy {
                not_before: r.u64()?,
                not_after: r.u64()?,
                profile: Profile::try_from(r.u8()?).map_err(|_| DecodeError::OutOfRange)?,
                suite: Suite::try_from(r.u8()?).map_err(|_| DecodeError::OutOfRange)?,
                label: label(r)?,
                epoch_s: r.u32()?,
                epoch_packets: r.u32()?,
                receive_grace_s: r.u32()?,
                send_grace_s: r.u32()?,
                max_unsynced_s: r.u32()?,
                accept_rollback: r.bool()?,
            },
            reserved: r.u16()?,
        })
    }
}

fn label(r: &mut Reader<'_>) -> Result<Label, DecodeError> {
    let len = usize::from(r.u8()?);
    let text = core::str::from_utf8(r.take(len)?).map_err(|_| DecodeError::OutOfRange)?;
    Ok(Label::new(text)?)
}

impl Encode for RemovedGroup {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.id.encode(w)?;
        w.u64(self.next)?;
        w.bool(self.suspended)
    }
}

impl Decode<'_> for RemovedGroup {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: GroupId::decode(r)?, next: r.u64()?, suspended: r.bool()? })
    }
}

#[cfg(test)]
mod tests;
