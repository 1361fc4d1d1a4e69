//! Packages and notices: from the pinned root key to what a signer signed, in
//! the order of docs/package.md. A package stays sealed here.

use crate::cbor::{Malformed, Strict};
use crate::content::{extension, narrow};
use crate::cose::{EDDSA, Encrypt0, HPKE_3, Header, Sign1};
use crate::error::Code;
use crate::id::{DeviceId, Generation, GroupId};
use crate::limit;

use alloc::vec::Vec;

/// `typ` of each signed or sealed thing, compared exactly.
pub(crate) mod typ {
    pub(crate) const DELEGATION: &str = "proseal-delegation";
    pub(crate) const PACKAGE: &str = "proseal-package";
    pub(crate) const CONTENT: &str = "proseal-package-content";
    pub(crate) const NOTICE: &str = "proseal-notice";
    pub(crate) const STATEMENT: &str = "proseal-statement";
}

/// Checks a signature: whether the last is the Ed25519 key's (32 octets) over the
/// message (RFC 8032), 64 octets.
pub type Verify = fn(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool;

/// What a device has pinned, and has seen since.
#[derive(Clone, Copy)]
pub struct Trust<'t> {
    /// The manager's root key.
    pub root_key: &'t [u8; 32],
    /// The manager's id.
    pub manager: &'t [u8; 16],
    /// The highest signer version that was accepted.
    pub signer_version: u32,
}

/// What a signer of the device's manager has signed.
pub struct Verified<'a> {
    /// The signer's version; at least the one of [`Trust`].
    pub signer_version: u32,
    /// What it is.
    pub body: Body<'a>,
}

/// One of the two kinds.
pub enum Body<'a> {
    /// A package, sealed.
    Package(Package<'a>),
    /// A notice.
    Notice(Notice),
}

/// A package whose headers agree.
pub struct Package<'a> {
    /// Whom it is for.
    pub device: DeviceId,
    /// Its sequence, 1 or more.
    pub sequence: u64,
    /// What was signed: the COSE_Encrypt0. Its SHA-256 is the package's digest.
    pub payload: &'a [u8],
    sealed: Encrypt0<'a>,
}

impl<'a> Package<'a> {
    /// HPKE's encapsulated key, 32 octets.
    #[must_use]
    pub const fn encapsulated_key(&self) -> &'a [u8; 32] {
        self.sealed.ek
    }

    /// Ciphertext and tag.
    #[must_use]
    pub const fn ciphertext(&self) -> &'a [u8] {
        self.sealed.ciphertext
    }

    /// The seal's additional data.
    #[must_use]
    pub fn additional_data(&self) -> Vec<u8> {
        self.sealed.additional_data()
    }
}

/// In a group everything below a generation is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The group.
    pub group: GroupId,
    /// The first generation that is not ended.
    pub below: Generation,
    /// When it was made, seconds since 1970 UTC; no floor is moved by it.
    pub time: u64,
}

/// Reads a package or a notice and checks who has made it: rows 1 to 15 of
/// docs/package.md, Order of checks, which says with what each is refused. A
/// thing with several faults in rows 2 to 4 may be refused for any of them.
pub fn verify<'a>(
    octets: &'a [u8],
    trust: &Trust<'_>,
    verify: Verify,
) -> Result<Verified<'a>, Code> {
    if octets.len() > limit::PACKAGE_MAX {
        return Err(Code::Oversized);
    }
    let signed = Sign1::read(octets).map_err(malformed)?;
    let is_package = match signed.header.typ {
        typ::PACKAGE => true,
        typ::NOTICE if octets.len() > limit::NOTICE_MAX => return Err(Code::Oversized),
        typ::NOTICE => false,
        _ => return Err(Code::WrongType),
    };
    let delegation = signed.delegation.ok_or(Code::Malformed)?;
    let version = signed.header.version.ok_or(Code::Malformed)?;
    if signed.header.address.is_some() != is_package {
        return Err(Code::Malformed);
    }
    let delegation = Delegation::verify(delegation, trust.root_key, verify)?;
    if delegation.manager != trust.manager {
        return Err(Code::WrongManager);
    }
    if !verify(delegation.signer, &signed.to_be_signed(), signed.signature) {
        return Err(Code::BadSignature);
    }
    if signed.header.alg != EDDSA {
        return Err(Code::UnsupportedAlgorithm);
    }
    if version != delegation.version {
        return Err(Code::HeadersDisagree);
    }
    if version < trust.signer_version {
        return Err(Code::SignerSuperseded);
    }
    let body = if is_package {
        Body::Package(package(&signed)?)
    } else {
        Body::Notice(read_notice(signed.payload).map_err(|_| Code::Malformed)?)
    };
    Ok(Verified { signer_version: version, body })
}

