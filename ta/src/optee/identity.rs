//! The device's key pairs as OP-TEE keeps them: two persistent objects, whose
//! private halves never stand in this TA's memory.

use optee_utee::{
    AlgorithmId, Asymmetric, AttributeId, AttributeMemref, DataFlag, DeriveKey, GenericObject,
    ObjectHandle, OperationMode, PersistentObject, TransientObject, TransientObjectType, UsageFlag,
};
use proseal_proto::statement::PublicKeys;

use super::platform::{OpTee, STORAGE, end, is_gone, store_error};
use super::random::stir;
use crate::platform::{Found, Identity, StoreError};

/// Bits of each key.
const BITS: usize = 256;

/// One of the two pairs.
struct Pair {
    /// Its object's id, within this TA's own storage.
    id: &'static [u8],
    kind: TransientObjectType,
    /// All that its private half may be used for; never for being read.
    usage: fn() -> UsageFlag,
    public: AttributeId,
}

const OPENING: Pair = Pair {
    id: b"x25519",
    kind: TransientObjectType::X25519Keypair,
    usage: || UsageFlag::DERIVE,
    public: AttributeId::X25519PublicValue,
};
const SIGNING: Pair = Pair {
    id: b"ed25519",
    kind: TransientObjectType::Ed25519Keypair,
    usage: || UsageFlag::SIGN,
    public: AttributeId::Ed25519PublicValue,
};

impl Pair {
    /// The pair; `None` if it is not there, or was damaged (and OP-TEE has deleted
    /// it by now).
    fn open(&self, flags: DataFlag) -> Result<Option<PersistentObject>, StoreError> {
        match PersistentObject::open(STORAGE, self.id, flags) {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }

    fn public(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(object) = self.open(DataFlag::ACCESS_READ)? else { return Ok(None) };
        let mut key = [0; 32];
        match object.ref_attribute(self.public, &mut key) {
            Ok(len) if len == key.len() => Ok(Some(key)),
            Ok(_) => Ok(None),
            Err(error) => match end(object, &error) {
                StoreError::Corrupt => Ok(None),
                error => Err(error),
            },
        }
    }

    fn make(&self) -> Result<(), StoreError> {
        let failed = |error| store_error(&error);
        let mut pair = TransientObject::allocate(self.kind, BITS).map_err(failed)?;
        pair.generate_key(BITS, &[]).map_err(failed)?;
        pair.restrict_usage((self.usage)()).map_err(failed)?;
        let flags = DataFlag::ACCESS_READ | DataFlag::OVERWRITE;
        PersistentObject::create(STORAGE, self.id, flags, Some(handle(pair)?), &[])
            .map(drop)
            .map_err(failed)
    }

    fn remove(&self) -> Result<(), StoreError> {
        match self.open(DataFlag::ACCESS_WRITE_META)? {
            Some(object) => object.close_and_delete().map_err(|error| store_error(&error)),
            None => Ok(()),
        }
    }

    /// The pair, for using it.
    fn held(&self) -> Result<PersistentObject, StoreError> {
        self.open(DataFlag::ACCESS_READ)?.ok_or(StoreError::Corrupt)
    }
}

/// What an object is made from, given up to whoever closes it.
fn handle(object: TransientObject) -> Result<ObjectHandle, StoreError> {
    // SAFETY: the handle has one owner after this, the `ObjectHandle`: the
    // object before it is forgotten.
    #[expect(unsafe_code, reason = "the crate makes objects of handles only")]
    let raw = unsafe { *object.as_raw_ref() };
    core::mem::forget(object);
    ObjectHandle::from_raw(raw).map_err(|error| store_error(&error))
}

impl Identity for OpTee {
    fn find(&mut self) -> Result<Found, StoreError> {
        Ok(match (OPENING.public()?, SIGNING.public()?) {
            (Some(x25519), Some(ed25519)) => Found::Whole(PublicKeys { x25519, ed25519 }),
            (None, None) => Found::Nothing,
            _ => Found::Part,
        })
    }

    fn make(&mut self, mark: &[u8; 32]) -> Result<PublicKeys, StoreError> {
        stir(mark);
        OPENING.make()?;
        SIGNING.make()?;
        match self.find()? {
            Found::Whole(keys) => Ok(keys),
            Found::Nothing | Found::Part => Err(StoreError::Failed),
        }
    }

    fn agree(&mut self, public: &[u8; 32], agreed: &mut [u8; 32]) -> Result<(), StoreError> {
        agree(&OPENING.held()?, public, agreed)
    }

    fn sign(&mut self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        let failed = |error| store_error(&error);
        let pair = SIGNING.held()?;
        let mut operation = Asymmetric::allocate(AlgorithmId::Ed25519, OperationMode::Sign, BITS)
            .map_err(failed)?;
        operation.set_key(&pair).map_err(failed)?;
        let mut signature = [0; 64];
        match operation.sign_digest(&[], message, &mut signature) {
            Ok(len) if len == signature.len() => Ok(signature),
            Ok(_) => Err(StoreError::Failed),
            Err(error) => Err(store_error(&error)),
        }
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        OPENING.remove()?;
        SIGNING.remove()
    }
}

/// X25519 (RFC 7748) with a pair's private half. A `public` that gives nothing
/// would end the TA: see [`crate::hpke::is_good_key`].
///
/// Errors: what OP-TEE's calls end with.
pub fn agree(
    pair: &impl GenericObject,
    public: &[u8; 32],
    agreed: &mut [u8; 32],
) -> Result<(), StoreError> {
    let failed = |error| store_error(&error);
    let mut operation = DeriveKey::allocate(AlgorithmId::X25519, BITS).map_err(failed)?;
    operation.set_key(pair).map_err(failed)?;
    let mut secret =
        TransientObject::allocate(TransientObjectType::GenericSecret, BITS).map_err(failed)?;
    let public = AttributeMemref::from_ref(AttributeId::X25519PublicValue, public);
    operation.derive(&[public.into()], &mut secret);
    match secret.ref_attribute(AttributeId::SecretValue, agreed) {
        Ok(len) if len == agreed.len() => Ok(()),
        Ok(_) => Err(StoreError::Failed),
        Err(error) => Err(store_error(&error)),
    }
}
