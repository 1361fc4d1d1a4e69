//! What a PGK may be used for, judged by the floor.

use proseal_proto::content::Policy;
use proseal_proto::error::Code;
use proseal_proto::message::PgkState;

/// The state of a PGK when it is at least `floor`, which 0 leaves unknown.
#[must_use]
pub const fn state_at(policy: &Policy, floor: u64) -> PgkState {
    // A policy that lets senders go on past the end lets receivers too.
    match floor.checked_sub(policy.not_after) {
        None | Some(0) => PgkState::Held,
        Some(past) if past <= policy.send_grace_s as u64 => PgkState::Held,
        Some(past) if past <= policy.receive_grace_s as u64 => PgkState::ReceiveOnly,
        Some(_) => PgkState::Ended,
    }
}

/// The floor at which a PGK has ended, the first second after its graces;
/// `None` if no floor is that high.
#[must_use]
pub fn end(policy: &Policy) -> Option<u64> {
    let grace = policy.receive_grace_s.max(policy.send_grace_s);
    policy.not_after.checked_add(grace.into())?.checked_add(1)
}

/// The time, as far as the TA knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Lower bound, seconds since 1970 UTC; 0 unknown.
    pub floor: u64,
    /// Powered seconds since the last fresh content.
    pub unsynced_s: u32,
}

impl Now {
    /// Lets powered time pass. An unknown floor stays unknown.
    pub fn pass(&mut self, elapsed_s: u64) {
        if self.floor != 0 {
            self.floor = self.floor.saturating_add(elapsed_s);
        }
        let elapsed_s = u32::try_from(elapsed_s).unwrap_or(u32::MAX);
        self.unsynced_s = self.unsynced_s.saturating_add(elapsed_s);
    }
}

/// Whether it may be received with.
pub const fn check_receive(policy: &Policy, now: Now) -> Result<(), Code> {
    match state_at(policy, now.floor) {
        PgkState::Held | PgkState::ReceiveOnly => Ok(()),
        PgkState::Ended => Err(Code::GenerationEnded),
    }
}

/// Whether it may be sent with.
pub const fn check_send(policy: &Policy, now: Now) -> Result<(), Code> {
    match state_at(policy, now.floor) {
        PgkState::Held => {}
        PgkState::ReceiveOnly => return Err(Code::ReceiveOnly),
        PgkState::Ended => return Err(Code::GenerationEnded),
    }
    if policy.max_unsynced_s != 0 && now.unsynced_s > policy.max_unsynced_s {
        return Err(Code::Unsynced);
    }
    Ok(())
}

/// Whether sending is refused because old storage would bring old epochs
/// again: nothing but the PTK Id tells them apart.
#[must_use]
pub const fn is_rollback_unprotected(policy: &Policy, is_protected: bool) -> bool {
    !policy.profile.has_salt() && !policy.accept_rollback && !is_protected
}

#[cfg(test)]
mod tests {
    use proseal_proto::content::Label;
    use proseal_proto::profile::{Profile, Suite};

    use super::*;

    const fn policy(receive_grace_s: u32, send_grace_s: u32) -> Policy {
        Policy {
            not_before: 500,
            not_after: 1000,
            profile: Profile::HkdfSha256,
            suite: Suite::Aead,
            label: Label::EMPTY,
            epoch_s: 1,
            epoch_packets: 1,
            receive_grace_s,
            send_grace_s,
            max_unsynced_s: 60,
            accept_rollback: false,
        }
    }

    #[test]
    fn each_second_of_a_life() {
        use PgkState::{Ended, Held, ReceiveOnly};
        for (receive, send, floor, state) in [
            (0, 0, 0, Held),
            (0, 0, 1, Held),
            (0, 0, 1000, Held),
            (0, 0, 1001, Ended),
            (10, 0, 1001, ReceiveOnly),
            (10, 0, 1010, ReceiveOnly),
            (10, 0, 1011, Ended),
            (10, 5, 1005, Held),
            (10, 5, 1006, ReceiveOnly),
            (0, 5, 1005, Held),
            (0, 5, 1006, Ended),
            (u32::MAX, 0, u64::MAX, Ended),
        ] {
            let policy = policy(receive, send);
            assert_eq!(state_at(&policy, floor), state, "{receive} {send} {floor}");
            assert_eq!(
                state == Ended,
                end(&policy).is_some_and(|end| floor >= end),
                "{receive} {send} {floor}"
            );
        }
    }

    #[test]
    fn sending_stops_without_news_and_receiving_goes_on() {
        let policy = policy(0, 0);
        let after = |unsynced_s| Now { floor: 1000, unsynced_s };
        assert_eq!(check_send(&policy, after(60)), Ok(()));
        assert_eq!(check_send(&policy, after(61)), Err(Code::Unsynced));
        assert_eq!(check_receive(&policy, after(61)), Ok(()));
        let off = Policy { max_unsynced_s: 0, ..policy };
        assert_eq!(check_send(&off, after(u32::MAX)), Ok(()));
    }
}
