//! Signed things from parts that a test may change, so that a package has exactly
//! one fault and signatures that hold.
//!
//! ```
//! # use proseal_issuer::testing::{Device, Fixed, fault};
//! # use proseal_issuer::*;
//! # let random = &mut Fixed::new(&[7; 32]);
//! # let (root, key) = (RootKey::from_seed(&[1; 32]), SignerKey::from_seed(&[2; 32]));
//! # let manager = ManagerId([3; 16]);
//! # let delegation = Delegation::sign(&root, key.public(), SignerVersion::FIRST, manager);
//! # let signer = Signer::new(key, delegation).unwrap();
//! # let device = Device::from_secrets(&[4; 32], &[5; 32]);
//! # let state = DesiredState { sequence: 1, time: 0, start_nonce: None, groups: vec![] };
//! # let trust = Trust { root: root.public(), manager, least_version: 0 };
//! let mut package = fault::package(&signer, device.keys(), &state);
//! package.content.set(&[2], 9); // the sealed sequence is not the headers'
//! let octets = package.seal(&signer, device.keys(), random);
//! # let package = Package::verify(&octets, &trust).unwrap();
//! # assert_eq!(device.open(&package).err(), Some(Error::Disagree { field: Field::Sequence }));
//! ```
//!
//! A path names what to change: each number is a map's key or an array's index.
//! `[5, 0, 5, 1, 6]` of a content is not_after of the second PGK of the first
//! group. A wrong path panics: it is the test's own fault.

use rand_core::CryptoRng;

use super::{Device, Value};
use crate::cbor;
use crate::cose::{CONTENT, EDDSA, HPKE_3, Header, label, to_be_signed};
use crate::delegation::{Delegation, Signer};
use crate::device::DeviceKeys;
use crate::key::{RootKey, SignerKey};
use crate::kind::Kind;
use crate::notice::Notice;
use crate::sender::SenderContext;
use crate::state::DesiredState;
use crate::statement::Statement;

/// One CBOR item, or any octets in its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// An item. Maps are written in the order that they have here.
    Item(Value),
    /// Octets, whatever they are.
    Octets(Vec<u8>),
}

impl Part {
    fn read(octets: &[u8]) -> Self {
        Self::Item(cbor::read(octets).expect("what the library writes can be read"))
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        match self {
            Self::Item(value) => cbor::write(value),
            Self::Octets(octets) => octets.clone(),
        }
    }

    /// The item at `path`.
    pub fn at(&mut self, path: &[i64]) -> &mut Value {
        let Self::Item(value) = self else { panic!("octets have no items") };
        path.iter().fold(value, |value, &step| match value {
            Value::Map(entries) => {
                let found = entries.iter_mut().find(|(key, _)| *key == Value::from(step));
                &mut found.unwrap_or_else(|| panic!("no key {step} in {path:?}")).1
            }
            Value::Array(items) => {
                &mut items[usize::try_from(step).expect("an index is not negative")]
            }
            Value::Tag(_, item) => item,
            _ => panic!("nothing in it at {step} of {path:?}"),
        })
    }

    /// Puts `value` at `path`; in the place of what is there, or as a new last entry
    /// of its map or array.
    pub fn set(&mut self, path: &[i64], value: impl Into<Value>) {
        let (last, parent) = path.split_last().expect("a path names something");
        match self.at(parent) {
            Value::Map(entries) => {
                match entries.iter_mut().find(|(key, _)| *key == Value::from(*last)) {
                    Some(entry) => entry.1 = value.into(),
                    None => entries.push((Value::from(*last), value.into())),
                }
            }
            Value::Array(items) => {
                let at = usize::try_from(*last).expect("an index is not negative");
                match items.get_mut(at) {
                    Some(item) => *item = value.into(),
                    None => items.push(value.into()),
                }
            }
            _ => panic!("nothing to set in at {path:?}"),
        }
    }

