//! Suite `integrity`: HMAC-SHA-256 under IK, cut to 128 bits (RFC 2104, RFC 4868),
//! over all octets before the tag. The payload stays in clear.

use hmac::{Hmac, KeyInit, Mac};
use proseal_proto::key::KeyPair;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::NotAuthentic;
use crate::frame::TAG;

/// IK. It wipes itself.
pub(super) struct Keys(Hmac<Sha256>);

impl Keys {
    pub(super) fn new(keys: &KeyPair) -> Option<Self> {
        Hmac::new_from_slice(keys.ik.expose()).ok().map(Self)
    }

    pub(super) fn protect(&self, header: &[u8], body: &mut [u8]) {
        let Some((payload, tag)) = body.split_last_chunk_mut::<TAG>() else { return };
        *tag = self.tag(header, payload);
    }

    pub(super) fn unprotect(&self, header: &[u8], body: &[u8]) -> Result<(), NotAuthentic> {
        let (payload, tag) = body.split_last_chunk::<TAG>().ok_or(NotAuthentic)?;
        if self.tag(header, payload).ct_eq(tag).into() { Ok(()) } else { Err(NotAuthentic) }
    }

    fn tag(&self, header: &[u8], payload: &[u8]) -> [u8; TAG] {
        let mut mac = self.0.clone();
        mac.update(header);
        mac.update(payload);
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        mac.first_chunk().copied().unwrap_or_default()
    }
}
