//! The content of a package: the whole desired state of one device, as a
//! deterministic CBOR map. It is the one format that carries a PGK, and it
//! only goes into the TA.
//!
//! ```text
//! content = {1 device id bstr16, 2 sequence, 3 time, ?4 start nonce bstr32, 5 [* group]}
//! group   = {1 group, 2 member, 3 next, 4 may_send bool, 5 [* PGK]}
//! PGK     = {1 generation, 2 PGK Id, 3 key bstr32, 4 is root bool, 5 not_before, 6 not_after,
//!            7 profile, 8 suite, 9 operator label tstr, 10 epoch_s, 11 epoch_packets,
//!            12 receive_grace_s, 13 send_grace_s, 14 max_unsynced_s, 15 accept_rollback bool}
//! ```
//!
//! Unknown keys below 64 are refused; from 64 on a scalar is ignored. Times
//! are seconds since 1970 UTC. Parsing checks shape and ranges; whether the
//! content may take effect is the TA's to decide.

use alloc::vec::Vec;

use minicbor::Encoder;

use crate::cbor::{Malformed, Strict};
use crate::error::Code;
use crate::id::{DeviceId, Generation, GroupId, MemberId, OutOfRange, PgkId};
use crate::limit;
use crate::profile::{Profile, Suite};

/// Map keys from here on are extensions, ignored where not known.
const FIRST_EXTENSION: u64 = 64;

/// What a manager wants a device to hold.
pub struct Content<'a> {
    /// Whom it is for; zeros for a device without an identity.
    pub device: DeviceId,
    /// Grows with each content for this device; 1 or more.
    pub sequence: u64,
    /// When it was made.
    pub time: u64,
    /// The start nonce of the device's `status`, which shows it to be fresh.
    pub start_nonce: Option<[u8; 32]>,
    /// The groups, by id.
    pub groups: Vec<Group<'a>>,
}

/// One group of a content.
pub struct Group<'a> {
    /// The group.
    pub group: GroupId,
    /// The device's member id in it.
    pub member: MemberId,
    /// Everything below this generation is ended; 1 or more.
    pub next: u64,
    /// Whether the device may send.
    pub may_send: bool,
    /// Its PGKs, by generation.
    pub pgks: Vec<Pgk<'a>>,
}

/// One PGK of a group.
pub struct Pgk<'a> {
    /// Its generation.
    pub generation: Generation,
    /// Its label on the air.
    pub id: PgkId,
    /// The PGK, or the root it comes from. Borrowed, never copied here.
    pub key: &'a [u8; 32],
    /// Whether `key` is a root.
    pub is_root: bool,
    /// What may be done with it.
    pub policy: Policy,
}

/// The signed policy of a PGK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Scheduled start.
    pub not_before: u64,
    /// End; after `not_before`.
    pub not_after: u64,
    /// How keys are derived.
    pub profile: Profile,
    /// How frames are protected.
    pub suite: Suite,
    /// The operator's own mark in the derivation.
    pub label: Label,
    /// How long an epoch may be used, seconds; 1 or more.
    pub epoch_s: u32,
    /// How many packets an epoch may protect; 1 or more.
    pub epoch_packets: u32,
    /// How long after the end it may be received with, seconds.
    pub receive_grace_s: u32,
    /// How long after the end it may be sent with, seconds.
    pub send_grace_s: u32,
    /// Powered seconds without a fresh content after which sending stops; 0 is off.
    pub max_unsynced_s: u32,
    /// Whether a profile without epoch salt may send on storage that can be rolled back.
    pub accept_rollback: bool,
}

/// An operator label: UTF-8, at most [`limit::LABEL`] octets, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label {
    len: u8,
    octets: [u8; limit::LABEL],
}

impl Label {
    /// No label.
    pub const EMPTY: Self = Self { len: 0, octets: [0; limit::LABEL] };

    /// Checks the length.
    pub fn new(label: &str) -> Result<Self, OutOfRange> {
        let mut octets = [0; limit::LABEL];
        let len = u8::try_from(label.len()).map_err(|_| OutOfRange)?;
        octets.get_mut(..label.len()).ok_or(OutOfRange)?.copy_from_slice(label.as_bytes());
        Ok(Self { len, octets })
    }

    /// How many octets it has.
    #[must_use]
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The label's octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl core::fmt::Debug for Label {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl From<Malformed> for Code {
    fn from(_: Malformed) -> Self {
        Self::ContentMalformed
    }
}

impl From<OutOfRange> for Code {
    fn from(_: OutOfRange) -> Self {
        Self::ContentMalformed
    }
}

