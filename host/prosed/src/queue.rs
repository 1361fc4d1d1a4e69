//! Frames that wait: for keys, or until the high-water that lets them pass is in the
//! file. Bounded, so that an epoch cannot take another's room.

use std::collections::VecDeque;

use proseal_proto::id::EpochSalt;

use crate::keys::Slot;

/// Frames of one announced epoch that wait.
const FRAMES: usize = 64;
/// Their octets.
const OCTETS: usize = 128 * 1024;
/// All frames that wait.
const ALL: usize = 4096;

/// A frame that waits, as it came.
pub(crate) struct Waiting {
    pub(crate) slot: Slot,
    /// The salt that it announces.
    pub(crate) salt: Option<EpochSalt>,
    pub(crate) octets: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Queue(VecDeque<Waiting>);

impl Queue {
    /// Takes a frame; `false` if its epoch, or all, have no room left.
    pub(crate) fn push(&mut self, slot: Slot, salt: Option<EpochSalt>, octets: &[u8]) -> bool {
        let its = self.0.iter().filter(|waiting| waiting.slot == slot && waiting.salt == salt);
        let (frames, sum) = its.fold((0_usize, octets.len()), |(frames, sum), waiting| {
            (frames.saturating_add(1), sum.saturating_add(waiting.octets.len()))
        });
        let room = self.0.len() < ALL && frames < FRAMES && sum <= OCTETS;
        if room {
            self.0.push_back(Waiting { slot, salt, octets: octets.to_vec() });
        }
        room
    }

    /// Takes out what `which` says, in the order in which it came.
    pub(crate) fn take(&mut self, which: impl Fn(&Waiting) -> bool) -> VecDeque<Waiting> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(which);
        self.0 = left;
        taken
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
