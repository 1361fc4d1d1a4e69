//! Packages: the whole state that one device should hold, sealed to it and signed.

use proseal_proto::id::DeviceId;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use crate::chain::Trust;
use crate::cose::{CONTENT, EDDSA, HPKE_3, Header, Sealed, encrypt0};
use crate::delegation::{Signer, SignerVersion};
use crate::device::DeviceKeys;
use crate::error::{Error, Field};
use crate::kind::Kind;
use crate::sender::SenderContext;
use crate::state::DesiredState;

/// A package whose signatures hold and whose headers agree. What is sealed in it
/// only the device can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    octets: Vec<u8>,
    version: SignerVersion,
    device: DeviceId,
    sequence: u64,
    digest: [u8; 32],
    pub(crate) sealed: Sealed,
}

impl Package {
    /// Seals `state` to `device` and signs it.
    ///
    /// Errors: [`Error::State`] for what no device would take,
    /// [`Error::TooLong`] (over 15,360 octets), [`Error::BadKey`].
    pub fn seal(
        signer: &Signer,
        device: &DeviceKeys,
        state: &DesiredState,
        random: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        Self::seal_in(signer, SenderContext::new(device, random)?, state)
    }

    /// The same in a context with the device that is there already.
    ///
    /// Errors: [`Error::State`], [`Error::TooLong`].
    pub fn seal_in(
        signer: &Signer,
        context: SenderContext,
        state: &DesiredState,
    ) -> Result<Self, Error> {
        state.check()?;
        let version = signer.delegation().version();
        let address = (context.device(), state.sequence);
        let inner = header(HPKE_3, version, CONTENT, address);
        let header_octets = inner.octets();
        let content = state.encode(context.device());
        let (ek, ciphertext) = context.seal(&header_octets, &content)?;
        let payload = encrypt0(header_octets.clone(), &ek, ciphertext.clone());
        let digest = Sha256::digest(&payload).into();
        let octets = signer.sign(&header(EDDSA, version, Kind::Package.typ(), address), payload);
        let (kind, len, max) = (Kind::Package, octets.len(), Kind::Package.max());
        if len > max {
            return Err(Error::TooLong { kind, len, max });
        }
        let (device, sequence) = address;
        let sealed = Sealed { header_octets, header: inner, ek, ciphertext };
        Ok(Self { octets, version, device, sequence, digest, sealed })
    }

    /// Checks a package's signatures and headers; the content stays sealed.
    /// Whether it is for some device, and newer than what that holds, is the
    /// caller's to compare.
    ///
    /// Errors: what [`Notice::verify`] says, in its order (over 15,360 octets here);
    /// then [`Error::Algorithm`], [`Error::WrongType`] and [`Error::Disagree`] for
    /// the inner header.
    ///
    /// [`Notice::verify`]: crate::Notice::verify
    pub fn verify(octets: &[u8], trust: &Trust) -> Result<Self, Error> {
        let kind = Kind::Package;
        let malformed = |part| Error::Malformed { kind, part };
        let (signed, delegation) = trust.check(octets, kind)?;
        let version = delegation.version();
        let address = signed.header.address.ok_or(malformed("protected header"))?;
        let (device, sequence) = address;
        let sealed = Sealed::read(&signed.payload).ok_or(malformed("payload"))?;
        agree(&sealed.header, version, address)?;
        let digest = Sha256::digest(&signed.payload).into();
        Ok(Self { octets: octets.to_vec(), version, device, sequence, digest, sealed })
    }

    /// The package as it travels.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The version of who signed it.
    #[must_use]
    pub const fn version(&self) -> SignerVersion {
        self.version
    }

    /// Whom it is for.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// Its sequence, 1 or more.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// SHA-256 of the signed payload: what the device's statement says of the last
    /// package that it applied.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Both protected headers of a package, but for what they differ in.
fn header(alg: i64, version: SignerVersion, typ: &str, address: (DeviceId, u64)) -> Header {
    Header { alg, version: Some(version), typ: typ.to_owned(), address: Some(address) }
}

/// Whether the inner header says the same as the outer.
fn agree(inner: &Header, version: SignerVersion, outer: (DeviceId, u64)) -> Result<(), Error> {
    let kind = Kind::Package;
    if inner.alg != HPKE_3 {
        return Err(Error::Algorithm { kind });
    }
    if inner.typ != CONTENT {
        return Err(Error::WrongType { expected: kind });
    }
    let (Some(inner_version), Some(address)) = (inner.version, inner.address) else {
        return Err(Error::Malformed { kind, part: "inner protected header" });
    };
    let fields = [
        (Field::SignerVersion, inner_version == version),
        (Field::Device, address.0 == outer.0),
        (Field::Sequence, address.1 == outer.1),
    ];
    match fields.into_iter().find(|(_, equal)| !equal) {
        Some((field, _)) => Err(Error::Disagree { field }),
        None => Ok(()),
    }
}
