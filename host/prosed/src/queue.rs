//! Frames that wait: for keys, or until the high-water that lets them pass is in the
//! file. Bounded, so that an epoch cannot take another's room.

use std::collections::VecDeque;

use proseal_proto::id::EpochSalt;

use crate::keys::Slot;

/// How much may wait of one announced epoch.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    frames: usize,
    octets: usize,
}

/// Of an epoch of which no frame was found authentic yet.
pub(crate) const UNPROVEN: Share = Share { frames: 64, octets: 128 * 1024 };
/// Of frames that are authentic, and wait for the high-water file: a disk takes its time.
pub(crate) const AUTHENTIC: Share = Share { frames: 2048, octets: 4 << 20 };
/// All frames that wait, and their octets.
const ALL: Share = Share { frames: 8192, octets: 32 << 20 };

/// A frame that waits, as it came.
pub(crate) struct Waiting {
    pub(crate) slot: Slot,
    /// The salt that it announces.
    pub(crate) salt: Option<EpochSalt>,
    pub(crate) octets: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Queue {
    frames: VecDeque<Waiting>,
    octets: usize,
}

impl Queue {
    /// Takes a frame; `false` if its epoch's share, or all, have no room left.
    pub(crate) fn push(
        &mut self,
        slot: Slot,
        salt: Option<EpochSalt>,
        share: Share,
        octets: &[u8],
    ) -> bool {
        let its = self.frames.iter().filter(|waiting| waiting.slot == slot && waiting.salt == salt);
        let (frames, sum) = its.fold((0_usize, octets.len()), |(frames, sum), waiting| {
            (frames.saturating_add(1), sum.saturating_add(waiting.octets.len()))
        });
        let all = self.octets.saturating_add(octets.len());
        let room = self.frames.len() < ALL.frames
            && all <= ALL.octets
            && frames < share.frames
            && sum <= share.octets;
        if room {
            self.octets = all;
            self.frames.push_back(Waiting { slot, salt, octets: octets.to_vec() });
        }
        room
    }

    /// Takes out what `which` says, in the order in which it came.
    pub(crate) fn take(&mut self, which: impl Fn(&Waiting) -> bool) -> VecDeque<Waiting> {
        let (taken, left) = std::mem::take(&mut self.frames).into_iter().partition(which);
        self.frames = left;
        self.octets = self.frames.iter().map(|waiting| waiting.octets.len()).sum();
        taken
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }
}
