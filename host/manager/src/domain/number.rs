//! Numbers that only grow: sequences, generations, signer versions.

/// The next number after `last` at `now` (seconds since 1970 UTC): the greater of
/// both, so that a database that was put back from a backup uses none again, unless the
/// lost time had run ahead of the present clock.
#[must_use]
pub fn next(last: u64, now: u64) -> u64 {
    last.saturating_add(1).max(now)
}

/// The sequence of a device's next package. `stated` is the one of its newest
/// statement: what it has applied it takes no second time.
#[must_use]
pub fn sequence(last: u64, stated: u64, now: u64) -> u64 {
    next(last.max(stated), now)
}

/// How many numbers past one that a radio shows a lost time may have used.
const MARGIN: u64 = 24 * 3600;
/// No honest number is further past the clock: ten years.
const FURTHEST: u64 = 3660 * 24 * 3600;

/// The least that the last number used is to be believed after a radio has shown the
/// sequence `stated` that this database never gave: a margin past that.
#[must_use]
pub fn past(stated: u64, now: u64) -> u64 {
    stated.saturating_add(MARGIN).min(now.saturating_add(FURTHEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_above_the_last_one_and_not_behind_the_clock() {
        assert_eq!(next(0, 1_800_000_000), 1_800_000_000);
        assert_eq!(next(1_800_000_000, 1_800_000_000), 1_800_000_001);
        assert_eq!(next(2_000_000_000, 1_800_000_000), 2_000_000_001);
    }

    #[test]
    fn a_number_that_a_lost_time_may_have_used_is_passed_but_no_radio_uses_them_up() {
        let now = 1_800_000_000;
        assert_eq!(past(now + 100, now), now + 100 + MARGIN);
        assert_eq!(past(u64::MAX, now), now + FURTHEST);
    }

    #[test]
    fn a_sequence_is_also_above_the_statements() {
        assert_eq!(sequence(5, 1_900_000_000, 1_800_000_000), 1_900_000_001);
        assert_eq!(sequence(1_900_000_000, 5, 1_800_000_000), 1_900_000_001);
    }
}
