//! `send`, `receive` and `admission`: keys derived from a PGK.

use alloc::vec::Vec;

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer, decode_all};
use crate::error::Code;
use crate::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use crate::key::{AdmissionKey, KeyPair};
use crate::limit::BATCH;
use crate::profile::Suite;

/// `send`: start a new epoch of this device in a group.
pub struct Send {
    /// The destination group.
    pub group: GroupId,
    /// Which of its PGKs.
    pub generation: Generation,
}

impl Encode for Send {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        self.generation.encode(w)
    }
}

impl Decode<'_> for Send {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { group: GroupId::decode(r)?, generation: Generation::decode(r)? })
    }
}

/// A new epoch: what to announce, how long to use it, and its keys.
pub struct SendReply {
    /// The PGK's generation.
    pub generation: Generation,
    /// The PGK's label on the air.
    pub pgk_id: PgkId,
    /// This device's member id in the group.
    pub member: MemberId,
    /// The epoch's PTK Id, never given out before.
    pub ptk_id: PtkId,
    /// The epoch's salt, fresh.
    pub salt: EpochSalt,
    /// How frames are protected.
    pub suite: Suite,
    /// When the PGK ends, seconds since 1970 UTC.
    pub not_after: u64,
    /// How long the epoch may be used, seconds.
    pub epoch_s: u32,
    /// How many packets it may protect.
    pub epoch_packets: u32,
    /// IK and CK.
    pub keys: KeyPair,
}

impl SendReply {
    /// Octets of the reply.
    pub const LEN: usize = 8 + 1 + 3 + 2 + 8 + 1 + 8 + 4 + 4 + KeyPair::LEN;
}

impl Encode for SendReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.generation.encode(w)?;
        self.pgk_id.encode(w)?;
        self.member.encode(w)?;
        self.ptk_id.encode(w)?;
        self.salt.encode(w)?;
        w.u8(self.suite.number())?;
        w.u64(self.not_after)?;
        w.u32(self.epoch_s)?;
        w.u32(self.epoch_packets)?;
        self.keys.encode(w)
    }
}

impl Decode<'_> for SendReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            generation: Generation::decode(r)?,
            pgk_id: PgkId::decode(r)?,
            member: MemberId::decode(r)?,
            ptk_id: PtkId::decode(r)?,
            salt: EpochSalt::decode(r)?,
            suite: Suite::try_from(r.u8()?).map_err(|_| DecodeError::OutOfRange)?,
            not_after: r.u64()?,
            epoch_s: r.u32()?,
            epoch_packets: r.u32()?,
            keys: KeyPair::decode(r)?,
        })
    }
}

/// One epoch of another sender, as its frames announce it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveItem {
    /// The destination group.
    pub group: GroupId,
    /// Which of its PGKs.
    pub generation: Generation,
    /// Who sends.
    pub sender: MemberId,
    /// The epoch's PTK Id.
    pub ptk_id: PtkId,
    /// The epoch's salt.
    pub salt: EpochSalt,
}

impl ReceiveItem {
    /// Octets of an item.
    pub const LEN: usize = 3 + 8 + 3 + 2 + 8;
}

impl Encode for ReceiveItem {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        self.generation.encode(w)?;
        self.sender.encode(w)?;
        self.ptk_id.encode(w)?;
        self.salt.encode(w)
    }
}

impl Decode<'_> for ReceiveItem {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: GroupId::decode(r)?,
            generation: Generation::decode(r)?,
            sender: MemberId::decode(r)?,
            ptk_id: PtkId::decode(r)?,
            salt: EpochSalt::decode(r)?,
        })
    }
}

/// `receive`: the keys of 1 to [`BATCH`] epochs of other senders.
pub struct Receive {
    /// The epochs.
    pub items: Vec<ReceiveItem>,
}

impl Encode for Receive {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.list(&self.items)
    }
}

impl Decode<'_> for Receive {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let items = r.list(BATCH)?;
        if items.is_empty() { Err(DecodeError::OutOfRange) } else { Ok(Self { items }) }
    }
}

