//! COSE (RFC 9052) as packages, notices and statements use it: the protected
//! headers, and both structures in their tagged form and one encoding.
//! docs/package.md is the normative text.
//!
//! Nothing here checks a signature or opens a seal; nothing is copied, and
//! nothing is allocated that the input merely claims.

use alloc::vec::Vec;

use minicbor::Encoder;
use minicbor::encode::Error;

use crate::cbor::{Malformed, Strict};
use crate::id::DeviceId;

/// EdDSA (RFC 9053 section 2.2).
pub(crate) const EDDSA: i64 = -8;
/// COSE-HPKE integrated encryption with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256
/// and AES-128-GCM (draft-ietf-cose-hpke).
pub(crate) const HPKE_3: i64 = 41;

/// Tag of a COSE_Sign1.
const SIGN1: u64 = 18;
/// Tag of a COSE_Encrypt0.
const ENCRYPT0: u64 = 16;

/// Labels of header parameters.
mod label {
    pub(super) const ALG: i64 = 1;
    /// The signer's version, 4 octets.
    pub(super) const KID: i64 = 4;
    /// RFC 9596.
    pub(super) const TYP: i64 = 16;
    /// The encapsulated key.
    pub(super) const EK: i64 = -4;
    pub(super) const DELEGATION: i64 = -65537;
    pub(super) const DEVICE: i64 = -65538;
    pub(super) const SEQUENCE: i64 = -65539;
}

/// A protected header. It has no other entries than these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) alg: i64,
    /// Of the signer; never 0.
    pub(crate) version: Option<u32>,
    pub(crate) typ: &'a str,
    /// Device and sequence: in packages.
    pub(crate) address: Option<(DeviceId, u64)>,
}

impl<'a> Header<'a> {
    fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Strict::new(octets);
        let mut left = r.entries()?;
        let (mut alg, mut version, mut typ) = (None, None, None);
        let (mut device, mut sequence) = (None, None);
        // Their encodings ascend (RFC 8949 section 4.2.1), so none comes twice.
        for known in [label::ALG, label::KID, label::TYP, label::DEVICE, label::SEQUENCE] {
            // Only these two may be left out; what is there stands in order.
            let Some(rest) = left.checked_sub(1) else { break };
            let mut ahead = r.clone();
            if ahead.label()? != known {
                continue;
            }
            (r, left) = (ahead, rest);
            match known {
                label::ALG => alg = Some(r.label()?),
                label::KID => version = Some(u32::from_be_bytes(*r.array_of_octets()?)),
                label::TYP => typ = Some(r.text()?),
                label::DEVICE => device = Some(DeviceId(*r.array_of_octets()?)),
                _ => sequence = Some(r.uint()?),
            }
        }
        r.finish()?;
        if left != 0 || version == Some(0) || sequence == Some(0) {
            return Err(Malformed);
        }
        let address = match (device, sequence) {
            (Some(device), Some(sequence)) => Some((device, sequence)),
            (None, None) => None,
            _ => return Err(Malformed),
        };
        Ok(Self { alg: alg.ok_or(Malformed)?, version, typ: typ.ok_or(Malformed)?, address })
    }
}

/// The parts of a COSE_Sign1.
pub(crate) struct Sign1<'a> {
    pub(crate) header: Header<'a>,
    protected: &'a [u8],
    pub(crate) delegation: Option<&'a [u8]>,
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8; 64],
}

impl<'a> Sign1<'a> {
    /// Reads exactly one.
    pub(crate) fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Strict::new(octets);
        r.tag(SIGN1)?;
        if r.array()? != 4 {
            return Err(Malformed);
        }
        let protected = r.bytes()?;
        let delegation = match r.entries()? {
            0 => None,
            1 if r.label()? == label::DELEGATION => Some(r.bytes()?),
            _ => return Err(Malformed),
        };
        let (payload, signature) = (r.bytes()?, r.array_of_octets()?);
        r.finish()?;
        Ok(Self { header: Header::read(protected)?, protected, delegation, payload, signature })
    }

    /// What is signed (RFC 9052 section 4.4), the external data being empty.
    pub(crate) fn to_be_signed(&self) -> Vec<u8> {
        to_be_signed(self.protected, self.payload)
    }
}

/// The parts of a COSE_Encrypt0.
pub(crate) struct Encrypt0<'a> {
    pub(crate) header: Header<'a>,
    protected: &'a [u8],
    /// The encapsulated key.
    pub(crate) ek: &'a [u8; 32],
    pub(crate) ciphertext: &'a [u8],
}

impl<'a> Encrypt0<'a> {
    /// Reads exactly one.
    pub(crate) fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Strict::new(octets);
        r.tag(ENCRYPT0)?;
        if r.array()? != 3 {
            return Err(Malformed);
        }
        let protected = r.bytes()?;
        if r.entries()? != 1 || r.label()? != label::EK {
            return Err(Malformed);
        }
        let (ek, ciphertext) = (r.array_of_octets()?, r.bytes()?);
        r.finish()?;
        Ok(Self { header: Header::read(protected)?, protected, ek, ciphertext })
    }

    /// The additional data of the sealing (RFC 9052 section 5.3), the external
    /// data being empty.
    pub(crate) fn additional_data(&self) -> Vec<u8> {
        encoded(self.protected.len(), |e| {
            e.array(3)?.str("Encrypt0")?.bytes(self.protected)?.bytes(&[])?.ok()
        })
    }
}

/// A COSE_Sign1 without a delegation, whose header has `alg` EdDSA and `typ`.
pub(crate) fn sign1<E>(
    typ: &str,
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
) -> Result<Vec<u8>, E> {
    let protected = encoded(typ.len(), |e| {
        e.map(2)?.i64(label::ALG)?.i64(EDDSA)?.i64(label::TYP)?.str(typ)?.ok()
    });
    let signature = sign(&to_be_signed(&protected, payload))?;
    Ok(encoded(payload.len(), |e| {
        e.tag(minicbor::data::Tag::new(SIGN1))?.array(4)?;
        e.bytes(&protected)?.map(0)?.bytes(payload)?.bytes(&signature)?.ok()
    }))
}

fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    encoded(protected.len().saturating_add(payload.len()), |e| {
        e.array(4)?.str("Signature1")?.bytes(protected)?.bytes(&[])?.bytes(payload)?.ok()
    })
}

/// What `write` writes; about as long as `len`.
pub(crate) fn encoded(
    len: usize,
    write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), Error<core::convert::Infallible>>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(len.saturating_add(128));
    // A `Vec` takes whatever is written, so there is no error to lose.
    let _written = write(&mut Encoder::new(&mut out));
    out
}
