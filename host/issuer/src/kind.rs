//! The kinds of signed things.

use coset::{CoseSign1, TaggedCborSerializable};

use crate::cbor::{self, Entries};
use crate::cose::label;

/// The kinds of signed things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The root key names a signer.
    Delegation,
    /// The sealed state of one device.
    Package,
    /// In one group everything below a generation is ended.
    Notice,
    /// What a device says of itself.
    Statement,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Delegation, Self::Package, Self::Notice, Self::Statement];

    /// Its `typ`, compared exactly.
    #[must_use]
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Delegation => "proseal-delegation",
            Self::Package => "proseal-package",
            Self::Notice => "proseal-notice",
            Self::Statement => "proseal-statement",
        }
    }

    /// The most octets. A package fits an object frame; the others have fixed
    /// fields, and room for extensions.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Self::Delegation => 256,
            Self::Package => 15 * 1024,
            Self::Notice | Self::Statement => 512,
        }
    }

    /// What kind `octets` say that they are. Nothing is checked by that.
    ///
    /// `None` if they are no tagged COSE_Sign1 with a `typ` of ours, of at most 15,360
    /// octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Option<Self> {
        if octets.len() > Self::Package.max() {
            return None;
        }
        let protected = CoseSign1::from_tagged_slice(octets).ok()?.protected;
        let typ = Entries::of(cbor::read(&protected.original_data?)?)?.text(label::TYP)?;
        Self::ALL.into_iter().find(|kind| kind.typ() == typ)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Delegation => "delegation",
            Self::Package => "package",
            Self::Notice => "notice",
            Self::Statement => "statement",
        })
    }
}
