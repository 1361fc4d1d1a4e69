//! The public keys of a device, and the id that comes of them.

use proseal_proto::id::DeviceId;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::key::{VerifyKey, is_canonical};

/// The public half of a device's identity: what packages for it are sealed to,
/// and what its statements are verified by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    opening: [u8; 32],
    signing: [u8; 32],
}

impl DeviceKeys {
    /// Checks both keys, 32 octets each: X25519 (RFC 7748) and Ed25519 (RFC 8032).
    ///
    /// [`Error::BadKey`] if the X25519 key is not below 2^255 - 19 or of low
    /// order (sealing to it would be no secret), or the Ed25519 key is none.
    pub fn new(x25519: &[u8; 32], ed25519: &[u8; 32]) -> Result<Self, Error> {
        Ok(Self::checked(x25519, ed25519)?.0)
    }

    /// The same, and the key that verifies what the device signs.
    pub(crate) fn checked(
        x25519: &[u8; 32],
        ed25519: &[u8; 32],
    ) -> Result<(Self, VerifyKey), Error> {
        if !is_canonical(x25519) || is_low_order(x25519) {
            return Err(Error::BadKey { what: "X25519" });
        }
        let key = VerifyKey::from_octets(ed25519)?;
        Ok((Self::recorded(x25519, ed25519), key))
    }

    /// Those that were checked before they were written down.
    pub(crate) const fn recorded(x25519: &[u8; 32], ed25519: &[u8; 32]) -> Self {
        Self { opening: *x25519, signing: *ed25519 }
    }

    /// The X25519 key, 32 octets.
    #[must_use]
    pub const fn x25519(&self) -> &[u8; 32] {
        &self.opening
    }

    /// The Ed25519 key, 32 octets.
    #[must_use]
    pub const fn ed25519(&self) -> &[u8; 32] {
        &self.signing
    }

    /// The device id: the first 16 octets of SHA-256 over the X25519 key, then the
    /// Ed25519 key. It is also the fingerprint that people compare.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        let digest: [u8; 32] =
            Sha256::new().chain_update(self.opening).chain_update(self.signing).finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
        DeviceId(id)
    }
}

/// The numbers below 2^255 - 19, little-endian, of points whose order divides the cofactor, on
/// the curve or its twist: 0, 1, both of order 8, and -1. A test compares them with what
/// X25519 makes of them.
const LOW_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

/// Whether an agreement with it would be zeros, whatever the other key.
fn is_low_order(u: &[u8; 32]) -> bool {
    LOW_ORDER.contains(u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SignerKey;

    fn little_endian(hex: &str) -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
    }

    /// A clamped scalar is a multiple of the cofactor and of no larger order (RFC 7748
    /// section 5), so that any one tells.
    #[test]
    fn what_agrees_to_zeros_is_of_low_order() {
        let agreed = |u: [u8; 32]| x25519_dalek::x25519([1; 32], u);
        assert!(LOW_ORDER.iter().all(|u| is_canonical(u) && agreed(*u) == [0; 32]));
        let mut small = [0; 32];
        for first in 2..=u8::MAX {
            small[0] = first;
            assert_ne!(agreed(small), [0; 32], "{first}");
        }
    }

    /// The points of order 1, 2, 4 and 8 on the curve and its twist, and the
    /// numbers from 2^255 - 19 on.
    #[test]
    fn low_order_and_other_forms_are_refused() {
        let ed25519 = *SignerKey::from_seed(&[7; 32]).public().octets();
        let zeros = "00".repeat(31);
        for refused in [
            format!("00{zeros}"),
            format!("01{zeros}"),
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800".to_owned(),
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157".to_owned(),
            format!("ec{}7f", "ff".repeat(30)),
            format!("ed{}7f", "ff".repeat(30)), // p
            format!("ee{}7f", "ff".repeat(30)), // p + 1
            format!("ff{}7f", "ff".repeat(30)),
            format!("09{}80", "00".repeat(30)), // the base point with the unused bit
        ] {
            assert_eq!(
                DeviceKeys::new(&little_endian(&refused), &ed25519),
                Err(Error::BadKey { what: "X25519" }),
                "{refused}"
            );
        }
        for good in [format!("09{zeros}"), format!("eb{}7f", "ff".repeat(30))] {
            assert!(DeviceKeys::new(&little_endian(&good), &ed25519).is_ok(), "{good}");
        }
    }
}
