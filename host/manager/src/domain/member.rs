//! Which generations a member may be given.

use proseal_proto::id::{DeviceId, MemberId};

/// A generation that was sealed for a device, under its member id at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// To whom.
    pub device: DeviceId,
    /// As whom.
    pub member: MemberId,
    /// What.
    pub generation: u64,
}

/// The least generation that `device` may be given when it joins a group as `member`,
/// of what the group's members were `given`.
///
/// A radio that returns gets none that it had: its high-water at the others and its
/// own epochs are of that time. And no second identity gets a generation
/// under a member id that another had in it: both would send as one. `least` is
/// the group's own bound.
#[must_use]
pub fn joins_from(device: DeviceId, member: MemberId, given: &[Given], least: u64) -> u64 {
    let barred = given.iter().filter(|given| given.device == device || given.member == member);
    barred.map(|given| given.generation.saturating_add(1)).fold(least, u64::max)
}

/// Who is none of the `members` any more and was given one of these `generations`, each
/// once.
#[must_use]
pub fn former(generations: &[u64], given: &[Given], members: &[DeviceId]) -> Vec<DeviceId> {
    let mut former = Vec::new();
    for given in given.iter().filter(|given| generations.contains(&given.generation)) {
        if !members.contains(&given.device) && !former.contains(&given.device) {
            former.push(given.device);
        }
    }
    former
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DeviceId = DeviceId([1; 16]);
    const B: DeviceId = DeviceId([2; 16]);

    fn member(id: u8) -> MemberId {
        MemberId::from_octets([0, 0, id])
    }

    fn given(device: DeviceId, id: u8, generation: u64) -> Given {
        Given { device, member: member(id), generation }
    }

    #[test]
    fn a_radio_that_returns_gets_only_what_it_never_had() {
        let all = [given(A, 1, 7), given(A, 1, 8), given(B, 2, 9)];
        assert_eq!(joins_from(A, member(1), &all, 1), 9);
        assert_eq!(joins_from(A, member(3), &all, 1), 9);
    }

    #[test]
    fn a_member_id_goes_to_another_device_only_above_what_the_first_had() {
        let all = [given(A, 1, 7), given(A, 1, 8)];
        assert_eq!(joins_from(B, member(1), &all, 1), 9);
        assert_eq!(joins_from(B, member(2), &all, 1), 1);
    }

    #[test]
    fn who_has_left_with_a_generation_is_told_once() {
        let all = [given(A, 1, 7), given(A, 1, 8), given(B, 2, 8), given(B, 2, 9)];
        assert!(former(&[8, 9], &all, &[A, B]).is_empty());
        assert_eq!(former(&[7, 8], &all, &[B]), [A]);
        assert!(former(&[9], &all, &[B]).is_empty());
    }

    #[test]
    fn the_groups_own_bound_holds() {
        assert_eq!(joins_from(A, member(1), &[given(A, 1, 7)], 20), 20);
    }
}
