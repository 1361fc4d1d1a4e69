//! How long a sending epoch lasts, and which sequence numbers it gives: each once.

use std::time::Duration;

use crate::time::Time;

/// The last frame of those with which an epoch begins, all of them announced.
const ALL_ANNOUNCED: u32 = 8;
/// Two more are announced whatever the time.
const ALSO_ANNOUNCED: [u32; 2] = [16, 32];
/// After that long the next frame announces the epoch again.
const ANNOUNCED_EVERY: Duration = Duration::from_secs(1);

/// What ends an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may be used.
    pub lasts: Duration,
    /// How many packets it may protect. Sequence numbers end before they wrap.
    pub packets: u32,
    /// Seconds since 1970 UTC, by the trusted application, from which its PGK is not sent with any more.
    pub ends: u64,
}

/// Why an epoch gives no more sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It was used as long as it may be.
    Time,
    /// It has protected as many packets as it may.
    Packets,
    /// Its PGK has ended.
    Ended,
}

/// A sequence number, and whether its frame announces the epoch.
#[derive(Debug, PartialEq, Eq)]
pub struct Next {
    /// The sequence number, 1 or more.
    pub sn: u32,
    /// Whether the frame carries the epoch extension.
    pub announce: bool,
}

/// The sequence numbers of one epoch. It is not `Clone`: no number comes twice.
#[derive(Debug)]
pub struct Counter {
    limits: Limits,
    started: Duration,
    last: u32,
    announced: Duration,
}

impl Counter {
    /// The numbers of an epoch that is used from now on.
    #[must_use]
    pub const fn new(limits: Limits, now: Time) -> Self {
        Self { limits, started: now.up, last: 0, announced: now.up }
    }

    /// The last number that was given; 0 if none was.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// Why it gives no more, if so.
    #[must_use]
    pub fn spent(&self, now: Time) -> Option<Spent> {
        if now.floor >= self.limits.ends {
            Some(Spent::Ended)
        } else if self.last >= self.limits.packets {
            Some(Spent::Packets)
        } else if now.up.saturating_sub(self.started) >= self.limits.lasts {
            Some(Spent::Time)
        } else {
            None
        }
    }

    /// The next number.
    pub fn next(&mut self, now: Time) -> Result<Next, Spent> {
        if let Some(spent) = self.spent(now) {
            return Err(spent);
        }
        let sn = self.last.checked_add(1).ok_or(Spent::Packets)?;
        self.last = sn;
        let announce = sn <= ALL_ANNOUNCED
            || ALSO_ANNOUNCED.contains(&sn)
            || now.up.saturating_sub(self.announced) >= ANNOUNCED_EVERY;
        if announce {
            self.announced = now.up;
        }
        Ok(Next { sn, announce })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The local clock is far ahead, which ends nothing.
    fn at(ms: u64, floor: u64) -> Time {
        Time { up: Duration::from_millis(ms), clock: u64::MAX, floor }
    }

    proptest! {
        #[test]
        fn numbers_grow_by_one_within_all_limits(
            lasts in 1_u64..20_000,
            packets in 1_u32..300,
            ends in 0_u64..40,
            steps in proptest::collection::vec(0_u64..200, 1..400),
        ) {
            let limits = Limits { lasts: Duration::from_millis(lasts), packets, ends };
            let mut counter = Counter::new(limits, at(0, 0));
            let (mut ms, mut given, mut announced) = (0, 0, 0);
            for step in steps {
                ms += step;
                let now = at(ms, ms / 1_000);
                match counter.next(now) {
                    Ok(next) => {
                        given += 1;
                        prop_assert_eq!(next.sn, given);
                        prop_assert!(ms < lasts && given <= packets && ms / 1_000 < ends);
                        let must = given <= 8 || given == 16 || given == 32 || ms - announced >= 1_000;
                        prop_assert_eq!(next.announce, must);
                        if next.announce {
                            announced = ms;
                        }
                    }
                    Err(spent) => {
                        prop_assert_eq!(counter.spent(now), Some(spent));
                        let reached = match spent {
                            Spent::Time => ms >= lasts,
                            Spent::Packets => given == packets,
                            Spent::Ended => ms / 1_000 >= ends,
                        };
                        prop_assert!(reached);
                    }
                }
            }
        }
    }

    #[test]
    fn the_last_number_is_given_once() {
        let limits = Limits { lasts: Duration::MAX, packets: u32::MAX, ends: u64::MAX };
        let mut counter = Counter::new(limits, at(0, 0));
        counter.last = u32::MAX - 2;
        assert_eq!(counter.next(at(0, 0)).map(|next| next.sn), Ok(u32::MAX - 1));
        assert_eq!(counter.next(at(0, 0)).map(|next| next.sn), Ok(u32::MAX));
        assert_eq!(counter.next(at(0, 0)), Err(Spent::Packets));
        assert_eq!(counter.next(at(0, 0)), Err(Spent::Packets));
    }
}
