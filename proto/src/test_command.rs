//! Commands of the test build only. The product answers every number
//! from 0x8000 on with [`Code::UnknownCommand`].
//!
//! | no | name | callers | request | reply |
//! | --- | --- | --- | --- | --- |
//! | 0x8001 | install | administrator | [`Install`] | [`InstallReply`] |
//! | 0x8002 | set floor | administrator | [`SetFloor`] | [`Done`] |
//! | 0x8003 | panic | administrator | [`Panic`] | none: the TA is gone |
//! | 0x8004 | marks | administrator | [`Marks`] | [`MarksReply`] |
//! | 0x8005 | hkdf | administrator | [`Hkdf`] | [`HkdfReply`] |
//! | 0x8006 | echo | daemon, administrator | [`Echo`] | [`EchoReply`] |
//! | 0x8007 | hmac | administrator | [`Hmac`] | [`BlockReply`] |
//! | 0x8008 | kdf | administrator | [`Kdf`] | [`BlockReply`] |
//! | 0x8009 | gcm open | administrator | [`GcmOpen`] | [`OpenReply`] |
//! | 0x800a | hpke open | administrator | [`HpkeOpen`] | [`OpenReply`] |

use alloc::vec::Vec;

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use crate::command::{ADMINISTRATOR, BOTH, command};
use crate::error::Code;
use crate::message::{Done, Outcome, ReceiveReply};

/// UUID of the test build of the TA: its storage is sealed by other keys than
/// the product's.
pub const UUID: &str = "486d96ac-cfcd-427a-9e30-369ed3c15325";

/// UUID of the TA that does nothing, against which benches measure.
pub const EMPTY_UUID: &str = "d5110ec2-2b8d-4d19-b0a6-ab8dd5ea7a69";

/// The numbers of the test build's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TestId {
    /// Take a content as it is, unsigned.
    Install = 0x8001,
    /// Raise the floor.
    SetFloor = 0x8002,
    /// The TA panics.
    Panic = 0x8003,
    /// Stack and heap high-water marks.
    Marks = 0x8004,
    /// The TA's HKDF on inputs of the caller, for published vectors.
    Hkdf = 0x8005,
    /// A call of the shape of a `receive` of one, without its work.
    Echo = 0x8006,
    /// The TA's HMAC, likewise.
    Hmac = 0x8007,
    /// The TA's key derivation function of TS 33.220, likewise.
    Kdf = 0x8008,
    /// The TA's AES-GCM, likewise.
    GcmOpen = 0x8009,
    /// The TA's HPKE, likewise.
    HpkeOpen = 0x800a,
}

impl TestId {
    /// The first number that belongs to the test build.
    pub const FIRST: u32 = 0x8001;

    /// All test commands, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Install,
        Self::SetFloor,
        Self::Panic,
        Self::Marks,
        Self::Hkdf,
        Self::Echo,
        Self::Hmac,
        Self::Kdf,
        Self::GcmOpen,
        Self::HpkeOpen,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl TryFrom<u32> for TestId {
    type Error = Code;

    fn try_from(number: u32) -> Result<Self, Code> {
        Self::ALL.iter().copied().find(|id| id.number() == number).ok_or(Code::UnknownCommand)
    }
}

command!(TestId::Install.number(), ADMINISTRATOR, Install<'_> => InstallReply, InstallReply::LEN);
command!(TestId::SetFloor.number(), ADMINISTRATOR, SetFloor => Done, 0);
command!(TestId::Panic.number(), ADMINISTRATOR, Panic => Done, 0);
command!(TestId::Marks.number(), ADMINISTRATOR, Marks => MarksReply, MarksReply::LEN);
command!(TestId::Hkdf.number(), ADMINISTRATOR, Hkdf<'_> => HkdfReply, HkdfReply::MAX);
command!(TestId::Echo.number(), BOTH, Echo => EchoReply, EchoReply::LEN);
command!(TestId::Hmac.number(), ADMINISTRATOR, Hmac<'_> => BlockReply, BlockReply::LEN);
command!(TestId::Kdf.number(), ADMINISTRATOR, Kdf<'_> => BlockReply, BlockReply::LEN);
command!(TestId::GcmOpen.number(), ADMINISTRATOR, GcmOpen<'_> => OpenReply, OpenReply::MAX);
command!(TestId::HpkeOpen.number(), ADMINISTRATOR, HpkeOpen<'_> => OpenReply, OpenReply::MAX);

/// What becomes of that which a content does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// The content is the device's whole state: what it does not list goes.
    Whole = 0,
    /// The content is added to what is held.
    Added = 1,
}

/// `install`: a content ([`crate::content`]) in clear, without a signature.
pub struct Install<'a> {
    /// What becomes of the rest.
    pub scope: Scope,
    /// The content map.
    pub content: &'a [u8],
}

impl Encode for Install<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u8(self.scope as u8)?;
        w.bytes(self.content)
    }
}

impl<'a> Decode<'a> for Install<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let scope = match r.u8()? {
            0 => Scope::Whole,
            1 => Scope::Added,
            _ => return Err(DecodeError::OutOfRange),
        };
        Ok(Self { scope, content: r.take_rest() })
    }
}

/// The answer to `install`.
pub struct InstallReply {
    /// What came of it.
    pub outcome: Outcome,
}

impl InstallReply {
    /// Octets of the reply.
    pub const LEN: usize = 1;
}

impl Encode for InstallReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.outcome.encode(w)
    }
}

