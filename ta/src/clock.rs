//! Powered time since the state was last right: what the floor in memory is
//! behind by. No clock of the normal world has a part in it.

/// Counts seconds by the TEE's own time, whose origin differs from start to
/// start and means nothing.
pub struct Clock {
    /// Where counting began; `None` before the first look.
    base_ms: Option<u64>,
    elapsed_s: u64,
}

impl Clock {
    /// Not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self { base_ms: None, elapsed_s: 0 }
    }

    /// Looks at the time, `now_ms`; the first look begins to count.
    pub fn look(&mut self, now_ms: u64) {
        let base = *self.base_ms.get_or_insert(now_ms);
        // It never falls in the life of a TA; if it did, no time would have passed.
        let elapsed = now_ms.saturating_sub(base) / 1000;
        self.elapsed_s = self.elapsed_s.max(elapsed);
    }

    /// Seconds since it began, or was counted last.
    #[must_use]
    pub const fn elapsed_s(&self) -> u64 {
        self.elapsed_s
    }

    /// The seconds so far are in the state now. What is left of one counts on.
    pub fn counted(&mut self) {
        if let Some(base) = &mut self.base_ms {
            *base = base.saturating_add(self.elapsed_s.saturating_mul(1000));
        }
        self.elapsed_s = 0;
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_second_is_lost_and_none_counted_twice() {
        let mut clock = Clock::new();
        let mut counted = 0;
        for now_ms in (5_000..65_000).step_by(700) {
            clock.look(now_ms);
            counted += clock.elapsed_s();
            clock.counted();
        }
        assert_eq!(counted, 59);
    }

    #[test]
    fn time_that_falls_is_no_time() {
        let mut clock = Clock::new();
        clock.look(10_000);
        clock.look(13_999);
        assert_eq!(clock.elapsed_s(), 3);
        clock.look(1_000);
        assert_eq!(clock.elapsed_s(), 3);
        clock.counted();
        clock.look(2_000);
        assert_eq!(clock.elapsed_s(), 0);
    }
}