    /// Takes away what is at `path`.
    pub fn remove(&mut self, path: &[i64]) {
        let (last, parent) = path.split_last().expect("a path names something");
        match self.at(parent) {
            Value::Map(entries) => entries.retain(|(key, _)| *key != Value::from(*last)),
            Value::Array(items) => {
                items.remove(usize::try_from(*last).expect("an index is not negative"));
            }
            _ => panic!("nothing to take away at {path:?}"),
        }
    }

    /// The entries of the map at `path`, or the items of the array, the other way
    /// round.
    pub fn reverse(&mut self, path: &[i64]) {
        match self.at(path) {
            Value::Map(entries) => entries.reverse(),
            Value::Array(items) => items.reverse(),
            _ => panic!("nothing to turn round at {path:?}"),
        }
    }
}

/// Whoever can sign.
pub trait SigningKey {
    /// An Ed25519 signature over `message`, 64 octets.
    fn sign_octets(&self, message: &[u8]) -> [u8; 64];
}

impl SigningKey for RootKey {
    fn sign_octets(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message)
    }
}

impl SigningKey for SignerKey {
    fn sign_octets(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message)
    }
}

impl SigningKey for Signer {
    fn sign_octets(&self, message: &[u8]) -> [u8; 64] {
        self.key().sign(message)
    }
}

impl SigningKey for Device {
    fn sign_octets(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message)
    }
}

/// A COSE_Sign1 before it is signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign1 {
    /// Its tag, or none: 18.
    pub tag: Option<u64>,
    /// The protected header map.
    pub protected: Part,
    /// The unprotected header map.
    pub unprotected: Value,
    /// The payload.
    pub payload: Part,
}

impl Sign1 {
    /// Takes a signed thing apart.
    ///
    /// # Panics
    /// If `octets` are no tagged COSE_Sign1 with a CBOR payload.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        let parts = match cbor::read(octets) {
            Some(Value::Tag(18, parts)) => parts.into_array().ok().and_then(|p| p.try_into().ok()),
            _ => None,
        };
        let [protected, unprotected, payload, _]: [Value; 4] = parts.expect("a COSE_Sign1");
        let part = |value: Value| Part::read(value.as_bytes().expect("a byte string"));
        Self { tag: Some(18), protected: part(protected), unprotected, payload: part(payload) }
    }

    /// The unprotected header as a part, to be changed by path.
    pub fn unprotected(&mut self, change: impl FnOnce(&mut Part)) {
        let mut part = Part::Item(self.unprotected.clone());
        change(&mut part);
        self.unprotected = part.at(&[]).clone();
    }

    /// Signs what it is now.
    #[must_use]
    pub fn sign(&self, key: &impl SigningKey) -> Vec<u8> {
        let (protected, payload) = (self.protected.octets(), self.payload.octets());
        self.with_signature(&key.sign_octets(&to_be_signed(&protected, &payload)))
    }

    /// With these octets as its signature.
    #[must_use]
    pub fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        let parts = vec![
            Value::Bytes(self.protected.octets()),
            self.unprotected.clone(),
            Value::Bytes(self.payload.octets()),
            Value::Bytes(signature.to_vec()),
        ];
        tagged(self.tag, parts)
    }
}

/// A delegation before it is signed: change it, then `.sign(&root)`.
#[must_use]
pub fn delegation(delegation: &Delegation) -> Sign1 {
    Sign1::of(delegation.octets())
}

/// A notice before it is signed: change it, then `.sign(&signer)`.
#[must_use]
pub fn notice(notice: &Notice) -> Sign1 {
    Sign1::of(notice.octets())
}

/// A statement before it is signed: change it, then `.sign(&device)`.
#[must_use]
pub fn statement(device: &Device, statement: &Statement) -> Sign1 {
    Sign1::of(&device.state(statement))
}

/// A package before it is sealed and signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The outer COSE_Sign1's protected header map.
    pub outer: Part,
    /// The outer unprotected header map.
    pub unprotected: Value,
    /// The COSE_Encrypt0's protected header map.
    pub inner: Part,
    /// The content.
    pub content: Part,
}

