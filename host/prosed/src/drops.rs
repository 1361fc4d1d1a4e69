//! Why a frame is not delivered. Drops are silent on the wire; each has a counter.

/// Builds the reasons, their names and their list from one table.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal;)*) => {
        /// Why a frame that came in was not delivered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DropReason { $($(#[doc = $doc])* $variant,)* }

        impl DropReason {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

reasons! {
    /// Shorter than a frame of its layout, or longer than any.
    Length = "length";
    /// Another version, an unknown kind, or a reserved bit that is set.
    Version = "version";
    /// A field that no sender writes: a sequence number or a PTK Id of zero, a
    /// reserved SDU type, an extension where the profile has none.
    Malformed = "malformed";
    /// It reads as "not ciphered" (TS 36.323 clause 5.6.1).
    NotCiphered = "not_ciphered";
    /// For a group in which this device is not.
    UnknownGroup = "unknown_group";
    /// Deriving is suspended in its group.
    Suspended = "suspended";
    /// No PGK with this index is held.
    UnknownIndex = "unknown_index";
    /// From this device's own member id.
    OwnMember = "own_member";
    /// Of an epoch below the sender's high-water, whose window is not held any more.
    OldEpoch = "old_epoch";
    /// Of the sender's present PTK Id with another salt.
    OtherSalt = "other_salt";
    /// Of an epoch that was in use before a restart, below its ceiling.
    BelowCeiling = "below_ceiling";
    /// No more senders can be remembered in its generation.
    TooManySenders = "too_many_senders";
    /// Its epoch is not known here, and it does not announce it.
    NotAnnounced = "not_announced";
    /// Its admission tag is not the group's.
    Admission = "admission";
    /// More new epochs than the TEE may be asked for.
    TooManyEpochs = "too_many_epochs";
    /// More frames wait for keys than may.
    QueueFull = "queue_full";
    /// The trusted application gave no keys for its epoch.
    Refused = "refused";
    /// The TEE did not answer.
    TeeFailed = "tee_failed";
    /// Its sequence number was accepted before.
    Replayed = "replayed";
    /// Its sequence number is below the window.
    TooOld = "too_old";
    /// Its tag is not its sender's.
    NotAuthentic = "not_authentic";
    /// More objects a second than are looked at.
    ObjectBucket = "object_bucket";
    /// An object whose form or signature does not hold.
    ObjectInvalid = "object_invalid";
    /// An object that says nothing new.
    ObjectKnown = "object_known";
    /// An object for another device, or about a group in which this one is not.
    ObjectForeign = "object_foreign";
}

/// One counter for each reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl Drops {
    /// Counts one.
    pub fn count(&mut self, reason: DropReason) {
        if let Some(counter) = self.0.get_mut(reason as usize) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How many were dropped for this reason.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    /// How many were dropped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each reason with its counter.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().copied().zip(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_and_a_name_of_its_own() {
        let mut drops = Drops::default();
        for (times, reason) in DropReason::ALL.iter().enumerate() {
            (0..times).for_each(|_| drops.count(*reason));
        }
        assert!(drops.iter().enumerate().all(|(times, (_, count))| count == times as u64));
        assert_eq!(drops.total(), (0..DropReason::ALL.len() as u64).sum::<u64>());
        let names: std::collections::HashSet<_> =
            DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
    }
}
