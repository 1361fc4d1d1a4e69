//! Numbers that only grow: sequences, generations, signer versions.

/// The next number after `last` at `now` (seconds since 1970 UTC): the greater of
/// both, so that a database that was put back from a backup uses none again.
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
    fn a_sequence_is_also_above_the_statements() {
        assert_eq!(sequence(5, 1_900_000_000, 1_800_000_000), 1_900_000_001);
        assert_eq!(sequence(1_900_000_000, 5, 1_800_000_000), 1_900_000_001);
    }
}
