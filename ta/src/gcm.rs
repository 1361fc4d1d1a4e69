//! AES-128-GCM with a nonce of 96 bits and a tag of 128, as packages are sealed
//! with it (HPKE, RFC 9180).

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Tag};

/// Octets of the key.
pub const KEY_LEN: usize = 16;
/// Octets of the nonce.
pub const NONCE_LEN: usize = 12;
/// Octets of the tag, which stands behind the ciphertext.
pub const TAG_LEN: usize = 16;

/// The tag does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// Opens `sealed`, ciphertext and tag, in place (NIST SP 800-38D section 7.2);
/// the plaintext. If it is not authentic the octets are of no use.
pub fn open<'s>(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    sealed: &'s mut [u8],
) -> Result<&'s mut [u8], NotAuthentic> {
    let (text, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(NotAuthentic)?;
    let tag = Tag::from(*tag);
    Aes128Gcm::new(key.into())
        .decrypt_inout_detached(nonce.into(), aad, (&mut *text).into(), &tag)
        .map_err(|_| NotAuthentic)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Test case 4 of McGrew and Viega, "The Galois/Counter Mode of Operation",
    /// Appendix B.
    const KEY: u128 = 0xfeff_e992_8665_731c_6d6a_8f94_6730_8308;
    const NONCE: [u8; NONCE_LEN] = *b"\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88";
    const AAD: &str = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    const TEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    const SEALED: &str = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
                          21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091\
                          5bc94fbc3221a5db94fae95ae7121a47";

    fn unhex(digits: &str) -> Vec<u8> {
        let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(octet).collect()
    }

    fn opened(key: u128, nonce: &[u8; 12], aad: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        open(&key.to_be_bytes(), nonce, aad, &mut sealed).ok().map(|text| text.to_vec())
    }

    #[test]
    fn the_published_case_opens() {
        assert_eq!(opened(KEY, &NONCE, &unhex(AAD), unhex(SEALED)), Some(unhex(TEXT)));
    }

    #[test]
    fn no_octet_can_be_another() {
        let (aad, sealed) = (unhex(AAD), unhex(SEALED));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(opened(KEY, &NONCE, &aad, changed), None, "sealed octet {at}");
        }
        for at in 0..aad.len() {
            let mut changed = aad.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(opened(KEY, &NONCE, &changed, sealed.clone()), None, "aad octet {at}");
        }
        for at in 0..NONCE_LEN {
            let mut nonce = NONCE;
            nonce[at] ^= 1 << (at % 8);
            assert_eq!(opened(KEY, &nonce, &aad, sealed.clone()), None, "nonce octet {at}");
        }
        for at in 0..128 {
            assert_eq!(opened(KEY ^ 1 << at, &NONCE, &aad, sealed.clone()), None, "key bit {at}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_tag_is_not_authentic() {
        for len in 0..TAG_LEN {
            assert_eq!(opened(KEY, &NONCE, &[], std::vec![0; len]), None);
        }
        // Nothing but a tag can be: it is of no text.
        let (text, tag) = (Vec::new(), unhex("58e2fccefa7e3061367f1d57a4e7455a"));
        assert_eq!(opened(0, &[0; NONCE_LEN], &[], tag), Some(text), "test case 1 of the same");
    }
}
