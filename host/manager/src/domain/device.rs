//! A device's standing, and whether anything may be sealed for it.

use proseal_issuer::{Statement, held_digest};
use proseal_proto::id::{DeviceId, Generation, GroupId};
use proseal_proto::message::DeviceState;

use super::Refusal;
use super::clock::AHEAD_MAX;

/// What the operator has decided about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its statement is here; nobody has compared its fingerprint yet.
    Pending,
    /// An operator has compared its fingerprint.
    Approved,
    /// Gone for good: this identity gets nothing any more.
    Lost,
}

impl Standing {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Lost];

    /// As the database and users have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Lost => "lost",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

/// A device as it was known before a statement of it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The highest sequence that any of its statements has said.
    pub sequence: u64,
    /// A statement had an older sequence, and nobody has accepted that.
    pub rolled_back: bool,
}

/// What a statement changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The highest sequence seen from here on.
    pub sequence: u64,
    /// The alarm from here on.
    pub rolled_back: bool,
    /// It has applied a package that this database did not make: the database was put
    /// back from a backup, or another one signs too.
    pub unknown_sequence: bool,
    /// Its storage was put back, and that is accepted: it is as a radio that returns, which
    /// may have no key twice.
    pub returns: bool,
}

/// Judges the sequence of a statement. `is_made`: this database has made the package of
/// that sequence and digest. `accepted`: an operator has found out why the sequence is
/// older, which makes it the new measure.
#[must_use]
pub fn receive(known: Known, stated: u64, is_made: bool, accepted: bool) -> Receipt {
    let unknown_sequence = stated > 0 && !is_made;
    let rolled_back = known.rolled_back || stated < known.sequence;
    if accepted {
        let (sequence, returns) = (stated, rolled_back);
        return Receipt { sequence, rolled_back: false, unknown_sequence, returns };
    }
    let sequence = known.sequence.max(stated);
    Receipt { sequence, rolled_back, unknown_sequence, returns: false }
}

/// Whether a device's own time is so far ahead of the manager's clock that one of both is
/// wrong: a day.
#[must_use]
pub const fn is_floor_ahead(floor: u64, now: u64) -> bool {
    floor > now.saturating_add(AHEAD_MAX)
}

/// Groups that a device was in, of which it keeps the number (ta/src/state.rs,
/// `REMOVED_MAX`): it refuses a package that makes them more.
const LEFT_MAX: u64 = 32;

/// Checks that a device can leave as many groups as it has `left`.
///
/// Errors: [`Refusal::TooManyLeft`].
pub fn may_leave(device: DeviceId, left: u64) -> Result<(), Refusal> {
    if left > LEFT_MAX { Err(Refusal::TooManyLeft { device }) } else { Ok(()) }
}

/// How a device stands to what it should hold, as far as its last imported statement
/// tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was made for it, and it should hold nothing.
    NoPackage,
    /// It should hold something else than its newest package says.
    Due,
    /// Its newest package was not applied.
    NotSeen,
    /// Its newest package was applied, and it holds less or more than that brought.
    Partly,
    /// It holds what it should.
    Applied,
}

impl Progress {
    /// As users have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPackage => "no_package",
            Self::Due => "due",
            Self::NotSeen => "not_seen",
            Self::Partly => "partly",
            Self::Applied => "applied",
        }
    }

    /// Whether there is something to be carried to it, or brought back.
    #[must_use]
    pub const fn is_behind(self) -> bool {
        matches!(self, Self::Due | Self::NotSeen | Self::Partly)
    }
}

/// A PGK that a package brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    /// Of which group.
    pub group: GroupId,
    /// Which.
    pub generation: Generation,
    /// The last second in which it can be used.
    pub closes: u64,
}

/// Whether a device that says `digest` of what it holds has all that was `brought`, but
/// for what was over at one of its changes: it erases with those, up to its `floor`.
#[must_use]
pub fn holds(digest: &[u8; 32], floor: u64, brought: &[Brought]) -> bool {
    let ends = brought.iter().map(|pgk| pgk.closes).filter(|closes| *closes <= floor);
    std::iter::once(0).chain(ends).any(|end| {
        let left = brought.iter().filter(|pgk| pgk.closes > end);
        held_digest(left.map(|pgk| (pgk.group, pgk.generation))) == *digest
    })
}

