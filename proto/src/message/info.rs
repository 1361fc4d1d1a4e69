//! `version` and `status`: what the TA is, and what the device holds.

use alloc::vec::Vec;

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use crate::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use crate::limit;
use crate::profile::{Profile, Suite};

/// `version`: what the TA is. The one command that anyone may call.
pub struct Version;

impl Encode for Version {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), Full> {
        Ok(())
    }
}

impl Decode<'_> for Version {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// The TA's version and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionReply {
    /// The protocol version it speaks.
    pub proto: u16,
    /// The TA's version: major, minor, patch in one number (1.2.3 is 10203).
    pub ta_version: u32,
    /// 0 the product, 1 the test build.
    pub build: u8,
    /// Groups it can hold.
    pub groups: u16,
    /// PGKs a group it can hold.
    pub pgks: u16,
    /// Epochs that one `receive` may ask for.
    pub batch: u16,
    /// Largest request, octets.
    pub request_max: u32,
    /// Largest response, octets.
    pub response_max: u32,
    /// The TEE's `gpd.tee.trustedStorage.antiRollback.protectionLevel`: 0
    /// none, 100 as far as the normal world is honest (OP-TEE without RPMB),
    /// 1000 by hardware that only the TEE controls.
    pub rollback_protection: u16,
}

impl VersionReply {
    /// Octets of the reply.
    pub const LEN: usize = 2 + 4 + 1 + 2 + 2 + 2 + 4 + 4 + 2;
    /// `rollback_protection` from which storage counts as protected.
    pub const ROLLBACK_PROTECTED: u16 = 1000;
    /// `build` of the product.
    pub const PRODUCT: u8 = 0;
    /// `build` of the test build.
    pub const TEST_BUILD: u8 = 1;
}

impl Encode for VersionReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u16(self.proto)?;
        w.u32(self.ta_version)?;
        w.u8(self.build)?;
        w.u16(self.groups)?;
        w.u16(self.pgks)?;
        w.u16(self.batch)?;
        w.u32(self.request_max)?;
        w.u32(self.response_max)?;
        w.u16(self.rollback_protection)
    }
}

impl Decode<'_> for VersionReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            proto: r.u16()?,
            ta_version: r.u32()?,
            build: r.u8()?,
            groups: r.u16()?,
            pgks: r.u16()?,
            batch: r.u16()?,
            request_max: r.u32()?,
            response_max: r.u32()?,
            rollback_protection: r.u16()?,
        })
    }
}

/// `status`: what the device holds. No key material.
pub struct Status;

impl Encode for Status {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), Full> {
        Ok(())
    }
}

impl Decode<'_> for Status {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// The device's state; each names the commands that it admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DeviceState {
    /// Nothing is held.
    Factory = 1,
    /// The device is in use.
    Enrolled = 2,
    /// The state was lost or damaged: only erasing helps.
    Damaged = 3,
}

impl DeviceState {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that tools print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Factory => "factory",
            Self::Enrolled => "enrolled",
            Self::Damaged => "damaged",
        }
    }
}

impl TryFrom<u8> for DeviceState {
    type Error = DecodeError;

    fn try_from(number: u8) -> Result<Self, DecodeError> {
        match number {
            1 => Ok(Self::Factory),
            2 => Ok(Self::Enrolled),
            3 => Ok(Self::Damaged),
            _ => Err(DecodeError::OutOfRange),
        }
    }
}

/// What a PGK may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PgkState {
    /// For sending and receiving; past its end, within the grace for sending.
    Held = 1,
    /// Past its end, within the grace for receiving: for that only.
    ReceiveOnly = 2,
    /// For nothing.
    Ended = 3,
}

impl PgkState {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that tools print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::ReceiveOnly => "receive-only",
            Self::Ended => "ended",
        }
    }
}

impl TryFrom<u8> for PgkState {
    type Error = DecodeError;

    fn try_from(number: u8) -> Result<Self, DecodeError> {
        match number {
            1 => Ok(Self::Held),
            2 => Ok(Self::ReceiveOnly),
            3 => Ok(Self::Ended),
            _ => Err(DecodeError::OutOfRange),
        }
    }
}

/// One PGK of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PgkStatus {
    /// Its generation.
    pub generation: Generation,
    /// Its label on the air.
    pub pgk_id: PgkId,
    /// How keys are derived from it.
    pub profile: Profile,
    /// How frames are protected.
    pub suite: Suite,
    /// What it may be used for now.
    pub state: PgkState,
    /// Scheduled start, seconds since 1970 UTC.
    pub not_before: u64,
    /// End, seconds since 1970 UTC.
    pub not_after: u64,
    /// How long after its end it may be received with, seconds.
    pub receive_grace_s: u32,
    /// How long after its end it may be sent with, seconds.
    pub send_grace_s: u32,
    /// Powered seconds without a fresh content after which sending stops; 0 is off.
    pub max_unsynced_s: u32,
    /// Whether sending is refused because the profile has no epoch salt and the
    /// storage can be rolled back.
    pub rollback_unprotected: bool,
    /// New epochs that are left to this device.
    pub epochs_left: u16,
}

