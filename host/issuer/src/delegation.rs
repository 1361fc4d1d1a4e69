//! Delegations: the root key names a signer for a manager, under a version that
//! only grows.

use crate::cbor::{self, Entries, Writer};
use crate::cose::{EDDSA, Header, Signed, sign1};
use crate::error::Error;
use crate::key::{RootKey, SignerKey, VerifyKey};
use crate::kind::Kind;

/// Names a manager: 16 octets, drawn when it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ManagerId(pub [u8; 16]);

/// 32 lower-case hexadecimal digits.
impl std::fmt::Display for ManagerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Tells a manager's signers apart; grows with each. 1 to 2^32 - 1; 0 is "none
/// yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerVersion(u32);

impl SignerVersion {
    /// The first signer's.
    pub const FIRST: Self = Self(1);

    /// Checks that it is not 0; else [`Error::OutOfRange`].
    pub const fn new(version: u32) -> Result<Self, Error> {
        if version == 0 {
            Err(Error::OutOfRange { what: "signer version" })
        } else {
            Ok(Self(version))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for SignerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The root key's word that a signer acts for a manager. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    octets: Vec<u8>,
    signer: VerifyKey,
    version: SignerVersion,
    manager: ManagerId,
}

impl Delegation {
    /// Names `signer`. A version is never used for two keys: that is the caller's
    /// to see.
    #[must_use]
    pub fn sign(
        root: &RootKey,
        signer: VerifyKey,
        version: SignerVersion,
        manager: ManagerId,
    ) -> Self {
        let mut payload = Vec::new();
        let mut w = Writer(&mut payload);
        w.map(3);
        w.uint(1_u8).bytes(signer.octets());
        w.uint(2_u8).uint(version.get());
        w.uint(3_u8).bytes(&manager.0);
        let header = Header::signed(Kind::Delegation, None);
        let octets = sign1(&header, None, payload, |message| root.sign(message));
        Self { octets, signer, version, manager }
    }

    /// Reads one and checks that `root` signed it.
    ///
    /// Errors: [`Error::TooLong`] (over 256 octets), [`Error::Malformed`]
    /// or [`Error::WrongType`], [`Error::Untrusted`], [`Error::Algorithm`],
    /// [`Error::BadKey`], in this order.
    pub fn verify(octets: &[u8], root: &VerifyKey) -> Result<Self, Error> {
        let kind = Kind::Delegation;
        let signed = Signed::read(octets, kind)?;
        if !signed.is_by(root) {
            return Err(Error::Untrusted);
        }
        if signed.header.alg != EDDSA {
            return Err(Error::Algorithm { kind });
        }
        if signed.header != Header::signed(kind, None) || signed.delegation.is_some() {
            return Err(Error::Malformed { kind, part: "header" });
        }
        let (signer, version, manager) =
            fields(&signed.payload).ok_or(Error::Malformed { kind, part: "payload" })?;
        let signer = VerifyKey::from_octets(&signer)?;
        Ok(Self { octets: octets.to_vec(), signer, version, manager })
    }

    /// The delegation as it travels in packages and notices.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The key that it names.
    #[must_use]
    pub const fn signer(&self) -> &VerifyKey {
        &self.signer
    }

    /// The signer's version.
    #[must_use]
    pub const fn version(&self) -> SignerVersion {
        self.version
    }

    /// The manager that the signer acts for.
    #[must_use]
    pub const fn manager(&self) -> ManagerId {
        self.manager
    }
}

fn fields(payload: &[u8]) -> Option<([u8; 32], SignerVersion, ManagerId)> {
    let mut entries = Entries::of(cbor::read(payload)?)?;
    let signer = entries.octets(1)?;
    let version = SignerVersion::new(entries.uint(2)?.try_into().ok()?).ok()?;
    let manager = ManagerId(entries.octets(3)?);
    entries.end_of_payload()?;
    Some((signer, version, manager))
}

/// A signer's private key with the delegation that names it: what makes
/// packages and notices.
pub struct Signer {
    key: SignerKey,
    delegation: Delegation,
}

impl Signer {
    /// Puts both together; [`Error::NotDelegated`] if the delegation names another
    /// key.
    pub fn new(key: SignerKey, delegation: Delegation) -> Result<Self, Error> {
        if key.public() == delegation.signer {
            Ok(Self { key, delegation })
        } else {
            Err(Error::NotDelegated)
        }
    }

    /// The delegation.
    #[must_use]
    pub const fn delegation(&self) -> &Delegation {
        &self.delegation
    }

    pub(crate) fn sign(&self, header: &Header, payload: Vec<u8>) -> Vec<u8> {
        let sign = |message: &[u8]| self.key.sign(message);
        sign1(header, Some(self.delegation.octets()), payload, sign)
    }

    #[cfg(feature = "testing")]
    pub(crate) const fn key(&self) -> &SignerKey {
        &self.key
    }
}
