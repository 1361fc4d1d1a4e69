//! Identifiers, each with its width and range checked when it is made.

use core::fmt;

use crate::limit;

/// A value that is out of the range its type allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

/// Three octets as on the air (24 bits).
const LAYER2_MAX: u32 = 0x00ff_ffff;

/// A layer-2 identifier: 24 bits, big-endian in three octets.
macro_rules! layer2_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Checks that `value` fits in 24 bits.
            pub const fn new(value: u32) -> Result<Self, OutOfRange> {
                if value > LAYER2_MAX { Err(OutOfRange) } else { Ok(Self(value)) }
            }

            /// From the three octets of the wire, most significant first.
            #[must_use]
            pub const fn from_octets([a, b, c]: [u8; 3]) -> Self {
                Self(u32::from_be_bytes([0, a, b, c]))
            }

            /// The three octets of the wire, most significant first.
            #[must_use]
            pub const fn octets(self) -> [u8; 3] {
                let [_, a, b, c] = self.0.to_be_bytes();
                [a, b, c]
            }
        }

        /// Six lower-case hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:06x}", self.0)
            }
        }
    };
}

layer2_id! {
    /// The destination group (ProSe Layer-2 Group ID), 24 bits.
    GroupId
}
layer2_id! {
    /// The sending UE within a group (layer-2 source address), 24 bits.
    MemberId
}

/// Names a PGK: grows within its group, 1 to 2^48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The first generation of a group.
    pub const FIRST: Self = Self(1);

    /// Checks that `value` is 1 to 2^48.
    pub const fn new(value: u64) -> Result<Self, OutOfRange> {
        if value == 0 || value > limit::GENERATION { Err(OutOfRange) } else { Ok(Self(value)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number that a group's `next` has at least after this generation
    /// came in. May be 2^48 + 1, which no generation reaches.
    #[must_use]
    pub const fn successor(self) -> u64 {
        self.0.saturating_add(1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The 8-bit label of a PGK on the air. Frames carry its five low bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PgkId(pub u8);

impl PgkId {
    /// What the frame header carries of it (TS 36.323 clause 6.3.12).
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0 & 0x1f
    }
}

/// Two lower-case hexadecimal digits.
impl fmt::Display for PgkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

/// A sender's counter of derivations, 1 to 65535, never reused with one PGK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PtkId(u16);

impl PtkId {
    /// Zero is refused: with a zero PGK index it would read "not ciphered".
    pub const fn new(value: u16) -> Result<Self, OutOfRange> {
        if value == 0 { Err(OutOfRange) } else { Ok(Self(value)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Four lower-case hexadecimal digits.
impl fmt::Display for PtkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

/// 64 random bits that the sender's TA draws with every new PTK Id. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EpochSalt(pub [u8; 8]);

impl EpochSalt {
    /// Where the profile has no salt.
    pub const NONE: Self = Self([0; 8]);
}

/// First 16 octets of SHA-256 over the device's public keys; zeros while a
/// device has no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId(pub [u8; 16]);

/// 32 lower-case hexadecimal digits: the fingerprint that people compare.
impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl DeviceId {
    /// A device without an identity.
    pub const NONE: Self = Self([0; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn layer2_ids_are_24_bits_and_print_at_full_width() {
        assert!(GroupId::new(0x0100_0000).is_err());
        let group = GroupId::new(0x00_0a0b).unwrap();
        assert_eq!(group.octets(), [0, 0x0a, 0x0b]);
        assert_eq!(GroupId::from_octets(group.octets()), group);
        assert_eq!(group.to_string(), "000a0b");
    }

    #[test]
    fn generations_are_1_to_2_pow_48() {
        assert!(Generation::new(0).is_err());
        assert!(Generation::new(limit::GENERATION).is_ok());
        assert!(Generation::new(limit::GENERATION + 1).is_err());
    }

    #[test]
    fn ptk_id_zero_does_not_exist() {
        assert!(PtkId::new(0).is_err());
        assert_eq!(PtkId::new(0x2a).unwrap().to_string(), "002a");
    }
}
