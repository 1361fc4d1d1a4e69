//! Ed25519 signatures of managers (RFC 8032). The device's own are the platform's
//! to make, which has the key.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `signature` is the key's over `message`. Of each message there is one:
/// S is below the group's order. A key or a commitment of low order signs nothing,
/// as it would sign anything.
#[must_use]
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use ed25519_dalek::Verifier as _;

    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    /// RFC 8032 section 7.1, TEST 2.
    #[test]
    fn the_published_signature_verifies_and_no_other() {
        let key = octets("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let key: [u8; 32] = key.try_into().unwrap();
        let signature = octets(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        let signature: [u8; 64] = signature.try_into().unwrap();
        assert!(verify(&key, &[0x72], &signature));
        assert!(!verify(&key, &[0x73], &signature));
        for at in 0..64 {
            let mut other = signature;
            other[at] ^= 1;
            assert!(!verify(&key, &[0x72], &other), "octet {at}");
        }
    }

    #[test]
    fn a_key_that_is_none_signs_nothing() {
        let one: [u8; 32] = core::array::from_fn(|at| u8::from(at == 0));
        // With a key of order 1 this one holds for any message, if that is not looked for.
        let mut neutral = [0; 64];
        neutral[0] = 1;
        let key = VerifyingKey::from_bytes(&one).unwrap();
        assert!(key.verify(b"any", &Signature::from_bytes(&neutral)).is_ok());
        for key in [one, [0; 32], [0xff; 32], [2; 32]] {
            assert!(!verify(&key, b"any", &neutral));
            assert!(!verify(&key, b"any", &[0; 64]));
        }
    }
}
