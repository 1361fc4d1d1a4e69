//! [`Platform`] over OP-TEE.

use alloc::vec::Vec;

use optee_utee::property::{PropertyKey, TeeTrustedStorageAntiRollbackProtectionLevel};
use optee_utee::{
    DataFlag, Error, ErrorKind, GenericObject, ObjectStorageConstants, PersistentObject, Random,
    Whence,
};
use zeroize::Zeroizing;

use crate::platform::{Platform, RandomFailed, Store, StoreError};
use crate::state::record::RECORD_MAX;

/// The state's object id, within this TA's own storage.
const STATE: &[u8] = b"state";
const STORAGE: ObjectStorageConstants = ObjectStorageConstants::Private;

/// OP-TEE.
pub struct OpTee;

impl Platform for OpTee {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomFailed> {
        // TEE_GenerateRandom has no error: it panics the TA instead.
        Random::generate(out);
        Ok(())
    }

    fn store(&mut self) -> &mut impl Store {
        self
    }

    fn rollback_protection(&self) -> u16 {
        let level = TeeTrustedStorageAntiRollbackProtectionLevel.get().unwrap_or(0);
        u16::try_from(level).unwrap_or(0)
    }
}

impl Store for OpTee {
    fn read(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut object = match PersistentObject::open(STORAGE, STATE, DataFlag::ACCESS_READ) {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::ItemNotFound => return Ok(None),
            Err(error) => return Err(store_error(&error)),
        };
        let size = match object.info() {
            Ok(info) => info.data_size(),
            Err(error) => return Err(end(object, &error)),
        };
        if size > RECORD_MAX {
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
        // The whole object in one call: OP-TEE commits the old or the new.
        let flags = DataFlag::ACCESS_WRITE | DataFlag::OVERWRITE;
        match PersistentObject::create(STORAGE, STATE, flags, None, bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(store_error(&error)),
        }
    }

    fn blank(&mut self) -> Result<(), StoreError> {
        let flags = DataFlag::ACCESS_READ | DataFlag::ACCESS_WRITE;
        let mut object = match PersistentObject::open(STORAGE, STATE, flags) {
            Ok(object) => object,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(store_error(&error)),
        };
        let size = match object.info() {
            Ok(info) => info.data_size(),
            Err(error) => return Err(end(object, &error)),
        };
        let zeros = alloc::vec![0; size.min(RECORD_MAX)];
        for _ in 0..2 {
            let written = object.seek(0, Whence::DataSeekSet).and_then(|()| object.write(&zeros));
            match written {
                Ok(()) => {}
                // It was corrupt, so OP-TEE has deleted it: there is nothing left to blank.
                Err(error) => match end(object, &error) {
                    StoreError::Corrupt => return Ok(()),
                    error => return Err(error),
                },
            }
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

/// What an error of an open object means for the store. If the object is
/// corrupt, OP-TEE has deleted it and closed its handle: to close that again
/// would end the TA.
fn end(object: PersistentObject, error: &Error) -> StoreError {
    let error = store_error(error);
    if error == StoreError::Corrupt {
        core::mem::forget(object);
    }
    error
}

/// Whether there is no object to erase: none was there, or it was corrupt and
/// OP-TEE has deleted it.
fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::ItemNotFound || store_error(error) == StoreError::Corrupt
}

fn store_error(error: &Error) -> StoreError {
    match error.kind() {
        ErrorKind::CorruptObject | ErrorKind::CorruptObject2 => StoreError::Corrupt,
        ErrorKind::StorageNoSpace => StoreError::Full,
        _ => StoreError::Failed,
    }
}
