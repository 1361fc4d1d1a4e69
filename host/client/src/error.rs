//! What can go wrong between a caller and the TA, and what to do next.

use std::sync::LazyLock;
use std::time::Duration;

use proseal_proto::codec::DecodeError;
use proseal_proto::error::Code;
use proseal_proto::profile::Profile;
use proseal_proto::role::Role;

/// `TEE_ERROR_TARGET_DEAD`: the TA has panicked (GlobalPlatform TEE Client API).
pub const TARGET_DEAD: u32 = 0xffff_3024;

/// No response came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The kernel offers no TEE.
    #[error("there is no TEE here: /dev/tee0 is missing")]
    NoDevice,
    /// The TEE's device is there, but closed to this user.
    #[error("no permission to open {device}")]
    NoPermission {
        /// The device's path.
        device: String,
    },
    /// The TEE's device is there, but does not open.
    #[error("{device} does not open: {reason}")]
    DeviceFailed {
        /// The device's path.
        device: String,
        /// What the kernel says.
        reason: String,
    },
    /// OP-TEE finds no TA of this UUID.
    #[error("the trusted application {uuid} is not installed")]
    NoTa {
        /// The TA's UUID.
        uuid: String,
    },
    /// OP-TEE refuses the TA's file.
    #[error("OP-TEE refuses the trusted application {uuid}: its signature does not verify")]
    BadSignature {
        /// The TA's UUID.
        uuid: String,
    },
    /// OP-TEE's own storage is damaged, so no TA opens.
    #[error("OP-TEE's secure storage is damaged ({result:#010x})")]
    StorageDamaged {
        /// The result that says so.
        result: u32,
    },
    /// This user is in no group whose login may call the command.
    #[error("this user is not in {}", groups(callers))]
    NotInGroup {
        /// The roles that may.
        callers: &'static [Role],
    },
    /// The TA refuses this login.
    #[error("the trusted application refuses this login")]
    LoginRefused,
    /// The TA has panicked, and again when the call was repeated.
    #[error("the trusted application stopped in the middle of the call, twice")]
    Died,
    /// Nothing came back in time.
    #[error("no answer from the TEE within {} s", limit.as_secs())]
    TimedOut {
        /// The time that was allowed.
        limit: Duration,
    },
    /// Any other result of the TEE Client API.
    #[error("{during} failed with {result:#010x} (origin {origin})")]
    Tee {
        /// Which call.
        during: &'static str,
        /// `TEEC_Result`.
        result: u32,
        /// `TEEC_ORIGIN_*`: 1 API, 2 communication, 3 TEE, 4 TA.
        origin: u32,
    },
}

/// The groups of some roles, in words.
fn groups(callers: &[Role]) -> String {
    let group = |role: &Role| Some(format!("group {} ({})", role.name(), role.gid()?));
    let groups: Vec<_> = callers.iter().filter_map(group).collect();
    groups.join(" or ")
}

/// A command that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The TA refused it.
    #[error("{}", refusal(*.0))]
    Refused(Code),
    /// The TA refused it, for a reason that only a later version knows.
    #[error("the trusted application refused with code {0:#x}, which this program does not know")]
    RefusedUnknown(u32),
    /// What came back is not a response.
    #[error("the trusted application's answer is not one that this program understands ({0:?})")]
    Reply(DecodeError),
    /// The request is larger than any may be.
    #[error("it is larger than the trusted application takes")]
    TooLarge,
    /// Nothing came back.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The classes of errors, by what a caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The TA said no.
    Refused,
    /// There is no TEE, or it does not answer.
    NoTee,
    /// This user may not.
    NoPermission,
    /// Everything else.
    Failed,
}

