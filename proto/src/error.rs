//! Stable error codes: the first word of each response. A number is never
//! used again. The blocks say who is to act: 1xx the program that called,
//! 2xx whoever decides what is permitted, 3xx the state of a key, 4xx the
//! content that was brought, 5xx storage, 6xx the TA itself.

use core::fmt;

/// Builds [`Code`], its names and its numbers from the one table below.
macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// Why a command was refused. `0` on the wire means that it was not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Code { $($(#[doc = $doc])* $variant = $number,)* }

        impl Code {
            /// All codes, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's short name, as tools print it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code with this number; `None` if this build knows none.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// The command's number is not in the table.
    UnknownCommand = 0x101, "unknown_command";
    /// The request's protocol version is not this one.
    UnknownVersion = 0x102, "unknown_version";
    /// The request, or what it brings, is longer than any can be.
    Oversized = 0x103, "oversized";
    /// The request ends before its last field.
    Truncated = 0x104, "truncated";
    /// The request goes on after its last field.
    TrailingBytes = 0x105, "trailing_bytes";
    /// A field's value is outside its range.
    OutOfRange = 0x106, "out_of_range";

    /// The session's login may not call this command.
    NotPermitted = 0x201, "not_permitted";
    /// The device's state does not admit this command.
    WrongState = 0x202, "wrong_state";
    /// The device id that was named is not this device's.
    WrongDevice = 0x203, "wrong_device";
    /// Receiver keys for the device's own member id are never given.
    OwnMember = 0x204, "own_member";
    /// The group's policy does not let this device send.
    NotSender = 0x205, "not_sender";
    /// Without an epoch salt, sending is for storage that cannot be rolled back.
    RollbackUnprotected = 0x206, "rollback_unprotected";

    /// The device is not a member of this group.
    UnknownGroup = 0x301, "unknown_group";
    /// No PGK of this generation is held.
    UnknownGeneration = 0x302, "unknown_generation";
    /// All PTK Ids of this PGK are used: a new PGK is needed.
    EpochsExhausted = 0x303, "epochs_exhausted";
    /// Deriving is suspended for this group.
    Suspended = 0x304, "suspended";
    /// The PGK has ended: its time and its grace are over.
    GenerationEnded = 0x305, "generation_ended";
    /// The PGK's time is over: within its grace it is for receiving only.
    ReceiveOnly = 0x306, "receive_only";
    /// Too long without a fresh content for sending to go on.
    Unsynced = 0x307, "unsynced";
    /// Only what has been configured can be revoked: N is above `next`.
    AboveNext = 0x308, "above_next";
    /// The PGK's profile has no admission key.
    NoAdmissionKey = 0x309, "no_admission_key";

    /// The content is not what the format says.
    ContentMalformed = 0x401, "content_malformed";
    /// A held generation would change its key or its fixed policy.
    GenerationConflict = 0x402, "generation_conflict";
    /// The sequence is that of another content.
    SequenceConflict = 0x403, "sequence_conflict";
    /// This build does not have the derivation profile.
    UnsupportedProfile = 0x404, "unsupported_profile";
    /// This build does not have the frame suite, or not with this profile.
    UnsupportedSuite = 0x405, "unsupported_suite";
    /// More groups than a device can hold.
    TooManyGroups = 0x407, "too_many_groups";
    /// More PGKs than a group can hold.
    TooManyPgks = 0x408, "too_many_pgks";
    /// Two PGKs of a group would have the same index on the air.
    PgkIdClash = 0x409, "pgk_id_clash";
    /// Two entries have the same key octets, or a new one those of one that goes.
    KeyRepeated = 0x40a, "key_repeated";
    /// The time is further ahead than any honest clock.
    TimeOutOfRange = 0x40b, "time_out_of_range";
    /// More removed groups are remembered than there is room for.
    TooManyRemoved = 0x40c, "too_many_removed";
    /// A held generation would be used under another member id.
    MemberConflict = 0x40d, "member_conflict";
    /// The profile has no use for an operator label.
    LabelUnused = 0x40e, "label_unused";

    /// What was brought is not in the form of packages and notices.
    Malformed = 0x40f, "malformed";
    /// It is signed, but no package and no notice.
    WrongType = 0x410, "wrong_type";
    /// Its algorithms are not the ones of this version.
    UnsupportedAlgorithm = 0x411, "unsupported_algorithm";
    /// The root key that this device has pinned did not name its signer.
    UntrustedSigner = 0x412, "untrusted_signer";
    /// Its signer acts for another manager.
    WrongManager = 0x413, "wrong_manager";
    /// The signer whom the delegation in it names did not sign it.
    BadSignature = 0x414, "bad_signature";
    /// Its signer's version is below one that was accepted.
    SignerSuperseded = 0x415, "signer_superseded";
    /// A value is not the same in all places where it stands.
    HeadersDisagree = 0x416, "headers_disagree";
    /// What is sealed in it does not open with this device's key.
    NotOpened = 0x417, "not_opened";

    /// The state could not be written or read; nothing has changed.
    StoreFailed = 0x501, "store_failed";
    /// There is no room for the state; nothing has changed.
    StoreFull = 0x502, "store_full";
    /// The state was damaged, so the device answers nothing until erased.
    Damaged = 0x503, "damaged";
    /// The state was written by a later version of the TA.
    StateTooNew = 0x504, "state_too_new";

    /// The TA's own fault: please report it.
    Internal = 0x602, "internal";
}

impl Code {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Code {}
