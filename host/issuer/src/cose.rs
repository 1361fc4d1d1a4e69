//! COSE as docs/package.md uses it (RFC 9052): the numbers, the protected
//! headers, and both structures in their tagged form.

use coset::cbor::Value;
use coset::{
    CoseEncrypt0, CoseSign1, EncryptionContext, Header as CoseHeader, ProtectedHeader,
    SignatureContext, TaggedCborSerializable, enc_structure_data, sig_structure_data,
};
use proseal_proto::id::DeviceId;

use crate::cbor::{self, Entries, Writer};
use crate::delegation::SignerVersion;
use crate::error::Error;
use crate::kind::Kind;

/// EdDSA (RFC 9053 section 2.2).
pub(crate) const EDDSA: i64 = -8;

/// COSE-HPKE integrated encryption with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
/// AES-128-GCM (draft-ietf-cose-hpke section 7.2.4).
pub const HPKE_3: i64 = 41;

/// Labels of header parameters.
pub(crate) mod label {
    /// `alg` (RFC 9052 section 3.1).
    pub(crate) const ALG: i64 = 1;
    /// `kid` (RFC 9052 section 3.1): the signer's version, 4 octets.
    pub(crate) const KID: i64 = 4;
    /// `typ` (RFC 9596).
    pub(crate) const TYP: i64 = 16;
    /// `ek`, the encapsulated key (draft-ietf-cose-hpke section 7.3.1).
    pub(crate) const EK: i64 = -4;
    /// The delegation. This and the next are for private use (RFC 9052 section 11.1).
    pub(crate) const DELEGATION: i64 = -65537;
    /// The device id, 16 octets.
    pub(crate) const DEVICE: i64 = -65538;
    /// The package's sequence.
    pub(crate) const SEQUENCE: i64 = -65539;
}

/// `typ` of what is sealed in a package.
pub(crate) const CONTENT: &str = "proseal-package-content";

/// A protected header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) alg: i64,
    pub(crate) version: Option<SignerVersion>,
    pub(crate) typ: String,
    /// Device id and sequence: in packages only.
    pub(crate) address: Option<(DeviceId, u64)>,
}

impl Header {
    /// A header of `kind` that is signed.
    pub(crate) fn signed(kind: Kind, version: Option<SignerVersion>) -> Self {
        Self { alg: EDDSA, version, typ: kind.typ().to_owned(), address: None }
    }

    /// The header's one encoding.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let entries =
            [true, self.version.is_some(), true, self.address.is_some(), self.address.is_some()];
        let mut octets = Vec::new();
        let mut w = Writer(&mut octets);
        w.map(entries.into_iter().filter(|&there| there).count());
        w.int(label::ALG).int(self.alg);
        if let Some(version) = self.version {
            w.int(label::KID).bytes(&version.get().to_be_bytes());
        }
        w.int(label::TYP).text(&self.typ);
        if let Some((device, sequence)) = self.address {
            w.int(label::DEVICE).bytes(&device.0).int(label::SEQUENCE).uint(sequence);
        }
        octets
    }

    /// Reads exactly one header; `None` if it has any other entry, or an entry of
    /// another type.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let mut entries = Entries::of(cbor::read(octets)?)?;
        let alg = entries.take(label::ALG)?.into_integer().ok()?.try_into().ok()?;
        let version = match entries.take(label::KID) {
            Some(kid) => {
                let kid: [u8; 4] = kid.into_bytes().ok()?.try_into().ok()?;
                Some(SignerVersion::new(u32::from_be_bytes(kid)).ok()?)
            }
            None => None,
        };
        let typ = entries.text(label::TYP)?;
        let address = match entries.take(label::DEVICE) {
            Some(device) => {
                let device = device.into_bytes().ok()?.try_into().ok()?;
                Some((DeviceId(device), entries.uint(label::SEQUENCE)?))
            }
            None => None,
        };
        entries.end()?;
        Some(Self { alg, version, typ, address })
    }
}

