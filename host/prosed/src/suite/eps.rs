//! Suite `3gpp`: 128-EEA2 under CK and 128-EIA2 under IK (TS 33.401 Annex B). The
//! MAC-I is computed over all octets before the ciphertext and the payload, and is
//! enciphered with the payload (TS 36.323 clauses 5.6 and 5.7).

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use cmac::{Cmac, Mac};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use proseal_proto::key::{DerivedKey, KeyPair};
use subtle::ConstantTimeEq;

use super::{NotAuthentic, PacketId};
use crate::frame::MAC_I;

/// EPS algorithm identities (TS 33.401 clause 5.1.3.2 and 5.1.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// 128-EEA1 and 128-EIA1.
    Snow3g = 1,
    /// 128-EEA2 and 128-EIA2.
    Aes = 2,
    /// 128-EEA3 and 128-EIA3.
    Zuc = 3,
}

/// An algorithm identity that this build does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The null algorithms are never used.
    #[error("EPS algorithm 0 protects nothing, and is never used: take 2 (AES)")]
    Null,
    /// SNOW 3G.
    #[error("EPS algorithm 1 (SNOW 3G) is not in this build: take 2 (AES)")]
    Snow3g,
    /// ZUC.
    #[error("EPS algorithm 3 (ZUC) is not in this build: take 2 (AES)")]
    Zuc,
    /// A number without an algorithm.
    #[error("EPS algorithm {0} is not known: take 2 (AES)")]
    Unknown(u8),
}

impl TryFrom<u8> for Algorithm {
    type Error = Unsupported;

    /// Only AES is there.
    fn try_from(identity: u8) -> Result<Self, Unsupported> {
        match identity {
            2 => Ok(Self::Aes),
            0 => Err(Unsupported::Null),
            1 => Err(Unsupported::Snow3g),
            3 => Err(Unsupported::Zuc),
            other => Err(Unsupported::Unknown(other)),
        }
    }
}

/// BEARER of every frame: the first logical channel of a sidelink radio bearer.
pub const BEARER: u8 = 1;
/// DIRECTION of every frame (TS 36.323 clause 5.6.1, one-to-many).
pub const DIRECTION: u8 = 0;

const KEY: usize = 16;

/// What goes into both algorithms beside key and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// COUNT, 32 bits.
    pub count: u32,
    /// BEARER, 5 bits.
    pub bearer: u8,
    /// DIRECTION, 1 bit.
    pub direction: u8,
}

impl Input {
    /// COUNT || BEARER || DIRECTION || zeros: half of EEA2's first counter block, and
    /// what EIA2 puts before its message.
    const fn octets(self) -> [u8; 8] {
        let [a, b, c, d] = self.count.to_be_bytes();
        [a, b, c, d, self.bearer << 3 | (self.direction & 1) << 2, 0, 0, 0]
    }
}

impl From<PacketId> for Input {
    /// COUNT = PTK Id || SN.
    fn from(packet: PacketId) -> Self {
        let count = u32::from(packet.ptk_id.get()) << 16 | packet.sn & 0xffff;
        Self { count, bearer: BEARER, direction: DIRECTION }
    }
}

/// 128-EEA2 (TS 33.401 B.1.3). It wipes itself.
pub struct Eea2(Aes128Enc);

impl Eea2 {
    /// Makes a key ready.
    #[must_use]
    pub fn new(key: &[u8; KEY]) -> Self {
        Self(Aes128Enc::new(key.into()))
    }

    /// Enciphers or deciphers whole octets in place.
    pub fn apply(&self, input: Input, octets: &mut [u8]) {
        let mut counter = [0; 16];
        if let Some(front) = counter.first_chunk_mut() {
            *front = input.octets();
        }
        let core: CtrCore<&Aes128Enc, Ctr128BE> = CtrCore::inner_iv_init(&self.0, &counter.into());
        StreamCipherCoreWrapper::from_core(core).apply_keystream(octets);
    }

    /// The same of a length in bits: what is behind the last bit is zero.
    pub fn apply_bits(&self, input: Input, octets: &mut [u8], bits: usize) {
        self.apply(input, octets);
        mask(octets, bits);
    }
}

/// Clears what is behind the first `bits` bits.
fn mask(octets: &mut [u8], bits: usize) {
    let whole = bits / 8;
    for (at, octet) in octets.iter_mut().enumerate().skip(whole) {
        *octet &= if at == whole { !(0xff_u8 >> (bits % 8)) } else { 0 };
    }
}

/// 128-EIA2 (TS 33.401 B.2.3). It wipes itself.
pub struct Eia2(Cmac<Aes128Enc>);

impl Eia2 {
    /// Makes a key ready.
    #[must_use]
    pub fn new(key: &[u8; KEY]) -> Self {
        Self(Cmac::new(key.into()))
    }

    /// The MAC over parts that stand one behind the other, whole octets.
    #[must_use]
    pub fn mac(&self, input: Input, parts: [&[u8]; 2]) -> [u8; MAC_I] {
        let mut mac = self.0.clone();
        mac.update(&input.octets());
        parts.iter().for_each(|part| mac.update(part));
        let mac: [u8; 16] = mac.finalize().into_bytes().into();
        mac.first_chunk().copied().unwrap_or_default()
    }
}

/// IK and CK of one epoch.
pub(super) struct Keys {
    integrity: Eia2,
    ciphering: Eea2,
}

impl Keys {
    pub(super) fn new(keys: &KeyPair) -> Option<Self> {
        Some(Self { integrity: Eia2::new(half(&keys.ik)?), ciphering: Eea2::new(half(&keys.ck)?) })
    }

    pub(super) fn protect(&self, packet: PacketId, header: &[u8], body: &mut [u8]) {
        let input = Input::from(packet);
        if let Some((payload, tag)) = body.split_last_chunk_mut() {
            *tag = self.integrity.mac(input, [header, payload]);
        }
        self.ciphering.apply(input, body);
    }

    pub(super) fn unprotect(
        &self,
        packet: PacketId,
        header: &[u8],
        body: &mut [u8],
    ) -> Result<(), NotAuthentic> {
        let input = Input::from(packet);
        self.ciphering.apply(input, body);
        let (payload, tag) = body.split_last_chunk::<MAC_I>().ok_or(NotAuthentic)?;
        let mac = self.integrity.mac(input, [header, payload]);
        if mac.ct_eq(tag).into() { Ok(()) } else { Err(NotAuthentic) }
    }
}

/// The 128 bits of a key that are in use.
fn half(key: &DerivedKey) -> Option<&[u8; KEY]> {
    key.expose().first_chunk()
}
