//! How a group's next generations are to be: what makes sense together.

use proseal_proto::content::{Label, Policy};
use proseal_proto::limit;
use proseal_proto::profile::{Profile, Suite};

use super::member::Joining;

/// No key is the newest for longer: what is lost by then stays readable.
const LIFETIME_MAX: u64 = 3660 * 24 * 3600;
/// Most future generations that members hold.
const AHEAD_MAX: u8 = 2;

/// What an operator wants of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How IK and CK are derived.
    pub profile: Profile,
    /// How frames are protected; `None` is the profile's own.
    pub suite: Option<Suite>,
    /// The operator's own mark in the derivation.
    pub label: String,
    /// How long a key is the newest, seconds.
    pub lifetime_s: u64,
    /// How long it goes on beside the one that follows, seconds.
    pub overlap_s: u64,
    /// How many future keys members hold.
    pub ahead: u8,
    /// How long after its end a key may be received with, seconds.
    pub receive_grace_s: u32,
    /// How long after its end a key may be sent with, seconds.
    pub send_grace_s: u32,
    /// Powered time without a new package after which sending stops, seconds; 0 is off.
    pub max_unsynced_s: u32,
    /// Longest use of an epoch, seconds.
    pub epoch_s: u32,
    /// Most packets of an epoch.
    pub epoch_packets: u32,
    /// Let a profile without a salt send on storage that can be rolled back.
    pub accept_rollback: bool,
    /// Who may join by himself.
    pub joining: Joining,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            profile: Profile::HkdfSha256,
            suite: None,
            label: String::new(),
            lifetime_s: 30 * 24 * 3600,
            overlap_s: 24 * 3600,
            ahead: 1,
            receive_grace_s: 3600,
            send_grace_s: 0,
            max_unsynced_s: 0,
            epoch_s: 3600,
            epoch_packets: 1 << 24,
            accept_rollback: false,
            joining: Joining::Listed,
        }
    }
}

impl Plan {
    /// The policy of the generations to come; their windows are the timeline's.
    ///
    /// Errors: a text that says what does not go together.
    pub fn policy(&self) -> Result<Policy, String> {
        let suite = self.suite.unwrap_or(match self.profile {
            Profile::HkdfSha256 => Suite::Aead,
            Profile::Ts33303 => Suite::ThreeGpp,
        });
        let profile = self.profile.name();
        if !self.profile.suites().contains(&suite) {
            return Err(format!("suite {} does not go with profile {profile}", suite.name()));
        }
        let label = Label::new(&self.label);
        let label = label.map_err(|_| format!("a label has at most {} octets", limit::LABEL))?;
        if !label.is_empty() && !self.profile.has_label() {
            return Err(format!("profile {profile} has no use for a label"));
        }
        if !(1..=LIFETIME_MAX).contains(&self.lifetime_s) || self.overlap_s > self.lifetime_s {
            return Err(
                "the lifetime is 1 second to 10 years, and the overlap at most as long".into()
            );
        }
        if self.ahead > AHEAD_MAX {
            return Err("at most 2 future keys are held".into());
        }
        // At each moment: the one in use, those ahead, and those that drain.
        let draining = limit::PGKS.saturating_sub(usize::from(self.ahead).saturating_add(1)) as u64;
        let grace_s = u64::from(self.receive_grace_s.max(self.send_grace_s));
        if self.overlap_s.saturating_add(grace_s) > self.lifetime_s.saturating_mul(draining) {
            return Err(
                "a radio would have to hold more than 4 keys at once: a longer lifetime, or less overlap, ahead or grace"
                    .into(),
            );
        }
        if self.epoch_s == 0 || self.epoch_packets == 0 {
            return Err("an epoch is 1 second and 1 packet or more".into());
        }
        Ok(Policy {
            not_before: 0,
            not_after: 0,
            profile: self.profile,
            suite,
            label,
            epoch_s: self.epoch_s,
            epoch_packets: self.epoch_packets,
            receive_grace_s: self.receive_grace_s,
            send_grace_s: self.send_grace_s,
            max_unsynced_s: self.max_unsynced_s,
            accept_rollback: self.accept_rollback,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_by_default_makes_sense() {
        assert_eq!(Plan::default().policy().unwrap().suite, Suite::Aead);
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        let of = Plan::default;
        for wrong in [
            Plan {
                suite: Some(Suite::ThreeGpp),
                profile: Profile::HkdfSha256,
                lifetime_s: 0,
                ..of()
            },
            Plan { suite: Some(Suite::Aead), profile: Profile::Ts33303, ..of() },
            Plan { lifetime_s: LIFETIME_MAX + 1, ..of() },
            Plan { overlap_s: 31 * 24 * 3600, ..of() },
            Plan { ahead: 3, ..of() },
            Plan { ahead: 2, overlap_s: 30 * 24 * 3600, ..of() },
            Plan { epoch_s: 0, ..of() },
            Plan { epoch_packets: 0, ..of() },
        ] {
            assert!(wrong.policy().is_err(), "{wrong:?}");
        }
    }
}
