//! [`Platform`] over OP-TEE.

use alloc::vec::Vec;
use core::cell::OnceCell;

use optee_utee::property::{
    PropertyKey, TeeSystemTimeProtectionLevel, TeeTrustedStorageAntiRollbackProtectionLevel,
};
use optee_utee::{
    DataFlag, Error, ErrorKind, GenericObject, ObjectStorageConstants, PersistentObject, Random,
    Time, Whence, trace_println,
};
use proseal_proto::id::DeviceId;
use zeroize::Zeroizing;

use crate::platform::{Identity, Platform, RandomFailed, Store, StoreError};
use crate::state::record;

/// The state's object id, within this TA's own storage.
const STATE: &[u8] = b"state";
/// `gpd.tee.systemTime.protectionLevel` of a clock that is the TEE's own
/// (GlobalPlatform TEE Internal Core API, 4.7); 100 is one of the normal world.
const OWN_CLOCK: u32 = 1000;
pub(super) const STORAGE: ObjectStorageConstants = ObjectStorageConstants::Private;

/// OP-TEE.
pub struct OpTee {
    /// Asked once: it does not change.
    rollback_protection: OnceCell<u16>,
    /// Likewise.
    has_own_clock: OnceCell<bool>,
}

impl OpTee {
    /// Nothing is asked of it yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { rollback_protection: OnceCell::new(), has_own_clock: OnceCell::new() }
    }
}

impl Default for OpTee {
    fn default() -> Self {
        Self::new()
    }
}

impl Platform for OpTee {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomFailed> {
        // TEE_GenerateRandom has no error: it panics the TA instead.
        Random::generate(out);
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        let mut time = Time::new();
        time.system_time();
        u64::from(time.seconds).saturating_mul(1000).saturating_add(time.millis.into())
    }

    fn has_own_clock(&self) -> bool {
        *self.has_own_clock.get_or_init(|| {
            TeeSystemTimeProtectionLevel.get().is_ok_and(|level| level >= OWN_CLOCK)
        })
    }

    fn store(&mut self) -> &mut impl Store {
        self
    }

    fn identity(&mut self) -> &mut impl Identity {
        self
    }

    fn announce(&mut self, device: DeviceId) {
        trace_println!("ProSeal: the identity of this device is {}", device);
    }

    fn rollback_protection(&self) -> u16 {
        *self.rollback_protection.get_or_init(|| {
            let level = TeeTrustedStorageAntiRollbackProtectionLevel.get().unwrap_or(0);
            u16::try_from(level).unwrap_or(0)
        })
    }
}

impl Store for OpTee {
    fn read(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some((mut object, size)) = open(DataFlag::ACCESS_READ)? else { return Ok(None) };
        if size != record::LEN {
            return Err(StoreError::Corrupt);
        }
        let mut bytes = Zeroizing::new(alloc::vec![0; size]);
        match object.read(&mut bytes) {
            Ok(read) if usize::try_from(read) == Ok(size) => Ok(Some(bytes)),
            Ok(_) => Err(StoreError::Corrupt),
            Err(error) => Err(end(object, &error)),
        }
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        // Either call is one commit: OP-TEE keeps the old version of each
        // block until the new ones are all there.
        match open(DataFlag::ACCESS_READ | DataFlag::ACCESS_WRITE)? {
            Some((object, size)) if size == bytes.len() => write_in_place(object, bytes).map(drop),
            _ => {
                let flags = DataFlag::ACCESS_READ | DataFlag::ACCESS_WRITE | DataFlag::OVERWRITE;
                PersistentObject::create(STORAGE, STATE, flags, None, bytes)
                    .map(drop)
                    .map_err(|error| store_error(&error))
            }
        }
    }

    fn blank(&mut self) -> Result<(), StoreError> {
        let opened = match open(DataFlag::ACCESS_READ | DataFlag::ACCESS_WRITE) {
            // OP-TEE has deleted it: there is nothing left to blank.
            Err(StoreError::Corrupt) => None,
            other => other?,
        };
        let Some((mut object, size)) = opened else { return Ok(()) };
        let zeros = alloc::vec![0; size.min(record::LEN)];
        for _ in 0..2 {
            object = match write_in_place(object, &zeros) {
                Ok(object) => object,
                Err(StoreError::Corrupt) => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        match PersistentObject::open(STORAGE, STATE, DataFlag::ACCESS_WRITE_META) {
            Ok(object) => object.close_and_delete().map_err(|error| store_error(&error)),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(store_error(&error)),
        }
    }
}

/// The object and its size; `None` if there is none.
fn open(flags: DataFlag) -> Result<Option<(PersistentObject, usize)>, StoreError> {
    let object = match PersistentObject::open(STORAGE, STATE, flags) {
        Ok(object) => object,
        Err(error) if error.kind() == ErrorKind::ItemNotFound => return Ok(None),
        Err(error) => return Err(store_error(&error)),
    };
    match object.info() {
        Ok(info) => Ok(Some((object, info.data_size()))),
        Err(error) => Err(end(object, &error)),
    }
}

/// Writes over an object from its start, in one commit.
fn write_in_place(
    mut object: PersistentObject,
    bytes: &[u8],
) -> Result<PersistentObject, StoreError> {
    match object.seek(0, Whence::DataSeekSet).and_then(|()| object.write(bytes)) {
        Ok(()) => Ok(object),
        Err(error) => Err(end(object, &error)),
    }
}

/// What an error of an open object means for the store. If the object is
/// corrupt, OP-TEE has deleted it and closed its handle: to close that again
/// would end the TA.
pub(super) fn end(object: PersistentObject, error: &Error) -> StoreError {
    let error = store_error(error);
    if error == StoreError::Corrupt {
        core::mem::forget(object);
    }
    error
}

/// Whether there is no object to erase: none was there, or it was corrupt and
/// OP-TEE has deleted it.
pub(super) fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::ItemNotFound || store_error(error) == StoreError::Corrupt
}

pub(super) fn store_error(error: &Error) -> StoreError {
    match error.kind() {
        ErrorKind::CorruptObject | ErrorKind::CorruptObject2 => StoreError::Corrupt,
        ErrorKind::StorageNoSpace => StoreError::Full,
        _ => StoreError::Failed,
    }
}
