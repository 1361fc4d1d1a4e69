//! The key in a file: AES-256-GCM in this process.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use zeroize::Zeroizing;

use super::{SECRET_LEN, Sealer, VaultError};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// The octets of the key file.
pub struct FileKey(Zeroizing<[u8; SECRET_LEN]>);

impl FileKey {
    /// From what the file holds.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; SECRET_LEN]>) -> Self {
        Self(key)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

impl Sealer for FileKey {
    /// Under a nonce of 96 random bits: nonce, ciphertext, tag. So few are ever made with one
    /// key that none comes twice (NIST SP 800-38D section 8.3: 2^32).
    fn seal(&self, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| VaultError::Random(error.to_string()))?;
        let mut text = Zeroizing::new(secret.to_vec());
        let tag = self
            .cipher()
            .encrypt_inout_detached(&nonce.into(), aad, text.as_mut_slice().into())
            .map_err(|error| VaultError::Random(error.to_string()))?;
        Ok([&nonce[..], &text[..], &tag[..]].concat())
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::NotOpened)?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(VaultError::NotOpened)?;
        let mut secret = Zeroizing::new(text.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                nonce.into(),
                aad,
                secret.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| VaultError::NotOpened)?;
        Ok(secret)
    }
}