impl Decode<'_> for InstallReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { outcome: Outcome::decode(r)? })
    }
}

/// `set floor`: the time is at least this. The floor never goes back: what is
/// below it changes nothing.
pub struct SetFloor {
    /// Seconds since 1970 UTC.
    pub floor: u64,
}

impl Encode for SetFloor {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u64(self.floor)
    }
}

impl Decode<'_> for SetFloor {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { floor: r.u64()? })
    }
}

/// `panic`: the TA ends as if it had a fault, and all its sessions with it.
pub struct Panic;

impl Encode for Panic {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), Full> {
        Ok(())
    }
}

impl Decode<'_> for Panic {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// `marks`: how much stack and heap the TA has used at most since it started.
pub struct Marks;

impl Encode for Marks {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), Full> {
        Ok(())
    }
}

impl Decode<'_> for Marks {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// High-water marks, octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarksReply {
    /// Stack there is.
    pub stack_size: u32,
    /// Stack used at most.
    pub stack_high: u32,
    /// Heap there is.
    pub heap_size: u32,
    /// Heap used at most.
    pub heap_high: u32,
}

impl MarksReply {
    /// Octets of the reply.
    pub const LEN: usize = 16;
}

impl Encode for MarksReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u32(self.stack_size)?;
        w.u32(self.stack_high)?;
        w.u32(self.heap_size)?;
        w.u32(self.heap_high)
    }
}

impl Decode<'_> for MarksReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            stack_size: r.u32()?,
            stack_high: r.u32()?,
            heap_size: r.u32()?,
            heap_high: r.u32()?,
        })
    }
}

/// `hkdf`: RFC 5869 with SHA-256 on inputs of the caller (never on a PGK).
pub struct Hkdf<'a> {
    /// Octets of output; at most [`HkdfReply::LEN_MAX`].
    pub len: u16,
    /// Salt, possibly empty.
    pub salt: &'a [u8],
    /// Input keying material.
    pub ikm: &'a [u8],
    /// Context information.
    pub info: &'a [u8],
}

impl Encode for Hkdf<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u16(self.len)?;
        [self.salt, self.ikm, self.info].into_iter().try_for_each(|field| put(w, field))
    }
}

impl<'a> Decode<'a> for Hkdf<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let len = r.u16()?;
        if usize::from(len) > HkdfReply::LEN_MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self { len, salt: take(r)?, ikm: take(r)?, info: take(r)? })
    }
}

/// Writes octets behind their length.
fn put(w: &mut Writer<'_>, octets: &[u8]) -> Result<(), Full> {
    w.u16(u16::try_from(octets.len()).map_err(|_| Full)?)?;
    w.bytes(octets)
}

/// Reads them.
fn take<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let len = usize::from(r.u16()?);
    r.take(len)
}

/// The output keying material.
pub struct HkdfReply {
    /// As many octets as were asked for.
    pub okm: Vec<u8>,
}

impl HkdfReply {
    /// Most octets of output: 32 blocks of SHA-256.
    pub const LEN_MAX: usize = 1024;
    /// Octets of the largest reply.
    pub const MAX: usize = 2 + Self::LEN_MAX;
}

impl Encode for HkdfReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        put(w, &self.okm)
    }
}

impl Decode<'_> for HkdfReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = usize::from(r.u16()?);
        if len > Self::LEN_MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self { okm: r.take(len)?.to_vec() })
    }
}

/// `echo`: as many octets as a `receive` of one epoch has. It measures what a
/// call costs apart from the derivation.
pub struct Echo {
    /// Any octets.
    pub octets: [u8; Self::LEN],
}

impl Echo {
    /// Octets of the body of a `receive` of one.
    pub const LEN: usize = 2 + 24;
}

impl Encode for Echo {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.octets)
    }
}

impl Decode<'_> for Echo {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { octets: r.array()? })
    }
}

/// As many octets as the reply to a `receive` of one epoch has.
pub struct EchoReply {
    /// The request's octets, then zeros.
    pub octets: [u8; Self::LEN],
}

impl EchoReply {
    /// Octets of the reply to a `receive` of one.
    pub const LEN: usize = ReceiveReply::len(1);
}

impl Encode for EchoReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.octets)
    }
}

impl Decode<'_> for EchoReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { octets: r.array()? })
    }
}

