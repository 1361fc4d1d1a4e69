//! Which generations a member may be given.

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
