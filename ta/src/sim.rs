//! The platform in memory: the TA on the development host. It holds the
//! store's octets as a medium that outlives the TA, and fails on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use zeroize::Zeroizing;

use crate::platform::{Platform, RandomFailed, Store, StoreError};

/// What happens to the calls of the store from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// All is well.
    #[default]
    None,
    /// A write or removal fails, and was not done.
    WriteFails,
    /// A write or removal is done, but reported as failed.
    WriteLies,
    /// What is not there yet, or not as long, finds no room; nor does the first
    /// write over an object that was made.
    Full,
    /// A read or write finds the object damaged, and deletes it as OP-TEE does.
    /// What takes its place is sound: the fault is over then.
    Corrupt,
    /// A read fails, and nothing has happened to the object.
    ReadFails,
}

/// The medium and what is wrong with it; shared with the test that holds it.
#[derive(Default)]
pub struct Medium {
    /// The object's octets.
    pub object: Option<Vec<u8>>,
    /// The object was written over since it was made: there is room for both
    /// versions of each block.
    pub has_room: bool,
    /// What happens to the next calls.
    pub fault: Fault,
    /// Writes and removals that go well before the fault shows in them.
    pub spared: u32,
    /// Whether the random source fails.
    pub random_fails: bool,
    /// The level of protection from rollback, as the platform tells it.
    pub rollback_protection: u16,
    /// Powered milliseconds, as the platform tells them.
    pub uptime_ms: u64,
    /// They are the normal world's.
    pub has_foreign_clock: bool,
    /// Writes and removals that were done.
    pub writes: u32,
    /// Writes and removals until the power goes; `None` if it stays.
    pub power_left: Option<u32>,
    /// The power went: nothing is written any more, and nobody hears the
    /// answer of the command under way.
    pub is_off: bool,
}

/// A platform over a shared medium.
pub struct Sim {
    medium: Arc<Mutex<Medium>>,
    random: u64,
}

impl Sim {
    /// A machine over `medium`; `seed` makes its random source. Two machines
    /// with one seed draw the same: for tests only.
    #[must_use]
    pub fn new(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        Self { medium, random: seed }
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Platform for Sim {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomFailed> {
        if self.medium().random_fails {
            return Err(RandomFailed);
        }
        for octet in out {
            // SplitMix64: well mixed, repeatable, and no secret.
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *octet = (z ^ (z >> 31)).to_le_bytes()[0];
        }
        Ok(())
    }

    fn uptime_ms(&mut self) -> u64 {
        self.medium().uptime_ms
    }

    fn has_own_clock(&self) -> bool {
        !self.medium().has_foreign_clock
    }

    fn store(&mut self) -> &mut impl Store {
        self
    }

    fn rollback_protection(&self) -> u16 {
        self.medium().rollback_protection
    }
}

impl Store for Sim {
    fn read(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut medium = self.medium();
        if medium.fault == Fault::ReadFails {
            return Err(StoreError::Failed);
        }
        if medium.finds_damage() {
            return Err(StoreError::Corrupt);
        }
        Ok(medium.object.clone().map(Zeroizing::new))
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let mut medium = self.medium();
        if medium.finds_damage() {
            return Err(StoreError::Corrupt);
        }
        medium.write(Some(bytes.to_vec()))
    }

    fn blank(&mut self) -> Result<(), StoreError> {
        let mut medium = self.medium();
        if medium.finds_damage() {
            return Ok(());
        }
        let Some(len) = medium.object.as_ref().map(Vec::len) else { return Ok(()) };
        medium.write(Some(std::vec![0; len]))?;
        medium.write(Some(std::vec![0; len]))
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.medium().write(None)
    }
}

impl Medium {
    fn finds_damage(&mut self) -> bool {
        let finds = self.fault == Fault::Corrupt && self.object.take().is_some();
        if finds {
            self.fault = Fault::None;
        }
        finds
    }

    /// Whether `object` lies over the one that there is.
    fn fits(&self, object: Option<&[u8]>) -> bool {
        self.object.as_ref().map(Vec::len) == object.map(<[u8]>::len)
    }

    fn write(&mut self, object: Option<Vec<u8>>) -> Result<(), StoreError> {
        if self.power_left == Some(0) {
            self.is_off = true;
            return Err(StoreError::Failed);
        }
        self.power_left = self.power_left.map(|left| left.saturating_sub(1));
        let fault = if self.spared > 0 { Fault::None } else { self.fault };
        self.spared = self.spared.saturating_sub(1);
        let fits = self.fits(object.as_deref());
        let needs_room = object.is_some() && !(fits && self.has_room);
        match fault {
            Fault::WriteFails => return Err(StoreError::Failed),
            Fault::Full if needs_room => return Err(StoreError::Full),
            Fault::None | Fault::WriteLies | Fault::Full | Fault::Corrupt | Fault::ReadFails => {}
        }
        self.has_room = fits;
        self.object = object;
        self.writes = self.writes.saturating_add(1);
        if fault == Fault::WriteLies { Err(StoreError::Failed) } else { Ok(()) }
    }
}
