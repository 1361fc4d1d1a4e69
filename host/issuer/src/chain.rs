//! From the pinned root key to what a signer signed, in the order of
//! docs/package.md.

use crate::cose::{EDDSA, Signed};
use crate::delegation::{Delegation, ManagerId};
use crate::error::{Error, Field};
use crate::key::VerifyKey;
use crate::kind::Kind;

/// What a device pins when it is enrolled, and what it has seen since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The manager's root key.
    pub root: VerifyKey,
    /// The manager.
    pub manager: ManagerId,
    /// The highest signer version seen; lower ones are refused. 0 is none yet.
    pub least_version: u32,
}

impl Trust {
    /// Checks who made a package or notice; its payload is not read.
    pub(crate) fn check(&self, octets: &[u8], kind: Kind) -> Result<(Signed, Delegation), Error> {
        let signed = Signed::read(octets, kind)?;
        let malformed = |part| Error::Malformed { kind, part };
        let version = signed.header.version.ok_or(malformed("protected header"))?;
        if !addressed(&signed, kind) {
            return Err(malformed("protected header"));
        }
        let delegation = signed.delegation.as_deref();
        let delegation = delegation.ok_or(malformed("unprotected header"))?;
        let delegation = match Delegation::verify(delegation, &self.root) {
            // A key that is none verifies nothing.
            Err(Error::BadKey { .. }) => return Err(Error::BadSignature { kind }),
            delegation => delegation?,
        };
        if delegation.manager() != self.manager {
            return Err(Error::WrongManager { found: delegation.manager() });
        }
        if !signed.is_by(delegation.signer()) {
            return Err(Error::BadSignature { kind });
        }
        if signed.header.alg != EDDSA {
            return Err(Error::Algorithm { kind });
        }
        if version != delegation.version() {
            return Err(Error::Disagree { field: Field::SignerVersion });
        }
        if version.get() < self.least_version {
            return Err(Error::OldSigner { found: version, least: self.least_version });
        }
        Ok((signed, delegation))
    }
}

/// Whether a package, and nothing else, says whom it is for.
fn addressed(signed: &Signed, kind: Kind) -> bool {
    match signed.header.address {
        Some((_, sequence)) => kind == Kind::Package && sequence != 0,
        None => kind != Kind::Package,
    }
}
