//! The TEE is asked for the keys of other senders' epochs, up to 64 in one call, and
//! no more calls than a bucket lets pass.

use std::time::Duration;

use proseal_proto::id::{EpochSalt, PtkId};
use proseal_proto::limit::BATCH;
use proseal_proto::message::{Receive, ReceiveItem};

use crate::bucket::Bucket;
use crate::keys::Slot;

/// Calls a second, and in a burst.
pub const PER_SECOND: u32 = 20;
/// See [`PER_SECOND`].
pub const BURST: u32 = 100;
/// Epochs of one call that frames can ask for: what is asked ahead for live senders has
/// room beside them.
const OF_FRAMES: usize = BATCH - BATCH / 4;
/// Epochs of one call that may be of senders who were never heard: a flood under
/// random ids leaves room for the others.
const UNHEARD: usize = BATCH / 2;
/// Epochs of one call that may be of one sender.
const OF_ONE: usize = BATCH / 2;

/// Why an epoch is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A frame of a sender who was heard before.
    Heard,
    /// A frame of a sender who was not.
    Unheard,
    /// Nothing yet: the next PTK Id of a live sender, of a profile without salts.
    Ahead,
}

#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) slot: Slot,
    pub(crate) salt: EpochSalt,
    pub(crate) why: Why,
}

/// The epochs that are asked for: those of the next call, and of the one under way.
pub(crate) struct Calls {
    bucket: Bucket,
    next: Vec<Ask>,
    under_way: Vec<Ask>,
    made: u64,
}

impl Default for Calls {
    fn default() -> Self {
        let (next, under_way) = (Vec::new(), Vec::new());
        Self { bucket: Bucket::new(PER_SECOND, BURST), next, under_way, made: 0 }
    }
}

impl Calls {
    fn all(&self) -> impl Iterator<Item = &Ask> {
        self.under_way.iter().chain(&self.next)
    }

    /// Whether this epoch is asked for.
    pub(crate) fn has(&self, slot: &Slot, salt: EpochSalt) -> bool {
        self.all().any(|ask| ask.slot == *slot && ask.salt == salt)
    }

    /// Whether an epoch with this PTK Id is asked for, whatever its salt.
    pub(crate) fn has_any(&self, slot: &Slot) -> bool {
        self.all().any(|ask| ask.slot == *slot)
    }

    /// Asks for an epoch in the next call; `false` if that has no room for it.
    pub(crate) fn add(&mut self, slot: Slot, salt: EpochSalt, why: Why) -> bool {
        let count = |which: &dyn Fn(&&Ask) -> bool| self.next.iter().filter(which).count();
        let full = match why {
            Why::Ahead => self.next.len() >= BATCH,
            Why::Heard | Why::Unheard => {
                count(&|ask| ask.why != Why::Ahead) >= OF_FRAMES
                    || count(&|ask| ask.slot.sender == slot.sender) >= OF_ONE
                    || why == Why::Unheard && count(&|ask| ask.why == why) >= UNHEARD
            }
        } || self.next.len() >= BATCH;
        if !full {
            self.next.push(Ask { slot, salt, why });
        }
        !full
    }

    /// The call that should be made now, if the last one was answered.
    pub(crate) fn begin(&mut self, now: Duration) -> Option<Receive> {
        if !self.under_way.is_empty() || self.next.is_empty() || !self.bucket.take(now) {
            return None;
        }
        self.made = self.made.saturating_add(1);
        self.under_way = std::mem::take(&mut self.next);
        let items = self.under_way.iter().map(|Ask { slot, salt, .. }| ReceiveItem {
            group: slot.group,
            generation: slot.generation,
            sender: slot.sender,
            ptk_id: slot.ptk_id,
            salt: *salt,
        });
        Some(Receive { items: items.collect() })
    }

    /// The epochs of the call under way, which is answered.
    pub(crate) fn end(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.under_way)
    }

    /// When a call can be made, if one should.
    pub(crate) fn due(&self) -> Option<Duration> {
        let wanted = self.under_way.is_empty() && !self.next.is_empty();
        wanted.then(|| self.bucket.next())
    }

    /// How many calls were made.
    pub(crate) const fn made(&self) -> u64 {
        self.made
    }
}

/// The PTK Id after this one.
pub(crate) fn successor(ptk_id: PtkId) -> Option<PtkId> {
    PtkId::new(ptk_id.get().checked_add(1)?).ok()
}
