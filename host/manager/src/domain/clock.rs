//! Whether this machine's clock can be believed. What is signed says the time,
//! and a device believes it for ever.

use super::Refusal;

/// No honest clock is before this program: 2026-01-01T00:00:00Z.
pub const EARLIEST: u64 = 1_767_225_600;
/// How far past the newest change the clock may be without anybody's word.
pub const AHEAD_MAX: u64 = 24 * 3600;

/// Checks `now` against the time of the newest change, seconds since 1970 UTC.
/// `accepted`: an operator has looked at the clock.
///
/// Errors: [`Refusal::ClockNotSet`], whoever accepts it; [`Refusal::ClockBehind`],
/// [`Refusal::ClockAhead`].
pub fn check(now: u64, newest: u64, accepted: bool) -> Result<(), Refusal> {
    if now < EARLIEST {
        Err(Refusal::ClockNotSet { now })
    } else if accepted {
        Ok(())
    } else if now < newest {
        Err(Refusal::ClockBehind { now, newest })
    } else if now > newest.saturating_add(AHEAD_MAX) {
        Err(Refusal::ClockAhead { now, newest })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: u64 = 1_800_000_000;

    #[test]
    fn a_clock_that_is_behind_the_newest_change_is_refused() {
        assert_eq!(check(NEWEST, NEWEST, false), Ok(()));
        let now = NEWEST - 1;
        assert_eq!(check(now, NEWEST, false), Err(Refusal::ClockBehind { now, newest: NEWEST }));
    }

    #[test]
    fn a_clock_that_is_more_than_a_day_ahead_is_refused() {
        let now = NEWEST + AHEAD_MAX;
        assert_eq!(check(now, NEWEST, false), Ok(()));
        let now = now + 1;
        assert_eq!(check(now, NEWEST, false), Err(Refusal::ClockAhead { now, newest: NEWEST }));
    }

    #[test]
    fn an_operator_may_accept_either_but_no_clock_that_was_never_set() {
        for now in [NEWEST - 1, NEWEST + AHEAD_MAX + 1] {
            assert_eq!(check(now, NEWEST, true), Ok(()));
        }
        let now = EARLIEST - 1;
        assert_eq!(check(now, NEWEST, true), Err(Refusal::ClockNotSet { now }));
    }
}