/// A field that must be there.
fn required<T>(field: Option<T>) -> Result<T, Code> {
    field.ok_or(Code::ContentMalformed)
}

pub(crate) fn extension(r: &mut Strict<'_>, key: u64) -> Result<(), Code> {
    if key < FIRST_EXTENSION { Err(Code::ContentMalformed) } else { Ok(r.skip_scalar()?) }
}

pub(crate) fn narrow<T: TryFrom<u64>>(value: u64) -> Result<T, Code> {
    T::try_from(value).map_err(|_| Code::ContentMalformed)
}

impl<'a> Content<'a> {
    /// Reads exactly one content.
    ///
    /// Errors: [`Code::ContentMalformed`] for anything that the format above
    /// does not say, [`Code::TooManyGroups`] and [`Code::TooManyPgks`] beyond
    /// the limits, [`Code::UnsupportedProfile`] and [`Code::UnsupportedSuite`]
    /// for numbers that are not known.
    pub fn parse(input: &'a [u8]) -> Result<Self, Code> {
        let mut r = Strict::new(input);
        let (mut device, mut sequence, mut time) = (None, None, None);
        let (mut start_nonce, mut groups) = (None, None);
        r.map(|r, key| {
            match key {
                1 => device = Some(DeviceId(*r.array_of_octets()?)),
                2 => sequence = Some(r.uint()?),
                3 => time = Some(r.uint()?),
                4 => start_nonce = Some(*r.array_of_octets()?),
                5 => groups = Some(Self::groups(r)?),
                _ => extension(r, key)?,
            }
            Ok::<(), Code>(())
        })?;
        r.finish()?;
        let content = Self {
            device: required(device)?,
            sequence: required(sequence.filter(|&s| s > 0))?,
            time: required(time)?,
            start_nonce,
            groups: required(groups)?,
        };
        Ok(content)
    }

    fn groups(r: &mut Strict<'a>) -> Result<Vec<Group<'a>>, Code> {
        let count = r.array()?;
        if count > limit::GROUPS {
            return Err(Code::TooManyGroups);
        }
        let mut groups: Vec<Group<'a>> = Vec::with_capacity(count);
        for _ in 0..count {
            let group = Group::parse(r)?;
            if groups.last().is_some_and(|last| group.group <= last.group) {
                return Err(Code::ContentMalformed);
            }
            groups.push(group);
        }
        Ok(groups)
    }

    /// Appends the content's one encoding.
    ///
    /// The caller gives `out` enough capacity that it does not move, and
    /// wipes it: it holds the keys.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // A `Vec` takes whatever is written, so there is no error to lose.
        let _: Result<(), minicbor::encode::Error<core::convert::Infallible>> =
            self.write(&mut Encoder::new(out));
    }

    fn write(
        &self,
        e: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
        e.map(if self.start_nonce.is_some() { 5 } else { 4 })?;
        e.u8(1)?.bytes(&self.device.0)?;
        e.u8(2)?.u64(self.sequence)?;
        e.u8(3)?.u64(self.time)?;
        if let Some(nonce) = &self.start_nonce {
            e.u8(4)?.bytes(nonce)?;
        }
        e.u8(5)?.array(self.groups.len() as u64)?;
        self.groups.iter().try_for_each(|group| group.write(e))
    }
}

impl<'a> Group<'a> {
    fn parse(r: &mut Strict<'a>) -> Result<Self, Code> {
        let (mut group, mut member, mut next) = (None, None, None);
        let (mut may_send, mut pgks) = (None, None);
        r.map(|r, key| {
            match key {
                1 => group = Some(GroupId::new(narrow(r.uint()?)?)?),
                2 => member = Some(MemberId::new(narrow(r.uint()?)?)?),
                3 => next = Some(Generation::new(r.uint()?)?.get()),
                4 => may_send = Some(r.bool()?),
                5 => pgks = Some(Self::pgks(r)?),
                _ => extension(r, key)?,
            }
            Ok::<(), Code>(())
        })?;
        let parsed = Self {
            group: required(group)?,
            member: required(member)?,
            next: required(next)?,
            may_send: required(may_send)?,
            pgks: required(pgks)?,
        };
        // A content that ends what it brings contradicts itself.
        if parsed.pgks.iter().any(|pgk| pgk.generation.get() < parsed.next) {
            return Err(Code::ContentMalformed);
        }
        Ok(parsed)
    }

