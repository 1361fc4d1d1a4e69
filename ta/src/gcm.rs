//! AES-128-GCM, as packages are sealed with it (HPKE, RFC 9180): a nonce of 96
//! bits, a tag of 128.

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
