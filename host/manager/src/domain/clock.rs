//! Whether this machine's clock can be believed. What is signed says the time,
//! and a device believes it for ever.

use super::Refusal;

/// No honest clock is before this program: 2026-01-01T00:00:00Z.
pub const EARLIEST: u64 = 1_767_225_600;
/// How far before the newest change the clock may be: two machines, or a clock that was set.
pub const BEHIND_MAX: u64 = 60;
/// How far past the newest change the clock may be without anybody's word.
pub const AHEAD_MAX: u64 = 24 * 3600;

/// Checks `now` against the time of the newest change, seconds since 1970 UTC, and says
/// which time it is: never before that change, unless an operator has looked at the clock
/// (`accepted`).
///
/// Errors: [`Refusal::ClockNotSet`], whoever accepts it; [`Refusal::ClockBehind`],
/// [`Refusal::ClockAhead`].
pub fn check(now: u64, newest: u64, accepted: bool) -> Result<u64, Refusal> {
    if now < EARLIEST {
        Err(Refusal::ClockNotSet { now })
    } else if accepted {
        Ok(now)
    } else if now < newest.saturating_sub(BEHIND_MAX) {
        Err(Refusal::ClockBehind { now, newest })
    } else if now > newest.saturating_add(AHEAD_MAX) {
        Err(Refusal::ClockAhead { now, newest })
    } else {
        Ok(now.max(newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: u64 = 1_800_000_000;

    #[test]
    fn a_clock_that_is_more_than_a_minute_behind_is_refused() {
        assert_eq!(check(NEWEST, NEWEST, false), Ok(NEWEST));
        assert_eq!(check(NEWEST - BEHIND_MAX, NEWEST, false), Ok(NEWEST));
        let now = NEWEST - BEHIND_MAX - 1;
        assert_eq!(check(now, NEWEST, false), Err(Refusal::ClockBehind { now, newest: NEWEST }));
    }

    #[test]
    fn a_clock_that_is_more_than_a_day_ahead_is_refused() {
        let now = NEWEST + AHEAD_MAX;
        assert_eq!(check(now, NEWEST, false), Ok(now));
        let now = now + 1;
        assert_eq!(check(now, NEWEST, false), Err(Refusal::ClockAhead { now, newest: NEWEST }));
    }

    #[test]
    fn an_operator_may_accept_either_but_no_clock_that_was_never_set() {
        for now in [NEWEST - 1, NEWEST + AHEAD_MAX + 1] {
            assert_eq!(check(now, NEWEST, true), Ok(now));
        }
        let now = EARLIEST - 1;
        assert_eq!(check(now, NEWEST, true), Err(Refusal::ClockNotSet { now }));
    }
}