fn malformed(_: Malformed) -> Code {
    Code::Malformed
}

/// The root key's word that a signer acts for a manager.
struct Delegation<'a> {
    signer: &'a [u8; 32],
    version: u32,
    manager: &'a [u8; 16],
}

impl<'a> Delegation<'a> {
    fn verify(octets: &'a [u8], root_key: &[u8; 32], verify: Verify) -> Result<Self, Code> {
        let signed = Sign1::read(octets).map_err(malformed)?;
        let Header { alg, version, typ, address } = signed.header;
        if typ != typ::DELEGATION {
            return Err(Code::WrongType);
        }
        if octets.len() > limit::DELEGATION_MAX {
            return Err(Code::Oversized);
        }
        if !verify(root_key, &signed.to_be_signed(), signed.signature) {
            return Err(Code::UntrustedSigner);
        }
        if alg != EDDSA {
            return Err(Code::UnsupportedAlgorithm);
        }
        if version.is_some() || address.is_some() || signed.delegation.is_some() {
            return Err(Code::Malformed);
        }
        let mut r = Strict::new(signed.payload);
        let (mut signer, mut version, mut manager) = (None, None, None);
        r.map(|r, key| {
            match key {
                1 => signer = Some(r.array_of_octets().map_err(malformed)?),
                2 => version = Some(narrow(r.uint().map_err(malformed)?)?),
                3 => manager = Some(r.array_of_octets().map_err(malformed)?),
                _ => extension(r, key)?,
            }
            Ok::<(), Code>(())
        })
        .map_err(|_| Code::Malformed)?;
        r.finish().map_err(malformed)?;
        Ok(Self {
            signer: signer.ok_or(Code::Malformed)?,
            version: version.filter(|&version| version > 0).ok_or(Code::Malformed)?,
            manager: manager.ok_or(Code::Malformed)?,
        })
    }
}

fn package<'a>(signed: &Sign1<'a>) -> Result<Package<'a>, Code> {
    let (device, sequence) = signed.header.address.ok_or(Code::Malformed)?;
    let sealed = Encrypt0::read(signed.payload).map_err(malformed)?;
    let Header { alg, version, typ, address } = sealed.header;
    if alg != HPKE_3 {
        return Err(Code::UnsupportedAlgorithm);
    }
    if typ != typ::CONTENT {
        return Err(Code::WrongType);
    }
    if version.is_none() || address.is_none() {
        return Err(Code::Malformed);
    }
    if (version, address) != (signed.header.version, signed.header.address) {
        return Err(Code::HeadersDisagree);
    }
    Ok(Package { device, sequence, payload: signed.payload, sealed })
}

fn read_notice(payload: &[u8]) -> Result<Notice, Code> {
    let mut r = Strict::new(payload);
    let (mut group, mut below, mut time) = (None, None, None);
    r.map(|r, key| {
        match key {
            1 => group = Some(GroupId::new(narrow(r.uint()?)?)?),
            2 => below = Some(Generation::new(r.uint()?)?),
            3 => time = Some(r.uint()?),
            _ => extension(r, key)?,
        }
        Ok::<(), Code>(())
    })?;
    r.finish()?;
    let there = group.zip(below).zip(time).ok_or(Code::Malformed)?;
    let ((group, below), time) = there;
    Ok(Notice { group, below, time })
}
