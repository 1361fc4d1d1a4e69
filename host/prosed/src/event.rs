//! What the operator is told of. Each is said at most once a minute, or frames of an
//! attacker would fill the log.

use std::collections::VecDeque;
use std::time::Duration;

use proseal_proto::error::Code;
use proseal_proto::id::{GroupId, MemberId};

/// The same is not reported again for that long.
const AGAIN: Duration = Duration::from_secs(60);
/// What is kept to compare with.
const KEPT: usize = 64;
/// A tag is checked for a report at most so often.
const LOOK: Duration = Duration::from_millis(100);

/// Something that somebody should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Event {
    /// Two UEs send under one member id. Both hold the group's PGK.
    #[error(
        "group {group}: two radios send as member {member}: give one of them another member id"
    )]
    MemberTwice {
        /// The group.
        group: GroupId,
        /// The id.
        member: MemberId,
    },
    /// Frames with wrong tags.
    #[error("group {group}: frames that say they are of member {sender} have wrong tags")]
    NotAuthentic {
        /// The group.
        group: GroupId,
        /// Who is said to have sent them.
        sender: MemberId,
    },
    /// The trusted application gave no keys for an epoch of the group.
    #[error("group {group}: no keys for member {sender}: {code}")]
    KeysRefused {
        /// The group.
        group: GroupId,
        /// Whose epoch.
        sender: MemberId,
        /// Why.
        code: Code,
    },
    /// The high-water cannot be written: frames wait.
    #[error("the high-water file cannot be written: frames of new epochs wait until it can")]
    HighWaterNotWritten,
}

/// What was reported, and what is to be.
#[derive(Default)]
pub(crate) struct Events {
    new: VecDeque<Event>,
    said: VecDeque<(Duration, Event)>,
    looked: Option<Duration>,
}

impl Events {
    pub(crate) fn report(&mut self, now: Duration, event: Event) {
        let recent = |at: &Duration| now.saturating_sub(*at) < AGAIN;
        self.said.retain(|(at, _)| recent(at));
        if self.said.len() < KEPT && !self.said.iter().any(|(_, said)| *said == event) {
            self.said.push_back((now, event));
            self.new.push_back(event);
        }
    }

    pub(crate) fn not_authentic(&mut self, now: Duration, group: GroupId, sender: MemberId) {
        if self.may_look(now) {
            self.report(now, Event::NotAuthentic { group, sender });
        }
    }

    /// Whether it is time to spend work on a report.
    pub(crate) fn may_look(&mut self, now: Duration) -> bool {
        let may = self.looked.is_none_or(|looked| now.saturating_sub(looked) >= LOOK);
        if may {
            self.looked = Some(now);
        }
        may
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        self.new.pop_front()
    }
}