    fn pgks(r: &mut Strict<'a>) -> Result<Vec<Pgk<'a>>, Code> {
        let count = r.array()?;
        if count > limit::PGKS {
            return Err(Code::TooManyPgks);
        }
        let mut pgks: Vec<Pgk<'a>> = Vec::with_capacity(count);
        for _ in 0..count {
            let pgk = Pgk::parse(r)?;
            if pgks.last().is_some_and(|last| pgk.generation <= last.generation) {
                return Err(Code::ContentMalformed);
            }
            pgks.push(pgk);
        }
        Ok(pgks)
    }

    fn write(
        &self,
        e: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
        let wide = |[a, b, c]: [u8; 3]| u32::from_be_bytes([0, a, b, c]);
        e.map(5)?;
        e.u8(1)?.u32(wide(self.group.octets()))?;
        e.u8(2)?.u32(wide(self.member.octets()))?;
        e.u8(3)?.u64(self.next)?;
        e.u8(4)?.bool(self.may_send)?;
        e.u8(5)?.array(self.pgks.len() as u64)?;
        self.pgks.iter().try_for_each(|pgk| pgk.write(e))
    }
}

impl<'a> Pgk<'a> {
    fn parse(r: &mut Strict<'a>) -> Result<Self, Code> {
        let (mut generation, mut id, mut pgk_key, mut is_root) = (None, None, None, None);
        let (mut not_before, mut not_after, mut profile, mut suite) = (None, None, None, None);
        let (mut label, mut epoch_s, mut epoch_packets) = (None, None, None);
        let (mut receive_grace_s, mut send_grace_s) = (None, None);
        let (mut max_unsynced_s, mut accept_rollback) = (None, None);
        r.map(|r, key| {
            match key {
                1 => generation = Some(Generation::new(r.uint()?)?),
                2 => id = Some(PgkId(narrow(r.uint()?)?)),
                3 => pgk_key = Some(r.array_of_octets()?),
                4 => is_root = Some(r.bool()?),
                5 => not_before = Some(r.uint()?),
                6 => not_after = Some(r.uint()?),
                7 => profile = Some(Profile::try_from(narrow::<u8>(r.uint()?)?)?),
                8 => suite = Some(Suite::try_from(narrow::<u8>(r.uint()?)?)?),
                9 => label = Some(Label::new(r.text()?)?),
                10 => epoch_s = Some(narrow(r.uint()?)?),
                11 => epoch_packets = Some(narrow(r.uint()?)?),
                12 => receive_grace_s = Some(narrow(r.uint()?)?),
                13 => send_grace_s = Some(narrow(r.uint()?)?),
                14 => max_unsynced_s = Some(narrow(r.uint()?)?),
                15 => accept_rollback = Some(r.bool()?),
                _ => extension(r, key)?,
            }
            Ok::<(), Code>(())
        })?;
        let policy = Policy {
            not_before: required(not_before)?,
            not_after: required(not_after)?,
            profile: required(profile)?,
            suite: required(suite)?,
            label: required(label)?,
            epoch_s: required(epoch_s.filter(|&s| s > 0))?,
            epoch_packets: required(epoch_packets.filter(|&n| n > 0))?,
            receive_grace_s: required(receive_grace_s)?,
            send_grace_s: required(send_grace_s)?,
            max_unsynced_s: required(max_unsynced_s)?,
            accept_rollback: required(accept_rollback)?,
        };
        if policy.not_after <= policy.not_before {
            return Err(Code::ContentMalformed);
        }
        Ok(Self {
            generation: required(generation)?,
            id: required(id)?,
            key: required(pgk_key)?,
            is_root: required(is_root)?,
            policy,
        })
    }

    fn write(
        &self,
        e: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
        let policy = &self.policy;
        e.map(15)?;
        e.u8(1)?.u64(self.generation.get())?;
        e.u8(2)?.u8(self.id.0)?;
        e.u8(3)?.bytes(self.key)?;
        e.u8(4)?.bool(self.is_root)?;
        e.u8(5)?.u64(policy.not_before)?;
        e.u8(6)?.u64(policy.not_after)?;
        e.u8(7)?.u8(policy.profile.number())?;
        e.u8(8)?.u8(policy.suite.number())?;
        e.u8(9)?.str(policy.label.as_str())?;
        e.u8(10)?.u32(policy.epoch_s)?;
        e.u8(11)?.u32(policy.epoch_packets)?;
        e.u8(12)?.u32(policy.receive_grace_s)?;
        e.u8(13)?.u32(policy.send_grace_s)?;
        e.u8(14)?.u32(policy.max_unsynced_s)?;
        e.u8(15)?.bool(policy.accept_rollback)?;
        Ok(())
    }
}
