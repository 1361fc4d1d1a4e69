//! The replay window of one epoch, in the manner of RFC 6479: a ring of blocks, so
//! that nothing is shifted.

use crate::drops::DropReason;

/// Bits of a block.
const BITS: u32 = u64::BITS;
/// Blocks of the ring, a power of two. One is always in the making.
const BLOCKS: u32 = 32;
/// How many sequence numbers below the highest can still be accepted.
pub const WINDOW: u32 = (BLOCKS - 1) * BITS;

const _: () = assert!(WINDOW >= 1024 && BLOCKS.is_power_of_two());

/// Which sequence numbers of an epoch were accepted. They start at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    highest: u32,
    blocks: [u64; BLOCKS as usize],
}

impl Default for Window {
    fn default() -> Self {
        Self { highest: 0, blocks: [0; BLOCKS as usize] }
    }
}

impl Window {
    /// The window of an epoch of which all numbers up to `sn` may have been accepted.
    #[must_use]
    pub fn above(sn: u32) -> Self {
        let mut window = Self { highest: sn, blocks: [u64::MAX; _] };
        if let Some(last) = window.blocks.get_mut(block(sn)) {
            *last = bit(sn) | bit(sn).wrapping_sub(1);
        }
        window
    }

    /// The highest number that was accepted; 0 if none was.
    #[must_use]
    pub const fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether `sn` may still be accepted; nothing is changed.
    pub fn check(&self, sn: u32) -> Result<(), DropReason> {
        if sn > self.highest {
            return Ok(());
        }
        if sn == 0 || self.highest.wrapping_sub(sn) >= WINDOW {
            return Err(DropReason::TooOld);
        }
        let accepted = self.blocks.get(block(sn)).is_none_or(|block| block & bit(sn) != 0);
        if accepted { Err(DropReason::Replayed) } else { Ok(()) }
    }

    /// Marks `sn` as accepted, after its frame was found authentic. The check is made
    /// again: two frames with one number are never both accepted.
    pub fn accept(&mut self, sn: u32) -> Result<(), DropReason> {
        self.check(sn)?;
        if sn > self.highest {
            let (before, now) = (self.highest / BITS, sn / BITS);
            // The blocks from the last one on are those of numbers that are not in use yet.
            for step in 0..now.wrapping_sub(before).min(BLOCKS) {
                if let Some(entered) = self.blocks.get_mut(ring(now.wrapping_sub(step))) {
                    *entered = 0;
                }
            }
            self.highest = sn;
        }
        if let Some(block) = self.blocks.get_mut(block(sn)) {
            *block |= bit(sn);
        }
        Ok(())
    }
}

const fn ring(block: u32) -> usize {
    (block & (BLOCKS - 1)) as usize
}

const fn block(sn: u32) -> usize {
    ring(sn / BITS)
}

const fn bit(sn: u32) -> u64 {
    1 << (sn % BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The same by a set, which forgets nothing.
    struct Model {
        highest: u32,
        accepted: BTreeSet<u32>,
    }

    impl Model {
        fn accept(&mut self, sn: u32) -> Result<(), DropReason> {
            if sn == 0 || u64::from(sn) + u64::from(WINDOW) <= u64::from(self.highest) {
                return Err(DropReason::TooOld);
            }
            if !self.accepted.insert(sn) {
                return Err(DropReason::Replayed);
            }
            self.highest = self.highest.max(sn);
            Ok(())
        }
    }

    /// Steps that stay near, leave the window, cross all blocks, or go to the end.
    fn numbers() -> impl Strategy<Value = Vec<u32>> {
        let step = prop_oneof![
            8 => -80_i64..80,
            2 => -2_100_i64..2_100,
            1 => -6_000_i64..6_000,
            1 => -(1_i64 << 32)..1 << 32,
        ];
        (0_u32.., proptest::collection::vec(step, 1..300)).prop_map(|(start, steps)| {
            let mut at = i64::from(start);
            let next = |step: i64| {
                at = (at + step).clamp(0, i64::from(u32::MAX));
                at as u32
            };
            steps.into_iter().map(next).collect()
        })
    }

    proptest! {
        #[test]
        fn a_window_is_a_set_that_forgets_what_is_old(numbers in numbers()) {
            let mut window = Window::default();
            let mut model = Model { highest: 0, accepted: BTreeSet::new() };
            for sn in numbers {
                let looked = window.check(sn);
                prop_assert_eq!(looked, window.accept(sn));
                prop_assert_eq!(looked, model.accept(sn), "{}", sn);
                prop_assert_eq!(window.highest(), model.highest);
            }
        }

        #[test]
        fn above_a_number_nothing_up_to_it_is_accepted(start in 0_u32.., numbers in numbers()) {
            let mut window = Window::above(start);
            let mut model = Model { highest: start, accepted: BTreeSet::new() };
            for sn in numbers {
                let expected = match model.accept(sn) {
                    Ok(()) if sn <= start => Err(DropReason::Replayed),
                    other => other,
                };
                prop_assert_eq!(window.accept(sn), expected, "{}", sn);
            }
        }
    }

    #[test]
    fn both_ends_of_the_numbers_and_of_the_window() {
        use DropReason::{Replayed, TooOld};
        let mut window = Window::default();
        // After the manner of Linux's selftest of the WireGuard window.
        for (sn, expected) in [
            (0, Err(TooOld)),
            (1, Ok(())),
            (1, Err(Replayed)),
            (9, Ok(())),
            (8, Ok(())),
            (7, Ok(())),
            (7, Err(Replayed)),
            (WINDOW, Ok(())),
            (WINDOW - 1, Ok(())),
            (WINDOW - 1, Err(Replayed)),
            (2, Ok(())),
            (WINDOW + 1, Ok(())),
            (1, Err(TooOld)),
            (2, Err(Replayed)),
            (3, Ok(())),
            (WINDOW + 16, Ok(())),
            (3, Err(TooOld)),
            (17, Ok(())),
            (16, Err(TooOld)),
            (u32::MAX - WINDOW, Ok(())),
            (u32::MAX, Ok(())),
            (u32::MAX, Err(Replayed)),
            (u32::MAX - WINDOW, Err(TooOld)),
            (u32::MAX - WINDOW + 1, Ok(())),
            (u32::MAX - WINDOW + 1, Err(Replayed)),
            (1, Err(TooOld)),
            (0, Err(TooOld)),
        ] {
            assert_eq!(window.accept(sn), expected, "{sn}");
        }
    }
}
