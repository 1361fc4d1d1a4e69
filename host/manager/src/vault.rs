//! Secrets at rest, each bound to what it is, under a key that is somewhere: in the key file,
//! or wherever else a [`Sealer`] has it.

mod file_key;

pub use file_key::FileKey;
use proseal_proto::id::{Generation, GroupId};
use zeroize::Zeroizing;

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

/// What holds the key that everything secret is sealed with: authenticated encryption of so
/// few octets that a token can do it itself. The key file's is [`FileKey`]. A key that never
/// leaves a token is another one of these (PKCS #11: CKM_AES_GCM with `C_Encrypt` and
/// `C_Decrypt`), and a line where the manager's folder is opened (home.rs).
pub trait Sealer: Send + Sync {
    /// Seals a secret, bound to `aad`, never twice to the same octets.
    fn seal(&self, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Opens what was sealed under this key with this `aad`.
    fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError>;
}

/// Seals secrets as what they are, wherever the key is.
pub struct Vault(Box<dyn Sealer>);

impl Vault {
    /// Over what holds the key.
    pub fn new(sealer: impl Sealer + 'static) -> Self {
        Self(Box::new(sealer))
    }

    /// Seals a secret as this kind.
    pub fn seal(&self, kind: Kind, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.seal(&kind.aad(), secret)
    }

    /// Opens what was sealed as this kind.
    pub fn open(&self, kind: Kind, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.0.open(&kind.aad(), sealed)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId::from_octets([0, 0, 1]);

    fn under(octet: u8) -> Vault {
        Vault::new(FileKey::new(Zeroizing::new([octet; 32])))
    }

    fn kind(group: GroupId, generation: u64) -> Kind {
        Kind::Pgk(group, Generation::new(generation).unwrap())
    }

    #[test]
    fn a_secret_opens_as_what_it_is_and_as_nothing_else() {
        let vault = under(7);
        let sealed = vault.seal(kind(GROUP, 1), &[9; 32]).unwrap();
        assert_eq!(vault.open_key(kind(GROUP, 1), &sealed).as_deref(), Ok(&[9; 32]));
        let other_group = GroupId::from_octets([0, 0, 2]);
        for other in [kind(GROUP, 2), kind(other_group, 1), Kind::Signer(1)] {
            assert_eq!(vault.open(other, &sealed).err(), Some(VaultError::NotOpened), "{other:?}");
        }
        let other_key = under(8);
        assert!(other_key.open(kind(GROUP, 1), &sealed).is_err());
    }

    #[test]
    fn no_octet_of_what_is_stored_can_be_another() {
        let vault = under(7);
        let sealed = vault.seal(Kind::Signer(3), &[9; 32]).unwrap();
        assert_eq!(sealed.len(), 12 + SECRET_LEN + 16);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(Kind::Signer(3), &changed).is_err(), "octet {at}");
        }
        assert!(vault.open(Kind::Signer(3), &sealed[..sealed.len() - 1]).is_err());
    }

    #[test]
    fn one_secret_is_never_sealed_to_the_same_octets() {
        let vault = under(7);
        let seal = || vault.seal(Kind::Signer(3), &[9; 32]).unwrap();
        assert_ne!(seal(), seal());
    }

    /// A key in another place, which only lends a hand.
    struct Token(std::sync::Arc<FileKey>);

    impl Sealer for Token {
        fn seal(&self, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>, VaultError> {
            self.0.seal(aad, secret)
        }

        fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
            self.0.open(aad, sealed)
        }
    }

    #[test]
    fn a_vault_is_the_same_over_a_key_that_is_elsewhere() {
        let key = std::sync::Arc::new(FileKey::new(Zeroizing::new([7; 32])));
        let elsewhere = Vault::new(Token(key));
        let sealed = elsewhere.seal(kind(GROUP, 1), &[9; 32]).unwrap();
        assert_eq!(under(7).open_key(kind(GROUP, 1), &sealed).as_deref(), Ok(&[9; 32]));
        assert!(elsewhere.open(kind(GROUP, 2), &sealed).is_err());
    }
}
