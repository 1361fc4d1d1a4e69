//! A link with seeded loss, delay, reordering and duplication. It keeps what was sent.

/// Marsaglia's xorshift64: the same for one seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn octets(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// How bad a link is, in percent of frames, and in milliseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Quality {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) delay: u64,
}

pub(crate) const CLEAN: Quality = Quality { loss: 0, duplication: 0, delay: 0 };
pub(crate) const BAD: Quality = Quality { loss: 5, duplication: 5, delay: 80 };

pub(crate) struct Link {
    pub(crate) quality: Quality,
    pub(crate) chance: Chance,
    /// (when it arrives, at which radio, the frame), in no order.
    flying: Vec<(u64, usize, Vec<u8>)>,
    /// All that was sent, in order.
    pub(crate) capture: Vec<Vec<u8>>,
}

impl Link {
    pub(crate) fn new(quality: Quality, seed: u64) -> Self {
        Self { quality, chance: Chance::new(seed), flying: Vec::new(), capture: Vec::new() }
    }

    /// Sends a frame to all `radios` but the one that it is from.
    pub(crate) fn send(&mut self, ms: u64, from: usize, radios: usize, frame: &[u8]) {
        self.capture.push(frame.to_vec());
        for to in (0..radios).filter(|&to| to != from) {
            let copies = 1 + u64::from(self.chance.percent(self.quality.duplication));
            for _ in 0..copies {
                if !self.chance.percent(self.quality.loss) {
                    let delay = 1 + self.chance.below(self.quality.delay + 1);
                    self.flying.push((ms + delay, to, frame.to_vec()));
                }
            }
        }
    }

    /// What arrives by `ms`, in the order of arrival.
    pub(crate) fn arrived(&mut self, ms: u64) -> Vec<(usize, Vec<u8>)> {
        let mut arrived = Vec::new();
        self.flying.retain_mut(|(at, to, frame)| {
            let here = *at <= ms;
            if here {
                arrived.push((*at, *to, std::mem::take(frame)));
            }
            !here
        });
        arrived.sort_by_key(|(at, ..)| *at);
        arrived.into_iter().map(|(_, to, frame)| (to, frame)).collect()
    }
}
