//! The operator's choices of how keys are derived and frames protected.

use crate::error::Code;

/// Builds a choice, its numbers, its names and the list of all from one table,
/// so that nothing is in the one and not in the others.
macro_rules! choice {
    ($(#[doc = $of:literal])* $choice:ident {
        $($(#[doc = $doc:literal])* $variant:ident = $number:literal, $name:literal;)*
    }) => {
        $(#[doc = $of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $choice { $($(#[doc = $doc])* $variant = $number,)* }

        impl $choice {
            /// All there are, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in packages and in the HKDF info.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The name that operators use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

choice! {
    /// How IK and CK are derived from a PGK.
    Profile {
        /// RFC 5869 HKDF with SHA-256, info as in docs/derivation.md.
        HkdfSha256 = 1, "hkdf-sha256";
        /// TS 33.220 Annex B.2 and TS 33.303 Annex A.
        Ts33303 = 2, "3gpp-ts33303";
    }
}

choice! {
    /// How frames are protected with IK and CK.
    Suite {
        /// AES-256-GCM under CK.
        Aead = 1, "aead";
        /// HMAC-SHA-256-128 under IK, payload in clear.
        Integrity = 2, "integrity";
        /// 128-EEA2 under CK and 128-EIA2 under IK.
        ThreeGpp = 3, "3gpp";
    }
}

impl Profile {
    /// The suites that it may be used with. Any other pair is refused when a
    /// PGK comes in.
    #[must_use]
    pub const fn suites(self) -> &'static [Suite] {
        match self {
            Self::HkdfSha256 => Suite::ALL,
            // TS 33.303 derives keys of 128 bits for the algorithms of LTE.
            Self::Ts33303 => &[Suite::ThreeGpp],
        }
    }

    /// Whether the epoch salt is an input. Where it is not, salts are zero, and
    /// a sender whose storage was rolled back would have its epochs a second
    /// time.
    #[must_use]
    pub const fn has_salt(self) -> bool {
        match self {
            Self::HkdfSha256 => true,
            Self::Ts33303 => false,
        }
    }

    /// Whether the operator's label is an input of what is derived from a PGK.
    #[must_use]
    pub const fn has_label(self) -> bool {
        match self {
            Self::HkdfSha256 => true,
            Self::Ts33303 => false,
        }
    }
}

impl TryFrom<u8> for Profile {
    type Error = Code;

    fn try_from(number: u8) -> Result<Self, Code> {
        let mut all = Self::ALL.iter().copied();
        all.find(|profile| profile.number() == number).ok_or(Code::UnsupportedProfile)
    }
}

impl Suite {
    /// Octets of each of IK and CK that are in use, the rest being zero.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aead | Self::Integrity => 32,
            Self::ThreeGpp => 16,
        }
    }
}

impl TryFrom<u8> for Suite {
    type Error = Code;

    fn try_from(number: u8) -> Result<Self, Code> {
        let mut all = Self::ALL.iter().copied();
        all.find(|suite| suite.number() == number).ok_or(Code::UnsupportedSuite)
    }
}
