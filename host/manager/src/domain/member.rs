//! Who may join a group, and which generations a member may be given.

use proseal_proto::id::MemberId;

/// Who may join a group by himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// Subscribers that are listed for it.
    Listed,
    /// Every device that is approved.
    Approved,
}

impl Joining {
    /// All there are.
    pub const ALL: &'static [Self] = &[Self::Listed, Self::Approved];

    /// As the database and users have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Approved => "approved",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|joining| joining.name() == name)
    }
}

/// The member id for who joins without one of his own: above all that anybody ever had.
#[must_use]
pub fn free_id(highest: Option<MemberId>) -> Option<MemberId> {
    let number = |id: MemberId| {
        let [a, b, c] = id.octets();
        u32::from_be_bytes([0, a, b, c])
    };
    MemberId::new(highest.map_or(1, |id| number(id).saturating_add(1)).max(1)).ok()
}

/// The least generation that a device may be given when it joins a group.
///
/// A radio that returns gets none that it `had`: its high-water at the others and its
/// own epochs are of that time. And no second identity gets a generation under a member id
/// that another had in it (`had_by_id` is the highest): both would send as one. `least` is
/// the group's own bound.
#[must_use]
pub fn joins_from(had: Option<u64>, had_by_id: Option<u64>, least: u64) -> u64 {
    let barred = [had, had_by_id].into_iter().flatten();
    barred.map(|generation| generation.saturating_add(1)).fold(least, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_id_is_one_that_nobody_ever_had() {
        let id = |octets| MemberId::from_octets(octets);
        assert_eq!(free_id(None), Some(id([0, 0, 1])));
        assert_eq!(free_id(Some(id([0, 1, 0xff]))), Some(id([0, 2, 0])));
        assert_eq!(free_id(Some(id([0xff; 3]))), None);
    }

    #[test]
    fn a_radio_that_returns_gets_only_what_it_never_had() {
        assert_eq!(joins_from(Some(8), None, 1), 9);
    }

    #[test]
    fn a_member_id_goes_to_another_device_only_above_what_the_first_had() {
        assert_eq!(joins_from(None, Some(8), 1), 9);
        assert_eq!(joins_from(Some(3), Some(8), 1), 9);
        assert_eq!(joins_from(None, None, 1), 1);
    }

    #[test]
    fn the_groups_own_bound_holds() {
        assert_eq!(joins_from(Some(7), None, 20), 20);
    }
}