impl Error {
    /// The class of this error.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) | Self::RefusedUnknown(_) => Kind::Refused,
            Self::Reply(_) | Self::TooLarge => Kind::Failed,
            Self::Fault(fault) => match fault {
                Fault::NoDevice
                | Fault::DeviceFailed { .. }
                | Fault::NoTa { .. }
                | Fault::TimedOut { .. } => Kind::NoTee,
                Fault::NoPermission { .. } | Fault::NotInGroup { .. } | Fault::LoginRefused => {
                    Kind::NoPermission
                }
                Fault::BadSignature { .. }
                | Fault::StorageDamaged { .. }
                | Fault::Died
                | Fault::Tee { .. } => Kind::Failed,
            },
        }
    }

    /// A stable number: the TA's code, or 0x7xx for what never reached it.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match self {
            Self::Refused(code) => code.number(),
            Self::RefusedUnknown(number) => *number,
            Self::Reply(_) => 0x701,
            Self::TooLarge => 0x702,
            Self::Fault(fault) => match fault {
                Fault::NoDevice => 0x711,
                Fault::NoPermission { .. } => 0x712,
                Fault::NoTa { .. } => 0x713,
                Fault::BadSignature { .. } => 0x714,
                Fault::StorageDamaged { .. } => 0x715,
                Fault::LoginRefused => 0x716,
                Fault::Died => 0x717,
                Fault::TimedOut { .. } => 0x718,
                Fault::Tee { .. } => 0x719,
                Fault::DeviceFailed { .. } => 0x71a,
                Fault::NotInGroup { .. } => 0x71b,
            },
        }
    }

    /// A stable short name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(code) => code.name(),
            Self::RefusedUnknown(_) => "refused",
            Self::Reply(_) => "bad_reply",
            Self::TooLarge => "too_large",
            Self::Fault(fault) => match fault {
                Fault::NoDevice => "no_device",
                Fault::NoPermission { .. } => "no_permission",
                Fault::NoTa { .. } => "no_ta",
                Fault::BadSignature { .. } => "bad_signature",
                Fault::StorageDamaged { .. } => "storage_damaged",
                Fault::LoginRefused => "login_refused",
                Fault::Died => "ta_died",
                Fault::TimedOut { .. } => "timed_out",
                Fault::Tee { .. } => "tee_failed",
                Fault::DeviceFailed { .. } => "device_failed",
                Fault::NotInGroup { .. } => "not_in_group",
            },
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(code) => refusal_hint(*code),
            Self::RefusedUnknown(_) | Self::Reply(_) => {
                "install this program and the trusted application from one release"
            }
            Self::TooLarge => "ask for less at once",
            Self::Fault(fault) => match fault {
                Fault::NoDevice => {
                    "load the kernel modules tee and optee, and see that the firmware starts OP-TEE (dmesg | grep optee)"
                }
                Fault::NoPermission { .. } => {
                    "join the group that owns the device (ls -l /dev/tee0), or run as root"
                }
                Fault::DeviceFailed { .. } => "the kernel's log may say more (dmesg)",
                Fault::NoTa { .. } => {
                    "install the .ta file in tee-supplicant's folder, /lib/optee_armtz or /usr/lib/optee_armtz"
                }
                Fault::BadSignature { .. } => {
                    "sign the .ta file with the key that this OP-TEE was built with; the file, or the store's dirf.db, may also be damaged (docs/storage.md)"
                }
                Fault::StorageDamaged { .. } => {
                    "run `prosectl doctor`; docs/storage.md says which damage can be mended"
                }
                Fault::NotInGroup { .. } => {
                    "join the group (`usermod -aG GROUP USER`, root too) and log in again; `id` shows the groups"
                }
                Fault::LoginRefused => {
                    "install this program and the trusted application from one release: they know other groups"
                }
                Fault::Died => {
                    "run `prosectl doctor`: the store's disk may be read-only or failing; the secure console has the reason"
                }
                Fault::TimedOut { .. } => {
                    "see that tee-supplicant is running (`prosectl doctor`), then try again"
                }
                Fault::Tee { .. } => "run `prosectl doctor`; the secure console may say more",
            },
        }
    }
}

