//! What the link does to a frame on its way to one radio. A seed and the order of the frames
//! decide it wholly; the time is an argument.

use std::time::Duration;

/// How bad the link is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of frames that are lost, 0 to 1.
    pub loss: f64,
    /// Share of frames that arrive twice.
    pub duplication: f64,
    /// Share of frames that wait [`Faults::held`] longer, so that later ones pass them.
    pub reordering: f64,
    /// How long each frame is on its way.
    pub delay: Duration,
    /// Up to so much longer, evenly spread.
    pub jitter: Duration,
    /// How much longer a reordered one waits.
    pub held: Duration,
}

/// What becomes of one frame: when its copies arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Never.
    Lost,
    /// Once, after this time.
    Once(Duration),
    /// Twice, after these times.
    Twice(Duration, Duration),
}

/// The faults on the way to one radio.
#[derive(Debug)]
pub struct Way {
    chance: fastrand::Rng,
}

impl Way {
    /// Of a link with this seed, to radio number `port`.
    #[must_use]
    pub fn new(seed: u64, port: u64) -> Self {
        // Neighbouring seeds give unrelated generators: fastrand mixes what it is given.
        Self { chance: fastrand::Rng::with_seed(seed.rotate_left(32) ^ port) }
    }

    /// The next frame's fate. Each frame takes as many random numbers, whatever the faults are:
    /// so a worse link loses what a better one lost, and more.
    pub fn fate(&mut self, faults: &Faults) -> Fate {
        let (lost, twice) = (self.chance.f64(), self.chance.f64());
        let (first, second) = (self.arrival(faults), self.arrival(faults));
        if lost < faults.loss {
            Fate::Lost
        } else if twice < faults.duplication {
            Fate::Twice(first, second)
        } else {
            Fate::Once(first)
        }
    }

    fn arrival(&mut self, faults: &Faults) -> Duration {
        let (held, jitter) = (self.chance.f64(), self.chance.f64());
        let held = if held < faults.reordering { faults.held } else { Duration::ZERO };
        faults.delay.saturating_add(faults.jitter.mul_f64(jitter)).saturating_add(held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MANY: usize = 20_000;

    fn fates(seed: u64, faults: &Faults) -> Vec<Fate> {
        let mut way = Way::new(seed, 1);
        (0..MANY).map(|_| way.fate(faults)).collect()
    }

    fn share(fates: &[Fate], is_it: impl Fn(&Fate) -> bool) -> f64 {
        fates.iter().filter(|fate| is_it(fate)).count() as f64 / MANY as f64
    }

    #[test]
    fn a_clean_link_carries_each_frame_once_and_at_once() {
        let clean = Faults::default();
        assert!(fates(7, &clean).iter().all(|fate| *fate == Fate::Once(Duration::ZERO)));
    }

    #[test]
    fn shares_are_as_told() {
        let faults = Faults {
            loss: 0.05,
            duplication: 0.1,
            reordering: 0.2,
            held: Duration::from_millis(30),
            ..Faults::default()
        };
        let fates = fates(11, &faults);
        let lost = share(&fates, |fate| *fate == Fate::Lost);
        let twice = share(&fates, |fate| matches!(fate, Fate::Twice(..)));
        let held = share(&fates, |fate| *fate == Fate::Once(faults.held));
        assert!((0.045..0.055).contains(&lost), "{lost}");
        assert!((0.085..0.105).contains(&twice), "{twice}");
        assert!((0.15..0.19).contains(&held), "{held}");
    }

    #[test]
    fn another_port_or_seed_has_other_faults() {
        let faults = Faults { loss: 0.5, ..Faults::default() };
        let of = |seed, port| {
            let mut way = Way::new(seed, port);
            (0..64).map(|_| way.fate(&faults)).collect::<Vec<_>>()
        };
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
    }

    proptest! {
        #[test]
        fn a_worse_link_loses_what_a_better_one_lost(seed: u64, loss in 0.0..1.0) {
            let (better, worse) = (Faults { loss: loss / 2.0, ..Faults::default() },
                                   Faults { loss, ..Faults::default() });
            for (better, worse) in fates(seed, &better).iter().zip(fates(seed, &worse)) {
                prop_assert!(*better != Fate::Lost || worse == Fate::Lost);
            }
        }

        #[test]
        fn no_frame_is_later_than_all_its_delays(seed: u64, delay in 0_u64..100, jitter in 0_u64..100) {
            let (delay, jitter) = (Duration::from_millis(delay), Duration::from_millis(jitter));
            let held = Duration::from_millis(50);
            let faults = Faults { delay, jitter, held, reordering: 0.5, duplication: 0.5, loss: 0.0 };
            for fate in fates(seed, &faults) {
                let (first, second) = match fate {
                    Fate::Lost => (delay, delay),
                    Fate::Once(at) => (at, at),
                    Fate::Twice(first, second) => (first, second),
                };
                for at in [first, second] {
                    prop_assert!(at >= delay && at <= delay + jitter + held);
                }
            }
        }
    }
}
