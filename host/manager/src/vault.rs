//! Secrets at rest: AES-256-GCM under the key file, each bound to what it is.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use proseal_proto::id::{Generation, GroupId};
use zeroize::Zeroizing;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// Octets of every secret: a PGK, or the seed of a signer.
pub const SECRET_LEN: usize = 32;

/// Why a secret was not sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Another key file, or what is stored was changed.
    #[error("a secret in the database does not open with this key file")]
    NotOpened,
    /// The kernel gives no random octets, or the cipher refused.
    #[error("no random octets: {0}")]
    Random(String),
}

/// What a sealed secret is: it opens as nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A PGK.
    Pgk(GroupId, Generation),
    /// The seed of a signer of this version.
    Signer(u32),
    /// What nonces are authenticated with.
    Nonces,
    /// The key of the servers' certificate authority, PKCS #8.
    Authority,
}

impl Kind {
    /// The additional data: a word, then fixed widths.
    fn aad(self) -> Vec<u8> {
        match self {
            Self::Pgk(group, generation) => {
                [b"pgk".as_slice(), &group.octets(), &generation.get().to_be_bytes()].concat()
            }
            Self::Signer(version) => [b"signer".as_slice(), &version.to_be_bytes()].concat(),
            Self::Nonces => b"nonces".to_vec(),
            Self::Authority => b"authority".to_vec(),
        }
    }
}

/// The key that everything secret is sealed with.
pub struct Vault(Zeroizing<[u8; SECRET_LEN]>);

impl Vault {
    /// From the octets of the key file.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; SECRET_LEN]>) -> Self {
        Self(key)
    }

    /// Seals under a nonce of 96 random bits: nonce, ciphertext, tag. So few are ever
    /// made with one key that none comes twice (NIST SP 800-38D section 8.3: 2^32).
    pub fn seal(&self, kind: Kind, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| VaultError::Random(error.to_string()))?;
        let mut text = Zeroizing::new(secret.to_vec());
        let tag = self
            .cipher()
            .encrypt_inout_detached(&nonce.into(), &kind.aad(), text.as_mut_slice().into())
            .map_err(|error| VaultError::Random(error.to_string()))?;
        Ok([&nonce[..], &text[..], &tag[..]].concat())
    }

    /// Opens what was sealed as this kind.
    pub fn open(&self, kind: Kind, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::NotOpened)?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(VaultError::NotOpened)?;
        let mut secret = Zeroizing::new(text.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                nonce.into(),
                &kind.aad(),
                secret.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| VaultError::NotOpened)?;
        Ok(secret)
    }

    /// The same where it is a key.
    pub fn open_key(
        &self,
        kind: Kind,
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; SECRET_LEN]>, VaultError> {
        let secret = self.open(kind, sealed)?;
        let mut key = Zeroizing::new([0; SECRET_LEN]);
        if secret.len() != SECRET_LEN {
            return Err(VaultError::NotOpened);
        }
        key.copy_from_slice(&secret);
        Ok(key)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId::from_octets([0, 0, 1]);

    fn kind(group: GroupId, generation: u64) -> Kind {
        Kind::Pgk(group, Generation::new(generation).unwrap())
    }

    #[test]
    fn a_secret_opens_as_what_it_is_and_as_nothing_else() {
        let vault = Vault::new(Zeroizing::new([7; 32]));
        let sealed = vault.seal(kind(GROUP, 1), &[9; 32]).unwrap();
        assert_eq!(vault.open_key(kind(GROUP, 1), &sealed).as_deref(), Ok(&[9; 32]));
        let other_group = GroupId::from_octets([0, 0, 2]);
        for other in [kind(GROUP, 2), kind(other_group, 1), Kind::Signer(1)] {
            assert_eq!(vault.open(other, &sealed).err(), Some(VaultError::NotOpened), "{other:?}");
        }
        let other_key = Vault::new(Zeroizing::new([8; 32]));
        assert!(other_key.open(kind(GROUP, 1), &sealed).is_err());
    }

    #[test]
    fn no_octet_of_what_is_stored_can_be_another() {
        let vault = Vault::new(Zeroizing::new([7; 32]));
        let sealed = vault.seal(Kind::Signer(3), &[9; 32]).unwrap();
        assert_eq!(sealed.len(), NONCE_LEN + SECRET_LEN + TAG_LEN);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(Kind::Signer(3), &changed).is_err(), "octet {at}");
        }
        assert!(vault.open(Kind::Signer(3), &sealed[..sealed.len() - 1]).is_err());
    }

    #[test]
    fn one_secret_is_never_sealed_to_the_same_octets() {
        let vault = Vault::new(Zeroizing::new([7; 32]));
        let seal = || vault.seal(Kind::Signer(3), &[9; 32]).unwrap();
        assert_ne!(seal(), seal());
    }
}