/// `hmac`: HMAC-SHA-256 (RFC 2104) on inputs of the caller.
pub struct Hmac<'a> {
    /// Key, of any length.
    pub key: &'a [u8],
    /// Message.
    pub message: &'a [u8],
}

impl Encode for Hmac<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        put(w, self.key)?;
        put(w, self.message)
    }
}

impl<'a> Decode<'a> for Hmac<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { key: take(r)?, message: take(r)? })
    }
}

/// 32 octets of output.
pub struct BlockReply {
    /// The octets.
    pub octets: [u8; Self::LEN],
}

impl BlockReply {
    /// Octets of the reply.
    pub const LEN: usize = 32;
}

impl Encode for BlockReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.octets)
    }
}

impl Decode<'_> for BlockReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { octets: r.array()? })
    }
}

/// `kdf`: the key derivation function of TS 33.220 Annex B.2 on inputs of the
/// caller.
pub struct Kdf<'a> {
    /// Function code.
    pub fc: u8,
    /// Key.
    pub key: &'a [u8],
    /// P0, P1, ...; at most [`Self::PARAMETERS_MAX`].
    pub parameters: Vec<&'a [u8]>,
}

impl Kdf<'_> {
    /// Most parameters.
    pub const PARAMETERS_MAX: usize = 8;
}

impl Encode for Kdf<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u8(self.fc)?;
        put(w, self.key)?;
        w.u8(u8::try_from(self.parameters.len()).map_err(|_| Full)?)?;
        self.parameters.iter().try_for_each(|parameter| put(w, parameter))
    }
}

impl<'a> Decode<'a> for Kdf<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (fc, key, count) = (r.u8()?, take(r)?, usize::from(r.u8()?));
        if count > Self::PARAMETERS_MAX {
            return Err(DecodeError::OutOfRange);
        }
        let parameters = (0..count).map(|_| take(r)).collect::<Result<_, _>>()?;
        Ok(Self { fc, key, parameters })
    }
}

/// `gcm open`: AES-128-GCM on inputs of the caller.
pub struct GcmOpen<'a> {
    /// Key.
    pub key: [u8; 16],
    /// Nonce.
    pub nonce: [u8; 12],
    /// Additional data.
    pub aad: &'a [u8],
    /// Ciphertext and tag; at most [`OpenReply::TEXT_MAX`] octets.
    pub sealed: &'a [u8],
}

impl Encode for GcmOpen<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.key)?;
        w.bytes(&self.nonce)?;
        put(w, self.aad)?;
        put(w, self.sealed)
    }
}

impl<'a> Decode<'a> for GcmOpen<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let command = Self { key: r.array()?, nonce: r.array()?, aad: take(r)?, sealed: take(r)? };
        if command.sealed.len() > OpenReply::TEXT_MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(command)
    }
}

/// `hpke open`: HPKE in base mode (RFC 9180 section 6.1) on inputs of the caller;
/// never with the device's own key.
pub struct HpkeOpen<'a> {
    /// The recipient's private key.
    pub private: [u8; 32],
    /// The recipient's public key.
    pub public: [u8; 32],
    /// The encapsulated key.
    pub encapsulated: [u8; 32],
    /// Application information.
    pub info: &'a [u8],
    /// Additional data.
    pub aad: &'a [u8],
    /// Ciphertext and tag; at most [`OpenReply::TEXT_MAX`] octets.
    pub sealed: &'a [u8],
}

impl Encode for HpkeOpen<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        [self.private, self.public, self.encapsulated].iter().try_for_each(|key| w.bytes(key))?;
        [self.info, self.aad, self.sealed].into_iter().try_for_each(|field| put(w, field))
    }
}

impl<'a> Decode<'a> for HpkeOpen<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let command = Self {
            private: r.array()?,
            public: r.array()?,
            encapsulated: r.array()?,
            info: take(r)?,
            aad: take(r)?,
            sealed: take(r)?,
        };
        if command.sealed.len() > OpenReply::TEXT_MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(command)
    }
}

/// The plaintext.
pub struct OpenReply {
    /// `None` if it does not open.
    pub text: Option<Vec<u8>>,
}

impl OpenReply {
    /// Most octets of plaintext.
    pub const TEXT_MAX: usize = 1024;
    /// Octets of the largest reply.
    pub const MAX: usize = 1 + 2 + Self::TEXT_MAX;
}

impl Encode for OpenReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bool(self.text.is_some())?;
        put(w, self.text.as_deref().unwrap_or_default())
    }
}

impl Decode<'_> for OpenReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match (r.bool()?, take(r)?) {
            (true, text) if text.len() <= Self::TEXT_MAX => Ok(Self { text: Some(text.to_vec()) }),
            (false, []) => Ok(Self { text: None }),
            _ => Err(DecodeError::OutOfRange),
        }
    }
}
