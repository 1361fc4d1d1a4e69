//! The keys that frames are opened with, a bounded cache. Of each sender there are at
//! most two epochs whose keys have opened a frame; keys that have opened none yet
//! stand apart in a pool, where many salts of one epoch have room beside each other.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};

use crate::drops::DropReason;
use crate::highwater::{Ceiling, Mark};
use crate::suite::Keys;
use crate::window::Window;

/// Key pairs in the pool; the oldest makes room.
const POOL: usize = 256;

/// An epoch of a sender, but for its salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The destination group.
    pub group: GroupId,
    /// The PGK's generation.
    pub generation: Generation,
    /// Who sends.
    pub sender: MemberId,
    /// The epoch's PTK Id.
    pub ptk_id: PtkId,
}

/// An epoch whose keys have opened a frame.
pub(crate) struct Live {
    pub(crate) ptk_id: PtkId,
    pub(crate) salt: EpochSalt,
    pub(crate) keys: Keys,
    pub(crate) window: Window,
    pub(crate) ceiling: Ceiling,
    /// Numbers of frames that wait for the file: a copy of one waits only once.
    pub(crate) waiting: Option<Box<Window>>,
}

impl Live {
    /// Notes that an authentic frame waits, or says that one with its number does.
    pub(crate) fn note(&mut self, sn: u32) -> Result<(), DropReason> {
        self.waiting.get_or_insert_default().accept(sn)
    }
}

/// Keys that have opened no frame yet.
pub(crate) struct Unproven {
    pub(crate) slot: Slot,
    pub(crate) salt: EpochSalt,
    pub(crate) keys: Keys,
    /// They have opened a frame, but the epoch cannot move up yet.
    pub(crate) opened: bool,
}

/// A sender who was heard.
pub(crate) struct Sender {
    pub(crate) mark: Mark,
    pub(crate) current: Option<Live>,
    pub(crate) previous: Option<Live>,
    /// Keys of the next PTK Id, where the profile lets them be derived ahead.
    pub(crate) ahead: Option<Unproven>,
    /// When a frame was delivered last.
    pub(crate) used: Duration,
}

/// The senders of a PGK.
pub(crate) type Senders = HashMap<MemberId, Sender, Seeded>;

/// Hashes member ids, which is done for each frame: a multiplication that is folded, with
/// a seed. Only who sends authentic frames comes into the map.
#[derive(Clone)]
pub(crate) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

/// See [`Seeded`].
pub(crate) struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.write_u32((*octet).into()));
    }

    fn write_u32(&mut self, value: u32) {
        // The golden ratio, 64 bits.
        let product = u128::from(self.0 ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Where a frame belongs among what a sender has sent.
pub(crate) enum Place<'s> {
    /// An epoch whose window is held.
    Live(&'s mut Live),
    /// The epoch of the mark, whose window is not held: only what is above the ceiling.
    Above(u32),
    /// An epoch above the mark.
    New,
}

impl Sender {
    /// A sender of whom only the mark is left.
    pub(crate) const fn restarted(mark: Mark) -> Self {
        Self { mark, current: None, previous: None, ahead: None, used: Duration::ZERO }
    }

    /// The high-water rule.
    pub(crate) fn place(
        &mut self,
        ptk_id: PtkId,
        salt: Option<EpochSalt>,
    ) -> Result<Place<'_>, DropReason> {
        if ptk_id > self.mark.ptk_id {
            return Ok(Place::New);
        }
        if ptk_id < self.mark.ptk_id {
            let held = self.previous.as_mut().filter(|live| live.ptk_id == ptk_id);
            let live = held.ok_or(DropReason::OldEpoch)?;
            let is_it = salt.is_none_or(|salt| salt == live.salt);
            return if is_it { Ok(Place::Live(live)) } else { Err(DropReason::OldEpoch) };
        }
        if salt.is_some_and(|salt| salt != self.mark.salt) {
            return Err(DropReason::OtherSalt);
        }
        let above = self.mark.ceiling;
        Ok(self.current.as_mut().map_or(Place::Above(above), Place::Live))
    }

    /// How many epochs' keys it has.
    pub(crate) fn live(&self) -> usize {
        usize::from(self.current.is_some()).saturating_add(self.previous.is_some().into())
    }

    /// Wipes the keys; what is left counts as a restart.
    pub(crate) fn evict(&mut self) {
        self.current = None;
        self.previous = None;
        self.ahead = None;
    }
}

/// Keys that have opened no frame yet, of all groups.
#[derive(Default)]
pub(crate) struct Pool(VecDeque<Unproven>);

impl Pool {
    pub(crate) fn insert(&mut self, unproven: Unproven) {
        if self.0.len() >= POOL {
            self.0.pop_front();
        }
        self.0.push_back(unproven);
    }

    fn position(&self, slot: &Slot, salt: EpochSalt) -> Option<usize> {
        self.0.iter().position(|unproven| unproven.slot == *slot && unproven.salt == salt)
    }

    pub(crate) fn get(&self, slot: &Slot, salt: EpochSalt) -> Option<&Unproven> {
        self.0.get(self.position(slot, salt)?)
    }

    /// Notes that keys have opened a frame.
    pub(crate) fn note(&mut self, slot: &Slot, salt: EpochSalt) {
        let mut all = self.0.iter_mut();
        if let Some(it) = all.find(|unproven| unproven.slot == *slot && unproven.salt == salt) {
            it.opened = true;
        }
    }

    /// The salt of the keys with this PTK Id that have opened a frame.
    pub(crate) fn opened(&self, slot: &Slot) -> Option<EpochSalt> {
        let mut all = self.0.iter();
        let it = all.find(|unproven| unproven.slot == *slot && unproven.opened)?;
        Some(it.salt)
    }

    pub(crate) fn take(&mut self, slot: &Slot, salt: EpochSalt) -> Option<Unproven> {
        self.0.remove(self.position(slot, salt)?)
    }

    /// Wipes what is of no use any more.
    pub(crate) fn retain(&mut self, is_held: impl Fn(&Slot) -> bool) {
        self.0.retain(|unproven| is_held(&unproven.slot));
    }
}
