//! The time, as an argument.

use std::time::Duration;

/// A moment by both clocks that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Since some start, never going back: what lasts is measured by this.
    pub up: Duration,
    /// Seconds since 1970 UTC, the later of the trusted application's floor and the
    /// local clock: schedules of PGKs are looked up by this.
    pub clock: u64,
}