/// A good package for `device`, to be changed. The state may be one that the library
/// would not seal.
#[must_use]
pub fn package(signer: &Signer, device: &DeviceKeys, state: &DesiredState) -> Package {
    let header = |alg, typ: &str| {
        let version = Some(signer.delegation().version());
        let address = Some((device.id(), state.sequence));
        Part::read(&Header { alg, version, typ: typ.to_owned(), address }.octets())
    };
    Package {
        outer: header(EDDSA, Kind::Package.typ()),
        unprotected: with_delegation(signer.delegation().octets()),
        inner: header(HPKE_3, CONTENT),
        content: Part::read(&state.encode(device.id())),
    }
}

/// The unprotected header of a package or notice: these octets as its delegation.
#[must_use]
pub fn with_delegation(octets: &[u8]) -> Value {
    Value::Map(vec![(Value::from(label::DELEGATION), Value::Bytes(octets.to_vec()))])
}

impl Package {
    /// The content sealed to `device` as it is now, not yet signed.
    ///
    /// # Panics
    /// If the device's key is none.
    pub fn encrypt(&self, device: &DeviceKeys, random: &mut impl CryptoRng) -> Encrypt0 {
        let protected = self.inner.octets();
        let content = self.content.octets();
        let context = SenderContext::new(device, random);
        let (ek, ciphertext) = context
            .and_then(|context| context.seal(&protected, &content))
            .expect("a device's key is one");
        let ek = (Value::from(label::EK), Value::Bytes(ek.to_vec()));
        Encrypt0 { tag: Some(16), protected, unprotected: Value::Map(vec![ek]), ciphertext }
    }

    /// The outer COSE_Sign1 over this payload, not yet signed.
    #[must_use]
    pub fn around(&self, payload: Vec<u8>) -> Sign1 {
        let (protected, unprotected) = (self.outer.clone(), self.unprotected.clone());
        Sign1 { tag: Some(18), protected, unprotected, payload: Part::Octets(payload) }
    }

    /// Seals and signs what it is now.
    pub fn seal(
        &self,
        key: &impl SigningKey,
        device: &DeviceKeys,
        random: &mut impl CryptoRng,
    ) -> Vec<u8> {
        self.around(self.encrypt(device, random).octets()).sign(key)
    }
}

/// A COSE_Encrypt0 after it is sealed: a change here is one that the tag or the key
/// must notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Encrypt0 {
    /// Its tag, or none: 16.
    pub tag: Option<u64>,
    /// The protected header's octets.
    pub protected: Vec<u8>,
    /// The unprotected header map: {-4: ek}.
    pub unprotected: Value,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

impl Encrypt0 {
    /// Another encapsulated key.
    pub fn set_ek(&mut self, ek: &[u8]) {
        self.unprotected = Value::Map(vec![(Value::from(label::EK), Value::Bytes(ek.to_vec()))]);
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let parts = vec![
            Value::Bytes(self.protected.clone()),
            self.unprotected.clone(),
            Value::Bytes(self.ciphertext.clone()),
        ];
        tagged(self.tag, parts)
    }
}

/// `octets` sealed to any 32 octets as an X25519 key: what the library does with them.
///
/// # Errors
/// Those of the sealing: [`crate::Error::BadKey`] for a key of low order.
pub fn seal_to(
    x25519: &[u8; 32],
    octets: &[u8],
    random: &mut impl CryptoRng,
) -> Result<Vec<u8>, crate::Error> {
    let device = DeviceKeys::recorded(x25519, &[0; 32]);
    SenderContext::new(&device, random)?.seal(&[], octets).map(|(_, ciphertext)| ciphertext)
}

fn tagged(tag: Option<u64>, parts: Vec<Value>) -> Vec<u8> {
    let parts = Value::Array(parts);
    cbor::write(&match tag {
        Some(tag) => Value::Tag(tag, Box::new(parts)),
        None => parts,
    })
}