/// Protected headers that are these octets, whatever they are.
pub(crate) fn protected(octets: Vec<u8>) -> ProtectedHeader {
    ProtectedHeader { original_data: Some(octets), header: CoseHeader::default() }
}

/// What is signed (RFC 9052 section 4.4), the external data being empty.
pub(crate) fn to_be_signed(protected_octets: &[u8], payload: &[u8]) -> Vec<u8> {
    let body = protected(protected_octets.to_vec());
    sig_structure_data(SignatureContext::CoseSign1, body, None, &[], payload)
}

/// The additional data of the sealing (RFC 9052 section 5.3), the external data
/// being empty.
pub(crate) fn sealing_aad(protected_octets: &[u8]) -> Vec<u8> {
    let body = protected(protected_octets.to_vec());
    enc_structure_data(EncryptionContext::CoseEncrypt0, body, &[])
}

/// An unprotected header with this one entry.
pub(crate) fn unprotected(entry: Option<(i64, Vec<u8>)>) -> CoseHeader {
    let rest = entry.map(|(label, octets)| (coset::Label::Int(label), Value::Bytes(octets)));
    CoseHeader { rest: rest.into_iter().collect(), ..CoseHeader::default() }
}

/// A tagged COSE_Sign1.
pub(crate) fn sign1(
    header: &Header,
    delegation: Option<&[u8]>,
    payload: Vec<u8>,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Vec<u8> {
    let header = header.octets();
    let signature = sign(&to_be_signed(&header, &payload)).to_vec();
    let entry = delegation.map(|octets| (label::DELEGATION, octets.to_vec()));
    let signed = CoseSign1 {
        protected: protected(header),
        unprotected: unprotected(entry),
        payload: Some(payload),
        signature,
    };
    // Octets and text alone are always writable.
    signed.to_tagged_vec().unwrap_or_default()
}

/// A tagged COSE_Encrypt0.
pub(crate) fn encrypt0(header: Vec<u8>, ek: &[u8], ciphertext: Vec<u8>) -> Vec<u8> {
    let sealed = CoseEncrypt0 {
        protected: protected(header),
        unprotected: unprotected(Some((label::EK, ek.to_vec()))),
        ciphertext: Some(ciphertext),
    };
    sealed.to_tagged_vec().unwrap_or_default()
}

/// The parts of a COSE_Sign1 in its one encoding.
pub(crate) struct Signed {
    pub(crate) header: Header,
    pub(crate) delegation: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
    signature: [u8; 64],
    to_be_signed: Vec<u8>,
}

impl Signed {
    /// Takes a tagged COSE_Sign1 of `kind` apart. No signature is checked.
    pub(crate) fn read(octets: &[u8], kind: Kind) -> Result<Self, Error> {
        let bounded = |max| match octets.len() {
            len if len > max => Err(Error::TooLong { kind, len, max }),
            _ => Ok(()),
        };
        bounded(Kind::Package.max())?;
        let malformed = |part| Error::Malformed { kind, part };
        let parts = tagged(octets, CoseSign1::TAG).ok_or(malformed("COSE_Sign1"))?;
        let [protected, unprotected, payload, signature] = parts;
        let octets_of = |part: Value, name| part.into_bytes().map_err(|_| malformed(name));
        let header = octets_of(protected, "protected header")?;
        let read = Header::read(&header);
        let typ = read.as_ref().map(|header| header.typ.as_str());
        if typ.is_some_and(|typ| typ != kind.typ()) {
            return Err(Error::WrongType { expected: kind });
        }
        bounded(kind.max())?;
        let read = read.ok_or(malformed("protected header"))?;
        let delegation = delegation(unprotected).ok_or(malformed("unprotected header"))?;
        let payload = octets_of(payload, "payload")?;
        let signature = octets_of(signature, "signature")?;
        let signature = signature.try_into().map_err(|_| malformed("signature"))?;
        let to_be_signed = to_be_signed(&header, &payload);
        Ok(Self { header: read, delegation, payload, signature, to_be_signed })
    }

    /// Whether `key` signed it.
    pub(crate) fn is_by(&self, key: &crate::key::VerifyKey) -> bool {
        key.verifies(&self.to_be_signed, &self.signature)
    }
}

/// The parts of a structure with this tag, in its one encoding; `None` if it is none.
fn tagged<const N: usize>(octets: &[u8], tag: u64) -> Option<[Value; N]> {
    match cbor::read(octets)? {
        Value::Tag(other, parts) if other == tag => parts.into_array().ok()?.try_into().ok(),
        _ => None,
    }
}

/// What an unprotected header says of the delegation; `None` if it says anything
/// else.
fn delegation(header: Value) -> Option<Option<Vec<u8>>> {
    let mut entries = Entries::of(header)?;
    let delegation = match entries.take(label::DELEGATION) {
        Some(octets) => Some(octets.into_bytes().ok()?),
        None => None,
    };
    entries.end()?;
    Some(delegation)
}

/// The parts of a COSE_Encrypt0 in its one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) header_octets: Vec<u8>,
    pub(crate) header: Header,
    pub(crate) ek: [u8; 32],
    pub(crate) ciphertext: Vec<u8>,
}

