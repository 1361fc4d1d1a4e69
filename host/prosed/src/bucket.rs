//! A token bucket. The clock is an argument: time since any start that does not
//! change.

use std::time::Duration;

/// Lets pass a burst, and then so many a second.
#[derive(Clone, Debug)]
pub struct Bucket {
    burst: u32,
    interval: Duration,
    /// When the bucket is full again. What is further away than a burst is spent.
    full_at: Duration,
}

impl Bucket {
    /// A full bucket of `burst` tokens that is filled by `per_second`, 1 or more.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::MAX);
        Self { burst, interval, full_at: Duration::ZERO }
    }

    /// Takes a token, if there is one. A clock that went back gives none.
    pub fn take(&mut self, now: Duration) -> bool {
        let full_at = self.full_at.max(now).saturating_add(self.interval);
        let there = full_at <= now.saturating_add(self.interval.saturating_mul(self.burst));
        if there {
            self.full_at = full_at;
        }
        there
    }

    /// When the next token is there.
    #[must_use]
    pub fn next(&self) -> Duration {
        let spent = self.full_at.saturating_add(self.interval);
        spent.saturating_sub(self.interval.saturating_mul(self.burst))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_no_stretch_of_time_more_pass_than_burst_and_rate_say(
            per_second in 1_u32..200,
            burst in 1_u32..200,
            steps in proptest::collection::vec(0_u64..200, 1..500),
        ) {
            let mut bucket = Bucket::new(per_second, burst);
            let (mut now, mut passed) = (Duration::ZERO, Vec::new());
            for step in steps {
                now += Duration::from_millis(step);
                let promised = bucket.next() <= now;
                let took = bucket.take(now);
                prop_assert_eq!(took, promised);
                if took {
                    passed.push(now);
                }
            }
            for (first, &from) in passed.iter().enumerate() {
                for (last, &to) in passed.iter().enumerate().skip(first) {
                    let most = f64::from(burst) + (to - from).as_secs_f64() * f64::from(per_second);
                    prop_assert!((last - first + 1) as f64 <= most + 1e-3);
                }
            }
        }

        #[test]
        fn after_a_pause_the_whole_burst_is_there(per_second in 1_u32..200, burst in 1_u32..200) {
            let mut bucket = Bucket::new(per_second, burst);
            let mut drain = |now| (0..1_000).filter(|_| bucket.take(now)).count() as u32;
            prop_assert_eq!(drain(Duration::ZERO), burst);
            prop_assert_eq!(drain(Duration::from_secs(1_000)), burst);
            // The clock went back.
            prop_assert_eq!(drain(Duration::ZERO), 0);
        }
    }
}