/// Checks that packages may be sealed for a device. Whoever enrols it with a root key
/// of his own can sign anew what was sealed for it: so it must say that it belongs to
/// this manager.
///
/// Errors: [`Refusal::Lost`], [`Refusal::NotApproved`], [`Refusal::RolledBack`],
/// [`Refusal::NotEnrolled`], [`Refusal::ForeignRoot`], in this order.
pub fn may_seal(
    device: DeviceId,
    standing: Standing,
    rolled_back: bool,
    newest: &Statement,
    root_digest: &[u8; 32],
) -> Result<(), Refusal> {
    match standing {
        Standing::Lost => return Err(Refusal::Lost { device }),
        Standing::Pending => return Err(Refusal::NotApproved { device }),
        Standing::Approved => {}
    }
    if rolled_back {
        return Err(Refusal::RolledBack { device });
    }
    match newest.state {
        DeviceState::Enrolled => {}
        DeviceState::Factory | DeviceState::Damaged => {
            return Err(Refusal::NotEnrolled { device, state: newest.state });
        }
    }
    if newest.root_digest != *root_digest {
        return Err(Refusal::ForeignRoot { device });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { sequence: 10, rolled_back: false };

    #[test]
    fn an_older_sequence_raises_the_alarm_and_is_no_new_measure() {
        let receipt = receive(KNOWN, 9, true, false);
        assert_eq!((receipt.sequence, receipt.rolled_back), (10, true));
        assert!(!receive(KNOWN, 10, true, false).rolled_back);
        assert_eq!(receive(KNOWN, 11, true, false).sequence, 11);
    }

    #[test]
    fn the_alarm_stays_until_it_is_accepted() {
        let alarmed = Known { rolled_back: true, ..KNOWN };
        assert!(receive(alarmed, 12, true, false).rolled_back);
        let receipt = receive(alarmed, 9, true, true);
        assert_eq!((receipt.sequence, receipt.rolled_back), (9, false));
    }

    #[test]
    fn who_was_rolled_back_returns_when_that_is_accepted() {
        let alarmed = Known { rolled_back: true, ..KNOWN };
        assert!(receive(KNOWN, 9, true, true).returns && receive(alarmed, 10, true, true).returns);
        assert!(!receive(KNOWN, 9, true, false).returns && !receive(KNOWN, 10, true, true).returns);
    }

    #[test]
    fn a_package_that_was_never_made_is_told_whatever_its_sequence() {
        assert!(!receive(KNOWN, 12, true, false).unknown_sequence);
        assert!(receive(KNOWN, 11, false, false).unknown_sequence);
        assert!(!receive(KNOWN, 0, false, true).unknown_sequence);
    }

    #[test]
    fn what_was_over_may_be_missing_and_nothing_else() {
        let group = GroupId::from_octets([0, 0, 1]);
        let pgk = |number, closes| Brought {
            group,
            generation: Generation::new(number).unwrap(),
            closes,
        };
        let brought = [pgk(1, 100), pgk(2, 200), pgk(3, 300)];
        let says = |numbers: &[u64], floor| {
            let held = numbers.iter().map(|&number| (group, Generation::new(number).unwrap()));
            holds(&held_digest(held), floor, &brought)
        };
        assert!(says(&[1, 2, 3], 50) && says(&[1, 2, 3], 250));
        assert!(says(&[2, 3], 250) && says(&[3], 250));
        assert!(!says(&[2, 3], 50) && !says(&[3], 150));
        assert!(!says(&[], 250) && !says(&[1, 3], 250) && !says(&[1, 2, 3, 4], 250));
    }

    #[test]
    fn every_standing_goes_by_its_name() {
        for standing in Standing::ALL {
            assert_eq!(Standing::named(standing.name()), Some(standing));
        }
        assert_eq!(Standing::named("gone"), None);
    }
}