/// A refusal in words.
const fn refusal(code: Code) -> &'static str {
    match code {
        Code::UnknownCommand => "the trusted application does not have this command",
        Code::UnknownVersion => "the trusted application is of another version than this program",
        Code::Oversized => "it is larger than the trusted application takes",
        Code::Truncated => "the request is cut short",
        Code::TrailingBytes => "the request has more octets than it should",
        Code::OutOfRange => "a value in the request is out of its range",
        Code::NotPermitted => "this login may not call this command",
        Code::WrongState => "the device holds no keys yet",
        Code::WrongDevice => "it is for another device",
        Code::OwnMember => "receiver keys for the device's own member id are never given",
        Code::NotSender => "this device may only receive in this group",
        Code::RollbackUnprotected => {
            "without an epoch salt, sending is for storage that cannot be rolled back"
        }
        Code::UnknownGroup => "the device is not a member of this group",
        Code::UnknownGeneration => "no key of this generation is held",
        Code::EpochsExhausted => "all 65535 epochs of this key are used",
        Code::Suspended => "the group is suspended",
        Code::GenerationEnded => "the key has ended: its time and its grace are over",
        Code::ReceiveOnly => "the key's time is over: it is for receiving only",
        Code::Unsynced => "the device has been without news from its manager for too long to send",
        Code::AboveNext => "only what has been configured can be revoked",
        Code::NoAdmissionKey => "the key's derivation profile has no admission key",
        Code::ContentMalformed => "the content is not what the format says",
        Code::GenerationConflict => "this generation is held with another key, PGK Id or policy",
        Code::SequenceConflict => "another package with this sequence was applied before",
        Code::UnsupportedProfile => "the trusted application does not have this derivation profile",
        Code::UnsupportedSuite => "the derivation profile is not for this suite",
        Code::TooManyGroups => "it lists more groups than a device holds",
        Code::TooManyPgks => "it lists more keys of a group than a device holds",
        Code::PgkIdClash => {
            "another key of the group has the same index (5 low bits of its PGK Id)"
        }
        Code::KeyRepeated => "the same key octets are held under another entry, or were until now",
        Code::TimeOutOfRange => "its time is more than ten years ahead of the device's",
        Code::TooManyRemoved => "the device has been in more groups than it can remember",
        Code::MemberConflict => "the group's keys are held under another member id",
        Code::LabelUnused => "the derivation profile has no use for a label",
        Code::Malformed => "this is no package and no notice, or a damaged one",
        Code::WrongType => "this is signed, but it is no package and no notice",
        Code::UnsupportedAlgorithm => {
            "it uses algorithms that the trusted application does not have"
        }
        Code::UntrustedSigner => {
            "the root key of the device's manager has not named its signer: another manager made it"
        }
        Code::WrongManager => "its signer acts for another manager",
        Code::BadSignature => "its signature does not verify: it was changed on the way",
        Code::SignerSuperseded => "its signer has been replaced since it was made",
        Code::HeadersDisagree => "it says two different things of itself",
        Code::NotOpened => "it was not sealed to this device, or was changed before it was signed",
        Code::StoreFailed => "the secure storage did not take the change, and nothing has changed",
        Code::StoreFull => "the disk of the secure storage is full, and nothing has changed",
        Code::Damaged => "the device's state is damaged",
        Code::StateTooNew => "the device's state was written by a later trusted application",
        Code::Internal => "the trusted application met a fault of its own",
    }
}

/// Which suites go with which profile.
static KNOWN_PAIRS: LazyLock<String> = LazyLock::new(|| {
    let known = Profile::ALL.iter().map(|profile| {
        let suites: Vec<_> = profile.suites().iter().map(|suite| suite.name()).collect();
        format!("{} ({})", profile.name(), suites.join(", "))
    });
    format!("the known ones, with their suites: {}", known.collect::<Vec<_>>().join(", "))
});

