//! Why something was not made or not accepted, and what to do about it.

use crate::delegation::{ManagerId, SignerVersion};
use crate::kind::Kind;
use crate::state::StateError;

/// The part of a package that is sealed.
pub(crate) const CONTENT_PART: &str = "content";

/// What stands in more than one place and must be equal there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The signer's version.
    SignerVersion,
    /// The device's id.
    Device,
    /// The package's sequence.
    Sequence,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SignerVersion => "signer version",
            Self::Device => "device id",
            Self::Sequence => "sequence",
        })
    }
}

/// Why something was not made or not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Larger than any of its kind.
    #[error("the {kind} has {len} octets, and the most is {max}: bring another file, or list less")]
    TooLong {
        /// What it is.
        kind: Kind,
        /// Its octets.
        len: usize,
        /// The most octets of its kind.
        max: usize,
    },
    /// Not of the form of docs/package.md.
    #[error("the {kind} is malformed ({part}): it is damaged or of another version, get it again")]
    Malformed {
        /// What it should be.
        kind: Kind,
        /// The part that is wrong.
        part: &'static str,
    },
    /// Another kind of signed thing, or none at all.
    #[error("this is no {expected}: check which file it is")]
    WrongType {
        /// What it should be.
        expected: Kind,
    },
    /// An algorithm that this version does not have.
    #[error("the {kind} uses another algorithm: use programs of one release")]
    Algorithm {
        /// What it is in.
        kind: Kind,
    },
    /// The signature over the thing itself does not verify.
    #[error("the {kind}'s signature does not verify: it was changed on its way, get it again")]
    BadSignature {
        /// What was signed.
        kind: Kind,
    },
    /// The delegation is not signed by the root key.
    #[error("the signer is not named by this root key: compare the root key's fingerprint")]
    Untrusted,
    /// Another manager's.
    #[error("it comes from manager {found}, not from this one: bring this manager's")]
    WrongManager {
        /// Whose it is.
        found: ManagerId,
    },
    /// From a signer that has been replaced.
    #[error("signer version {found} is replaced by {least}: get one that the present signer made")]
    OldSigner {
        /// The version it has.
        found: SignerVersion,
        /// The least that is accepted.
        least: u32,
    },
    /// A value that stands in several places is not the same in all.
    #[error("the package's {field} is not the same in all its parts: whoever made it has a fault")]
    Disagree {
        /// Which.
        field: Field,
    },
    /// For another device.
    #[error("it is for another device: bring the one that was made for this device")]
    WrongDevice,
    /// The sealed content does not open.
    #[error("the package does not open with this device's key: get one for the present identity")]
    NotOpened,
    /// A public key that is none.
    #[error("the {what} key is not a valid public key: get the device's statement again")]
    BadKey {
        /// Which.
        what: &'static str,
    },
    /// The signer's key is not the one that its delegation names.
    #[error("the delegation names another key: take the delegation that was made for this signer")]
    NotDelegated,
    /// A number outside its range.
    #[error("the {what} is out of its range: it is 1 or more, and a generation at most 2^48")]
    OutOfRange {
        /// Which.
        what: &'static str,
    },
    /// The statement answers another nonce.
    #[error("the statement answers another question: ask the device again")]
    OldStatement,
    /// The statement's device id does not come of its keys.
    #[error("the statement's device id does not come of its keys: do not approve this device")]
    WrongDeviceId,
    /// The desired state could not take effect on any device.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Error {
    /// A stable short name: what docs/package.md and docs/commands.md call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "oversized",
            Self::Malformed { part: CONTENT_PART, .. } => "content_malformed",
            Self::Malformed { .. } => "malformed",
            Self::WrongType { .. } => "wrong_type",
            Self::Algorithm { .. } => "unsupported_algorithm",
            Self::BadSignature { .. } => "bad_signature",
            Self::Untrusted => "untrusted_signer",
            Self::WrongManager { .. } => "wrong_manager",
            Self::OldSigner { .. } => "signer_superseded",
            Self::Disagree { .. } => "headers_disagree",
            Self::WrongDevice => "wrong_device",
            Self::NotOpened => "not_opened",
            Self::BadKey { .. } => "bad_key",
            Self::NotDelegated => "not_delegated",
            Self::OutOfRange { .. } => "out_of_range",
            Self::OldStatement => "old_statement",
            Self::WrongDeviceId => "wrong_device_id",
            Self::State(state) => state.name(),
        }
    }
}