impl Sealed {
    /// Takes a tagged COSE_Encrypt0 apart. `None` if it is none of ours.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let [protected, unprotected, ciphertext] = tagged(octets, CoseEncrypt0::TAG)?;
        let header_octets = protected.into_bytes().ok()?;
        let header = Header::read(&header_octets)?;
        let mut unprotected = Entries::of(unprotected)?;
        let ek = unprotected.octets(label::EK)?;
        unprotected.end()?;
        Some(Self { header_octets, header, ek, ciphertext: ciphertext.into_bytes().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let full = Header {
            alg: HPKE_3,
            version: SignerVersion::new(1).ok(),
            typ: CONTENT.to_owned(),
            address: Some((DeviceId([7; 16]), 9)),
        };
        let expected = [
            &[0xa5, 1, 0x18, 41, 4, 0x44, 0, 0, 0, 1, 16, 0x77][..],
            b"proseal-package-content",
            &[0x3a, 0, 1, 0, 1, 0x50],
            &[7; 16],
            &[0x3a, 0, 1, 0, 2, 9],
        ];
        assert_eq!(full.octets(), expected.concat());
        assert_eq!(Header::read(&full.octets()), Some(full));
        let least = Header::signed(Kind::Statement, None);
        assert_eq!(Header::read(&least.octets()), Some(least));
    }

    #[test]
    fn a_header_has_no_other_entry() {
        for other in [
            &[0xa0][..],
            &[0xa1, 1, 0x27],                    // no typ
            &[0xa1, 16, 0x61, b'x'],             // no alg
            &[0xa3, 1, 0x27, 2, 0x80, 16, 0x60], // crit
            &[0xa2, 1, 0x27, 16, 0],             // a number as typ
            &[0xa3, 1, 0x27, 4, 0x41, 1, 16, 0x60],
            &[0xa3, 1, 0x27, 4, 0x44, 0, 0, 0, 0, 16, 0x60], // version 0
            &[0xa3, 1, 0x27, 16, 0x60, 0x3a, 0, 1, 0, 2, 9], // a sequence and no device
            &[0xa3, 1, 0x27, 16, 0x60, 0x3a, 0, 1, 0, 1, 0x41, 9], // a short device id
        ] {
            assert_eq!(Header::read(other), None, "{other:02x?}");
        }
    }

    #[test]
    fn what_is_signed_and_sealed_has_empty_external_data() {
        assert_eq!(
            to_be_signed(&[0xa0], &[1]),
            [&[0x84, 0x6a][..], b"Signature1", &[0x41, 0xa0, 0x40, 0x41, 1]].concat()
        );
        assert_eq!(
            sealing_aad(&[0xa0]),
            [&[0x83, 0x68][..], b"Encrypt0", &[0x41, 0xa0, 0x40]].concat()
        );
    }
}
