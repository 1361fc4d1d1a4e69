//! The time, as an argument.

use std::time::Duration;

/// A moment by all clocks that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Since some start, never going back: what lasts is measured by this.
    pub up: Duration,
    /// Seconds since 1970 UTC, the later of the trusted application's floor and the
    /// local clock: schedules of PGKs are looked up by this.
    pub clock: u64,
    /// Seconds since 1970 UTC by the trusted application: its floor, and the time since it told
    /// that. What has ended is judged by this: no local clock ends a key.
    pub floor: u64,
}