impl PgkStatus {
    const LEN: usize = 8 + 1 + 1 + 1 + 1 + 8 + 8 + 4 + 4 + 4 + 1 + 2;
}

impl Encode for PgkStatus {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.generation.encode(w)?;
        self.pgk_id.encode(w)?;
        w.u8(self.profile.number())?;
        w.u8(self.suite.number())?;
        w.u8(self.state.number())?;
        w.u64(self.not_before)?;
        w.u64(self.not_after)?;
        w.u32(self.receive_grace_s)?;
        w.u32(self.send_grace_s)?;
        w.u32(self.max_unsynced_s)?;
        w.bool(self.rollback_unprotected)?;
        w.u16(self.epochs_left)
    }
}

impl Decode<'_> for PgkStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            generation: Generation::decode(r)?,
            pgk_id: PgkId::decode(r)?,
            profile: Profile::try_from(r.u8()?).map_err(|_| DecodeError::OutOfRange)?,
            suite: Suite::try_from(r.u8()?).map_err(|_| DecodeError::OutOfRange)?,
            state: PgkState::try_from(r.u8()?)?,
            not_before: r.u64()?,
            not_after: r.u64()?,
            receive_grace_s: r.u32()?,
            send_grace_s: r.u32()?,
            max_unsynced_s: r.u32()?,
            rollback_unprotected: r.bool()?,
            epochs_left: r.u16()?,
        })
    }
}

/// One group of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupId,
    /// The device's member id in it.
    pub member: MemberId,
    /// The lowest generation that may still come in; it only grows.
    pub next: u64,
    /// Whether deriving is suspended here.
    pub suspended: bool,
    /// Whether the device may send in it.
    pub may_send: bool,
    /// Its PGKs, by generation.
    pub pgks: Vec<PgkStatus>,
}

impl Encode for GroupStatus {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.group.encode(w)?;
        self.member.encode(w)?;
        w.u64(self.next)?;
        w.bool(self.suspended)?;
        w.bool(self.may_send)?;
        w.list(&self.pgks)
    }
}

impl Decode<'_> for GroupStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: GroupId::decode(r)?,
            member: MemberId::decode(r)?,
            next: r.u64()?,
            suspended: r.bool()?,
            may_send: r.bool()?,
            pgks: r.list(limit::PGKS)?,
        })
    }
}

/// What the device holds, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReply {
    /// The device's state.
    pub state: DeviceState,
    /// The TA's lower bound of the time, seconds since 1970 UTC; 0 unknown.
    pub floor: u64,
    /// Powered seconds since the last fresh package.
    pub unsynced_s: u32,
    /// Sequence of the last package.
    pub sequence: u64,
    /// The device's id; zeros if it has none.
    pub device: DeviceId,
    /// The manager's root key; zeros if not enrolled with one.
    pub root_key: [u8; 32],
    /// The manager's id; zeros likewise.
    pub manager: [u8; 16],
    /// Highest signer version accepted.
    pub signer_version: u32,
    /// Drawn at each start of the TA: a package that echoes it is fresh.
    pub start_nonce: [u8; 32],
    /// The groups, by id.
    pub groups: Vec<GroupStatus>,
    /// Requests refused since the TA started.
    pub refusals: u32,
}

impl StatusReply {
    const GROUP_MAX: usize = 3 + 3 + 8 + 1 + 1 + 2 + limit::PGKS * PgkStatus::LEN;
    /// Octets of the largest reply.
    pub const MAX: usize =
        1 + 8 + 4 + 8 + 16 + 32 + 16 + 4 + 32 + 2 + limit::GROUPS * Self::GROUP_MAX + 4;
}

impl Encode for StatusReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u8(self.state.number())?;
        w.u64(self.floor)?;
        w.u32(self.unsynced_s)?;
        w.u64(self.sequence)?;
        self.device.encode(w)?;
        w.bytes(&self.root_key)?;
        w.bytes(&self.manager)?;
        w.u32(self.signer_version)?;
        w.bytes(&self.start_nonce)?;
        w.list(&self.groups)?;
        w.u32(self.refusals)
    }
}

impl Decode<'_> for StatusReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            state: DeviceState::try_from(r.u8()?)?,
            floor: r.u64()?,
            unsynced_s: r.u32()?,
            sequence: r.u64()?,
            device: DeviceId::decode(r)?,
            root_key: r.array()?,
            manager: r.array()?,
            signer_version: r.u32()?,
            start_nonce: r.array()?,
            groups: r.list(limit::GROUPS)?,
            refusals: r.u32()?,
        })
    }
}
