//! The half of a sealing that needs no content.

use hpke::aead::{AeadCtxS, AesGcm128};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use proseal_proto::id::DeviceId;
use rand_core::CryptoRng;

use crate::cose::sealing_aad;
use crate::device::DeviceKeys;
use crate::error::Error;

const BAD: Error = Error::BadKey { what: "X25519" };

/// HPKE's sender context to one device: base mode, info empty (RFC 9180 section 5.1.1). Both
/// public-key operations of a sealing are in it. It is for one package, and gone with it: a
/// device opens only what is sealed first.
pub struct SenderContext {
    device: DeviceId,
    ek: [u8; 32],
    context: AeadCtxS<AesGcm128, HkdfSha256, X25519HkdfSha256>,
}

impl SenderContext {
    /// Agrees with `device` under a key of its own, from `random`.
    ///
    /// Errors: [`Error::BadKey`].
    pub fn new(device: &DeviceKeys, random: &mut impl CryptoRng) -> Result<Self, Error> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(device.x25519());
        let public = public.map_err(|_| BAD)?;
        let (ek, context) = hpke::setup_sender_with_rng::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            &[],
            random,
        )
        .map_err(|_| BAD)?;
        Ok(Self { device: device.id(), ek: ek.to_bytes().into(), context })
    }

    /// Whom it is with.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The encapsulated key, and the ciphertext with its tag of 16 octets (section 6.1).
    pub(crate) fn seal(
        mut self,
        header_octets: &[u8],
        content: &[u8],
    ) -> Result<([u8; 32], Vec<u8>), Error> {
        let aad = sealing_aad(header_octets);
        let ciphertext = self.context.seal(content, &aad).map_err(|_| BAD)?;
        Ok((self.ek, ciphertext))
    }
}
