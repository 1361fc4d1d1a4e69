//! The operator's choices of how keys are derived and frames protected.

use crate::error::Code;

/// How IK and CK are derived from a PGK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Profile {
    /// RFC 5869 HKDF with SHA-256, info as in docs/derivation.md.
    HkdfSha256 = 1,
    /// TS 33.220 Annex B.2 and TS 33.303 Annex A.
    Ts33303 = 2,
}

impl Profile {
    /// The number in packages and in the HKDF info.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that operators use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HkdfSha256 => "hkdf-sha256",
            Self::Ts33303 => "3gpp-ts33303",
        }
    }
}

impl TryFrom<u8> for Profile {
    type Error = Code;

    fn try_from(number: u8) -> Result<Self, Code> {
        match number {
            1 => Ok(Self::HkdfSha256),
            2 => Ok(Self::Ts33303),
            _ => Err(Code::UnsupportedProfile),
        }
    }
}

/// How frames are protected with IK and CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Suite {
    /// AES-256-GCM under CK.
    Aead = 1,
    /// HMAC-SHA-256-128 under IK, payload in clear.
    Integrity = 2,
    /// 128-EEA2 under CK and 128-EIA2 under IK.
    ThreeGpp = 3,
}

impl Suite {
    /// The number in packages and in the HKDF info.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that operators use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aead => "aead",
            Self::Integrity => "integrity",
            Self::ThreeGpp => "3gpp",
        }
    }

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
        match number {
            1 => Ok(Self::Aead),
            2 => Ok(Self::Integrity),
            3 => Ok(Self::ThreeGpp),
            _ => Err(Code::UnsupportedSuite),
        }
    }
}
