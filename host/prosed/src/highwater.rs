//! What must not be accepted again after a restart: of each sender the highest
//! authenticated epoch, with a ceiling that is written to the file before any frame
//! up to it is delivered.

use std::time::Duration;

use proseal_proto::id::{EpochSalt, PtkId};

pub mod file;

/// Senders that are remembered of one generation of a group.
pub const SENDERS: usize = 4096;

/// The high-water of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The highest PTK Id of an authentic frame.
    pub ptk_id: PtkId,
    /// The salt of that epoch.
    pub salt: EpochSalt,
    /// Up to here its sequence numbers may have been accepted.
    pub ceiling: u32,
}

/// How far a ceiling is raised at the least, and at the most. What is not used of it is
/// lost at a restart.
const STEP: std::ops::RangeInclusive<u32> = 64..=65_536;
/// A ceiling that lasts less long is raised further the next time.
const TOO_SOON: Duration = Duration::from_secs(10);

/// Which versions of the high-water are in the file.
#[derive(Debug, Default)]
pub struct Ledger {
    now: u64,
    writing: Option<u64>,
    saved: u64,
}

impl Ledger {
    /// Something has changed: the version that has it.
    pub const fn change(&mut self) -> u64 {
        // A version that is being written does not have it.
        if self.now == self.saved || self.is_writing_it() {
            self.now = self.now.saturating_add(1);
        }
        self.now
    }

    const fn is_writing_it(&self) -> bool {
        matches!(self.writing, Some(version) if version == self.now)
    }

    /// The version that should be written now. One is written at a time.
    pub const fn begin(&mut self) -> Option<u64> {
        if self.writing.is_some() || self.now == self.saved {
            return None;
        }
        self.writing = Some(self.now);
        self.writing
    }

    /// The version that was begun is in the file, or it failed and comes again.
    pub const fn end(&mut self, written: bool) {
        if let Some(version) = self.writing.take()
            && written
        {
            self.saved = version;
        }
    }

    const fn has(&self, version: u64) -> bool {
        version <= self.saved
    }
}

/// The ceiling of one epoch.
#[derive(Debug)]
pub struct Ceiling {
    saved: u32,
    raised: Option<(u32, u64)>,
    step: u32,
    raised_at: Duration,
}

impl Ceiling {
    /// A ceiling below which all is refused already.
    #[must_use]
    pub const fn at(saved: u32) -> Self {
        Self { saved, raised: None, step: *STEP.start(), raised_at: Duration::ZERO }
    }

    /// Whether a frame with this number may be delivered.
    pub const fn allows(&mut self, sn: u32, ledger: &Ledger) -> bool {
        if sn <= self.saved {
            return true;
        }
        if let Some((ceiling, version)) = self.raised
            && ledger.has(version)
        {
            self.saved = ceiling;
            self.raised = None;
        }
        sn <= self.saved
    }

    /// Whether the file does not have it yet as it was raised last.
    #[must_use]
    pub const fn is_pending(&self, ledger: &Ledger) -> bool {
        matches!(self.raised, Some((_, version)) if !ledger.has(version))
    }

    /// Whether it should be raised before it is reached.
    #[must_use]
    pub const fn is_near(&self, sn: u32) -> bool {
        self.raised.is_none() && self.saved.saturating_sub(sn) < self.step / 2
    }

    /// Raises it above the number of an authentic frame; the new ceiling, which counts
    /// once the ledger has it.
    pub fn raise(&mut self, sn: u32, now: Duration, ledger: &mut Ledger) -> u32 {
        if let Some((ceiling, _)) = self.raised
            && ceiling >= sn
        {
            return ceiling;
        }
        let quick =
            self.raised_at > Duration::ZERO && now.saturating_sub(self.raised_at) < TOO_SOON;
        if quick {
            self.step = self.step.saturating_mul(2).min(*STEP.end());
        }
        self.raised_at = now;
        let ceiling = self.saved.max(sn).saturating_add(self.step);
        self.raised = Some((ceiling, ledger.change()));
        ceiling
    }

    /// No ceiling any more, once the present version is in the file: a later epoch's
    /// mark is there.
    pub fn lift(&mut self, ledger: &mut Ledger) {
        self.raised = Some((u32::MAX, ledger.change()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the disk does, no number is allowed that the file does not cover.
        #[test]
        fn what_is_allowed_is_in_the_file(steps in proptest::collection::vec((0_u32..400, 0_u8..4, 0_u64..3_000), 1..300)) {
            let mut ledger = Ledger::default();
            let mut ceiling = Ceiling::at(0);
            let (mut sn, mut mark, mut file, mut now) = (0_u32, 0, 0, Duration::ZERO);
            let mut writing = None;
            for (step, disk, ms) in steps {
                now += Duration::from_millis(ms);
                sn = sn.saturating_add(step);
                if ceiling.allows(sn, &ledger) {
                    prop_assert!(sn <= file, "{} is above {}", sn, file);
                }
                if !ceiling.allows(sn, &ledger) || ceiling.is_near(sn) {
                    mark = ceiling.raise(sn, now, &mut ledger);
                    prop_assert!(mark >= sn);
                }
                if writing.is_none() && ledger.begin().is_some() {
                    writing = Some(mark);
                }
                if disk > 1 && let Some(snapshot) = writing.take() {
                    let written = disk == 3;
                    if written {
                        file = snapshot;
                    }
                    ledger.end(written);
                }
            }
            // With a disk that works every number is allowed in the end.
            for _ in 0..2 {
                if let Some(snapshot) = writing.take() {
                    file = snapshot;
                    ledger.end(true);
                }
                writing = ledger.begin().map(|_| mark);
            }
            prop_assert!(sn <= file && ceiling.allows(sn, &ledger));
        }
    }

    #[test]
    fn a_ceiling_that_is_soon_reached_is_raised_further() {
        let mut ledger = Ledger::default();
        let mut ceiling = Ceiling::at(0);
        let mut steps = Vec::new();
        let mut sn = 1;
        for second in 1..=20 {
            let raised = ceiling.raise(sn, Duration::from_secs(second), &mut ledger);
            ledger.begin();
            ledger.end(true);
            assert!(ceiling.allows(raised, &ledger));
            steps.push(raised - sn);
            sn = raised + 1;
        }
        assert_eq!(steps[..4], [64, 128, 256, 512]);
        assert_eq!(steps[19], 65_536);
    }
}
