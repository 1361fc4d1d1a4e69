//! What a package or notice must have done that was taken, and nothing else: from the
//! status before it and what was made, by docs/commands.md (Content) and docs/package.md.
//!
//! The number of a group that the device is not in cannot be asked for: at least what was
//! seen of it is demanded.

use proseal_issuer::Statement;
use proseal_proto::id::{Generation, GroupId};
use proseal_proto::message::{GroupStatus, Outcome, PgkState, StatusReply};

use super::History;
use crate::manager::{Listed, Made, What};

impl History {
    /// What was taken is in effect, and the receipt says so.
    pub(super) fn check_effect(
        &mut self,
        made: &Made,
        before: Option<&StatusReply>,
        outcome: Outcome,
        receipt: &[u8],
    ) {
        let (Some(before), Some(after)) = (before, self.held()) else { return };
        let (before, after) = (settled(before), settled(&after));
        match &made.what {
            What::Package { sequence, time, digest, groups, .. } => {
                if outcome != Outcome::Superseded {
                    let receipt = Statement::verify(receipt).expect("it was verified");
                    assert_eq!(receipt.package_digest, *digest, "the receipt of another package");
                }
                if matches!(outcome, Outcome::Same | Outcome::Superseded) {
                    return assert_eq!(after, before, "an old package has changed something");
                }
                let others = StatusReply {
                    sequence: *sequence,
                    floor: before.floor.max(*time),
                    signer_version: made.version,
                    // A fresh one shortens it.
                    unsynced_s: after.unsynced_s,
                    groups: after.groups.clone(),
                    ..before.clone()
                };
                assert_eq!(after, others, "a package has changed something else");
                self.check_groups(groups, &before, &after, outcome);
                self.seen.floor_kept = self.seen.floor_kept.max(*time);
                self.seen.ended.extend(groups.iter().map(|listed| (listed.group, listed.next)));
            }
            What::Notice { group, below } => {
                let told = StatusReply { signer_version: made.version, ..before };
                self.check_notice(*group, *below, outcome, told, &after);
                // Of a group that the device has never been in it takes no notice.
                if let Some(next) = self.seen.next.get_mut(group) {
                    *next = (*next).max(below.get());
                    self.seen.ended.insert((*group, *below));
                }
            }
        }
    }

    /// The groups are those that were listed, with all that may come in; `partly` says
    /// that something was left out.
    fn check_groups(
        &self,
        groups: &[Listed],
        before: &StatusReply,
        after: &StatusReply,
        outcome: Outcome,
    ) {
        assert_eq!(after.groups.len(), groups.len(), "other groups than the package's");
        let mut is_whole = true;
        for (held, listed) in after.groups.iter().zip(groups) {
            let is_as_listed = (held.group, held.member, held.may_send)
                == (listed.group, listed.member, listed.may_send);
            assert!(is_as_listed, "another group than the package's");
            let was = before.groups.iter().find(|was| was.group == listed.group);
            is_whole &= self.check_group(listed, was, held, after.floor);
        }
        let expected = if is_whole { Outcome::Applied } else { Outcome::Partly };
        assert_eq!(outcome, expected, "it says another outcome than there is");
    }

    /// Whether nothing was left out of a group, in which the device was or was not.
    fn check_group(
        &self,
        listed: &Listed,
        was: Option<&GroupStatus>,
        held: &GroupStatus,
        floor: u64,
    ) -> bool {
        let seen = self.seen.next.get(&listed.group).copied().unwrap_or(1);
        let least = was.map_or(seen, |was| was.next).max(listed.next.get());
        let holds = |group: &GroupStatus, generation| {
            group.pgks.iter().any(|pgk| pgk.generation == generation)
        };
        let mut is_whole = true;
        for pgk in &listed.pgks {
            let is_over = floor > pgk.lasts_until;
            let stays = was.is_some_and(|was| holds(was, pgk.generation));
            let may_enter = pgk.generation.get() >= least;
            let is_held = holds(held, pgk.generation);
            assert!(!is_held || !is_over, "held, and it has ended");
            assert!(!is_held || stays || may_enter, "held, and it is below `next`");
            let must_be_held = !is_over && (stays || may_enter && was.is_some());
            assert!(is_held || !must_be_held, "listed, and not held");
            is_whole &= stays || is_held;
        }
        let mut pgks = held.pgks.iter().map(|pgk| pgk.generation);
        let is_listed = pgks.all(|held| listed.pgks.iter().any(|pgk| pgk.generation == held));
        assert!(is_listed, "held, and not listed");

        let highest = listed.pgks.iter().map(|pgk| pgk.generation.successor()).max();
        let next = least.max(highest.unwrap_or(1));
        let is_next = if was.is_some() { held.next == next } else { held.next >= next };
        assert!(is_next, "`next` is {}, and {next} would be right", held.next);
        let suspended = was.map(|was| was.suspended);
        let suspended = suspended.or_else(|| self.seen.suspended.get(&listed.group).copied());
        assert!(suspended.is_none_or(|was| was == held.suspended), "it went on, or stopped");
        is_whole
    }

    /// `wanted` is the status before it, under the notice's signer.
    fn check_notice(
        &self,
        group: GroupId,
        below: Generation,
        outcome: Outcome,
        mut wanted: StatusReply,
        after: &StatusReply,
    ) {
        let expected = match wanted.groups.iter_mut().find(|held| held.group == group) {
            Some(held) => {
                let (count, next) = (held.pgks.len(), held.next);
                held.pgks.retain(|pgk| pgk.generation >= below);
                held.next = next.max(below.get());
                match below.get() {
                    _ if held.pgks.len() < count => Outcome::Applied,
                    below if below > next => Outcome::Applied,
                    below if below == next => Outcome::Same,
                    _ => Outcome::Superseded,
                }
            }
            // It may be above what was seen.
            None if self.seen.next.get(&group).is_some_and(|&next| below.get() < next) => {
                Outcome::Superseded
            }
            None => outcome,
        };
        assert_eq!(outcome, expected, "another outcome of a notice");
        assert_ne!(outcome, Outcome::Partly, "a notice has no parts");
        assert_eq!(*after, wanted, "a notice has done something else");
    }
}

/// Without what has ended by time, which the next write erases.
fn settled(status: &StatusReply) -> StatusReply {
    let mut settled = status.clone();
    for group in &mut settled.groups {
        group.pgks.retain(|pgk| pgk.state != PgkState::Ended);
    }
    settled
}