/// What to do about a refusal.
fn refusal_hint(code: Code) -> &'static str {
    match code {
        Code::UnknownCommand | Code::UnknownVersion => {
            "install this program and the trusted application from one release"
        }
        Code::Oversized | Code::Truncated | Code::TrailingBytes | Code::OutOfRange => {
            "check the values; if they are right, please report this"
        }
        Code::NotPermitted => "join the group that the command is for: `prosectl --help`",
        Code::WrongState => {
            "enrol it and import its package: `prosectl enrol --help`, `prosectl import --help`"
        }
        Code::WrongDevice => {
            "bring the one for this device (`prosectl status` has its id); if it was erased since, a manager has to approve its new identity: `prosectl identity export`"
        }
        Code::OwnMember => "use `prosectl derive send` for the device's own keys",
        Code::NotSender => "ask the group's operator for the right to send",
        Code::RollbackUnprotected => {
            "choose a profile with a salt, or bring a new PGK, of new octets, whose policy accepts it"
        }
        Code::NoAdmissionKey => "its frames go without one: so it is with this profile",
        Code::UnknownGroup | Code::UnknownGeneration => "see what is held: `prosectl key list`",
        Code::EpochsExhausted | Code::GenerationEnded | Code::ReceiveOnly => {
            "bring a new PGK, with a higher generation: `prosectl import` of a newer package"
        }
        Code::Suspended => "an administrator lets it go on: `prosectl resume GROUP`",
        Code::Unsynced => {
            "hand the manager a statement of now (`prosectl statement export`), and import the package that he makes by it"
        }
        Code::AboveNext => "name a generation up to the group's next one (`prosectl status`)",
        Code::ContentMalformed => {
            "install the programs of device and manager from one release; if they are, please report this"
        }
        Code::GenerationConflict => {
            "have the manager give a new key a higher generation: `prosectl key list` shows which are held"
        }
        Code::SequenceConflict => "ask the manager for a newer package, with a higher sequence",
        Code::UnsupportedProfile | Code::UnsupportedSuite => &KNOWN_PAIRS,
        Code::LabelUnused => {
            "leave the label out, or bring a root: the step from root to PGK has it in every profile"
        }
        Code::TooManyGroups => "have the manager list fewer groups for this device",
        Code::TooManyPgks => "have the manager list fewer keys of the group",
        Code::PgkIdClash => "have the manager choose a PGK Id with other low bits",
        Code::KeyRepeated => "each entry needs a key of its own, of new octets",
        Code::TimeOutOfRange => {
            "check the clock of whoever made it; if it is the device's time that is wrong, because its first package came by a wrong clock, erase the device and enrol it anew"
        }
        Code::MemberConflict => {
            "a new member id needs a new generation, and an end of those below it"
        }
        Code::TooManyRemoved | Code::Damaged => {
            "erase the device (`prosectl erase`), enrol it, and import a package for its new identity"
        }
        Code::Malformed | Code::BadSignature => "get it again, from whoever made it",
        Code::WrongType => "import the package (or notice) that the manager made for this device",
        Code::UnsupportedAlgorithm => {
            "install the trusted application and the manager from one release"
        }
        Code::UntrustedSigner | Code::WrongManager => {
            "bring one of the device's own manager (`prosectl status` names it); to change the manager, erase the device and enrol it anew"
        }
        Code::SignerSuperseded => "ask the manager for one that his present signer made",
        Code::HeadersDisagree | Code::NotOpened => {
            "have the manager make it again for this device; if that does not help, please report this"
        }
        Code::StoreFailed => {
            "see that tee-supplicant runs and its disk is writable (`prosectl doctor`), then try again"
        }
        Code::StoreFull => {
            "make room on the disk that holds tee-supplicant's folder (`prosectl doctor` names it), then try again"
        }
        Code::StateTooNew => "install the later trusted application again",
        Code::Internal => "please report this, with the secure console's log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package is the whole state: what it lists too much is not the device's, and
    /// only what must be remembered of removed groups is.
    #[test]
    fn too_many_groups_are_the_managers_to_mend_too_many_removed_ones_need_an_erase() {
        for code in [Code::TooManyGroups, Code::TooManyPgks] {
            let error = Error::Refused(code);
            assert!(error.to_string().starts_with("it lists more "), "{error}");
            assert!(error.hint().starts_with("have the manager list fewer "), "{}", error.hint());
        }
        assert!(Error::Refused(Code::TooManyRemoved).hint().contains("`prosectl erase`"));
    }

    #[test]
    fn a_wrong_pair_is_answered_by_the_right_ones() {
        for code in [Code::UnsupportedProfile, Code::UnsupportedSuite] {
            assert_eq!(
                Error::Refused(code).hint(),
                "the known ones, with their suites: hkdf-sha256 (aead, integrity, 3gpp), 3gpp-ts33303 (3gpp)"
            );
        }
    }

    /// Whatever profiles there will be.
    #[test]
    fn every_profile_and_suite_is_in_it() {
        let hint = Error::Refused(Code::UnsupportedSuite).hint();
        for profile in Profile::ALL {
            let (_, suites) = hint.split_once(&format!(" {} (", profile.name())).unwrap();
            let suites = suites.split(')').next().unwrap().split(", ");
            assert!(suites.eq(profile.suites().iter().map(|suite| suite.name())), "{hint}");
        }
    }
}
