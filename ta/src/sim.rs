//! The platform in memory: the TA on the development host. It holds the
//! store's octets as a medium that outlives the TA, and fails on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use ed25519_dalek::{Signer, SigningKey};
use proseal_proto::id::DeviceId;
use proseal_proto::statement::PublicKeys;
use x25519_dalek::x25519;
use zeroize::Zeroizing;

use crate::platform::{Found, Identity, Platform, RandomFailed, Store, StoreError};

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
    /// The identity's private keys: X25519, Ed25519.
    pub keys: [Option<[u8; 32]>; 2],
    /// What the next identities are made of, in the place of random octets.
    pub given_keys: Option<[[u8; 32]; 2]>,
    /// Ids that were announced.
    pub announced: Vec<DeviceId>,
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
    /// The signing key with its public half: a TEE keeps both, and derives neither anew.
    signing: Option<SigningKey>,
}

impl Sim {
    /// A machine over `medium`; `seed` makes its random source. Two machines
    /// with one seed draw the same: for tests only.
    #[must_use]
    pub fn new(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        Self { medium, random: seed, signing: None }
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

    fn identity(&mut self) -> &mut impl Identity {
        self
    }

    fn announce(&mut self, device: DeviceId) {
        self.medium().announced.push(device);
    }

    fn rollback_protection(&self) -> u16 {
        self.medium().rollback_protection
    }
}

impl Identity for Sim {
    fn find(&mut self) -> Result<Found, StoreError> {
        let medium = self.medium();
        if medium.fault == Fault::ReadFails {
            return Err(StoreError::Failed);
        }
        Ok(match medium.keys {
            [None, None] => Found::Nothing,
            [Some(opening), Some(signing)] => Found::Whole(PublicKeys {
                x25519: x25519(opening, x25519_dalek::X25519_BASEPOINT_BYTES),
                ed25519: SigningKey::from_bytes(&signing).verifying_key().to_bytes(),
            }),
            _ => Found::Part,
        })
    }

    fn make(&mut self, mark: &[u8; 32]) -> Result<PublicKeys, StoreError> {
        Identity::remove(self)?;
        for at in 0..2 {
            let mut key = [0; 32];
            self.random(&mut key).map_err(|_| StoreError::Failed)?;
            key.iter_mut().zip(mark).for_each(|(octet, mark)| *octet ^= mark);
            let given = self.medium().given_keys.and_then(|keys| keys.get(at).copied());
            let key = given.unwrap_or(key);
            self.medium().change(true, |medium| {
                if let Some(slot) = medium.keys.get_mut(at) {
                    *slot = Some(key);
                }
            })?;
        }
        match self.find()? {
            Found::Whole(keys) => Ok(keys),
            Found::Nothing | Found::Part => Err(StoreError::Failed),
        }
    }

    fn agree(&mut self, public: &[u8; 32], agreed: &mut [u8; 32]) -> Result<(), StoreError> {
        let [key, _] = self.medium().keys;
        self::agree(&key.ok_or(StoreError::Corrupt)?, public, agreed);
        Ok(())
    }

    fn sign(&mut self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        let [_, key] = self.medium().keys;
        let key = key.ok_or(StoreError::Corrupt)?;
        let kept = self.signing.take().filter(|kept| *kept.as_bytes() == key);
        let kept = self.signing.insert(kept.unwrap_or_else(|| SigningKey::from_bytes(&key)));
        Ok(kept.sign(message).to_bytes())
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        let there: Vec<usize> =
            (0..2).filter(|&at| self.medium().keys.get(at) != Some(&None)).collect();
        for at in there {
            self.medium().change(false, |medium| {
                if let Some(slot) = medium.keys.get_mut(at) {
                    *slot = None;
                }
            })?;
        }
        Ok(())
    }
}

/// X25519 (RFC 7748).
pub fn agree(private: &[u8; 32], public: &[u8; 32], agreed: &mut [u8; 32]) {
    *agreed = x25519(*private, *public);
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
        let fits = self.fits(object.as_deref());
        let needs_room = object.is_some() && !(fits && self.has_room);
        self.change(needs_room, |medium| {
            medium.has_room = fits;
            medium.object = object;
        })
    }

    /// Changes what outlives a power cut, unless a fault or the cut is before it.
    fn change(
        &mut self,
        needs_room: bool,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), StoreError> {
        if self.power_left == Some(0) {
            self.is_off = true;
            return Err(StoreError::Failed);
        }
        self.power_left = self.power_left.map(|left| left.saturating_sub(1));
        let fault = if self.spared > 0 { Fault::None } else { self.fault };
        self.spared = self.spared.saturating_sub(1);
        match fault {
            Fault::WriteFails => return Err(StoreError::Failed),
            Fault::Full if needs_room => return Err(StoreError::Full),
            Fault::None | Fault::WriteLies | Fault::Full | Fault::Corrupt | Fault::ReadFails => {}
        }
        change(self);
        self.writes = self.writes.saturating_add(1);
        if fault == Fault::WriteLies { Err(StoreError::Failed) } else { Ok(()) }
    }
}