/// `receive` as the TA reads it: the epochs stay in the request, since a list of
/// its own cost as much as deriving. Each is decoded by itself, so that one
/// which is malformed is no fault of the others.
pub struct ReceiveItems<'a>(&'a [u8]);

impl ReceiveItems<'_> {
    /// How many there are: 1 to [`BATCH`].
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len() / ReceiveItem::LEN
    }

    /// Each epoch, or what is wrong with it.
    pub fn iter(&self) -> impl Iterator<Item = Result<ReceiveItem, DecodeError>> {
        self.0.chunks_exact(ReceiveItem::LEN).map(decode_all)
    }
}

impl Encode for ReceiveItems<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u16(u16::try_from(self.count()).map_err(|_| Full)?)?;
        w.bytes(self.0)
    }
}

impl<'a> Decode<'a> for ReceiveItems<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = usize::from(r.u16()?);
        if !(1..=BATCH).contains(&count) {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self(r.take(count.saturating_mul(ReceiveItem::LEN))?))
    }
}

/// For each epoch asked for, in that order, its keys or why there are none.
pub struct ReceiveReply {
    /// As many as were asked for.
    pub items: Vec<Result<KeyPair, Code>>,
}

impl ReceiveReply {
    /// Octets of the largest reply.
    pub const MAX: usize = Self::len(BATCH);

    /// Octets of the reply to `items` epochs, at most [`BATCH`].
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "a few thousand at most")]
    pub const fn len(items: usize) -> usize {
        let items = if items < BATCH { items } else { BATCH };
        2 + items * (4 + KeyPair::LEN)
    }
}

impl Encode for Result<KeyPair, Code> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Ok(keys) => {
                w.u32(0)?;
                keys.encode(w)
            }
            Err(code) => {
                w.u32(code.number())?;
                w.bytes(&[0; KeyPair::LEN])
            }
        }
    }
}

impl Decode<'_> for Result<KeyPair, Code> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = r.u32()?;
        let keys = KeyPair::decode(r)?;
        match number {
            0 => Ok(Ok(keys)),
            // A refusal that brings octets of a key is none.
            _ if !keys.is_zero() => Err(DecodeError::OutOfRange),
            number => Code::from_number(number).map(Err).ok_or(DecodeError::OutOfRange),
        }
    }
}

impl Encode for ReceiveReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.list(&self.items)
    }
}

impl Decode<'_> for ReceiveReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { items: r.list(BATCH)? })
    }
}

/// `admission`: the admission key of a PGK.
pub struct Admission {
    /// The destination group.
    pub group: GroupId,
    /// Which of its PGKs.
    pub generation: Generation,
}

impl Encode for Admission {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        self.generation.encode(w)
    }
}

impl Decode<'_> for Admission {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { group: GroupId::decode(r)?, generation: Generation::decode(r)? })
    }
}

/// The answer to `admission`.
pub struct AdmissionReply {
    /// The admission key.
    pub key: AdmissionKey,
}

impl AdmissionReply {
    /// Octets of the reply.
    pub const LEN: usize = AdmissionKey::LEN;
}

impl Encode for AdmissionReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(self.key.expose())
    }
}

impl Decode<'_> for AdmissionReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut key = AdmissionKey::zero();
        r.copy_to(key.expose_mut())?;
        Ok(Self { key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode_all;

    /// Found by fuzzing: octets after a code were taken and dropped.
    #[test]
    fn a_refused_item_has_no_key() {
        let mut item = [0; 68];
        item[..4].copy_from_slice(&Code::UnknownGroup.number().to_be_bytes());
        let refused: Result<KeyPair, Code> = decode_all(&item).unwrap();
        assert_eq!(refused.err(), Some(Code::UnknownGroup));
        item[67] = 1;
        assert!(decode_all::<Result<KeyPair, Code>>(&item).is_err());
    }
}
