//! The Ed25519 keys of the manager's side (RFC 8032 section 5.1).

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Error;

/// A public Ed25519 key: 32 octets that are a point in its one encoding, and not
/// of low order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyKey(VerifyingKey);

impl VerifyKey {
    /// Checks 32 octets.
    ///
    /// [`Error::BadKey`] if they are no point, a point in another encoding
    /// than its canonical one (RFC 8032 section 5.1.3), or of low order.
    pub fn from_octets(octets: &[u8; 32]) -> Result<Self, Error> {
        let bad = Error::BadKey { what: "Ed25519" };
        let key = VerifyingKey::from_bytes(octets).map_err(|_| bad.clone())?;
        let mut y = *octets;
        y[31] &= 0x7f;
        // The other encoding of x = 0, with the sign of none, is of a point of low order.
        if is_canonical(&y) && !key.is_weak() { Ok(Self(key)) } else { Err(bad) }
    }

    /// The key's 32 octets.
    #[must_use]
    pub fn octets(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// SHA-256 of the 32 octets: what a statement says of the root key, and what
    /// people compare.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.octets()).into()
    }

    /// Whether `signature` is this key's over `message`. Strict: canonical `S`,
    /// `R` not of low order.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// 2^255 - 19 without its first octet (0xed), little-endian from the second on.
const PRIME_TAIL: u8 = 0xff;

/// Whether the little-endian number is below 2^255 - 19.
pub(crate) fn is_canonical(number: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = number;
    *last < 0x7f
        || (*last == 0x7f && (*first < 0xed || middle.iter().any(|&octet| octet != PRIME_TAIL)))
}

/// 64 lower-case hexadecimal digits.
impl std::fmt::Display for VerifyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.octets().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl std::fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A private key. It wipes itself when dropped.
macro_rules! private_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(SigningKey);

        impl $name {
            /// A new key of 32 random octets.
            pub fn generate(random: &mut impl CryptoRng) -> Self {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill_bytes(seed.as_mut_slice());
                Self::from_seed(&seed)
            }

            /// From the 32 octets of RFC 8032 section 5.1.5; the caller wipes them.
            #[must_use]
            pub fn from_seed(seed: &[u8; 32]) -> Self {
                Self(SigningKey::from_bytes(seed))
            }

            /// The 32 octets, to be kept. Each use is a place to review.
            #[must_use]
            pub fn expose_seed(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }

            /// The public half.
            #[must_use]
            pub fn public(&self) -> VerifyKey {
                VerifyKey(self.0.verifying_key())
            }

            pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
                self.0.sign(message).to_bytes()
            }
        }
    };
}

private_key! {
    /// The manager's offline key, pinned by each device at enrolment. It signs
    /// delegations and nothing else.
    RootKey
}
private_key! {
    /// The online key, which packages and notices are signed with.
    SignerKey
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(digits: &str) -> [u8; N] {
        let octet = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(octet)
    }

    /// RFC 8032 section 7.1, TEST 2.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let key = SignerKey::from_seed(&hex(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        ));
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        assert_eq!(key.public().to_string(), public);
        let signature = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(key.sign(&[0x72]), signature);
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }

    /// Public keys of low order would verify signatures that nobody made.
    #[test]
    fn what_is_no_key_is_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut sign_of_zero = identity;
        sign_of_zero[31] = 0x80;
        // y = p + 3: a point's other encoding.
        let mut other_form = [0xff; 32];
        (other_form[0], other_form[31]) = (0xf0, 0x7f);
        // y = -1, with the sign that its x = 0 has not.
        let mut sign_of_minus_one = [0xff; 32];
        sign_of_minus_one[0] = 0xec;
        let mut y_is_2 = [0; 32];
        y_is_2[0] = 2; // no point has it
        for octets in [[0; 32], identity, sign_of_zero, sign_of_minus_one, other_form, y_is_2] {
            assert_eq!(
                VerifyKey::from_octets(&octets).err(),
                Some(Error::BadKey { what: "Ed25519" }),
                "{octets:02x?}"
            );
        }
    }
}
