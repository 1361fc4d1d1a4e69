//! Suite `aead`: AES-256-GCM under CK (NIST SP 800-38D). The nonce is the epoch's
//! salt and the sequence number, the additional data all octets before the payload.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use proseal_proto::key::KeyPair;

use super::{NotAuthentic, PacketId};
use crate::frame::TAG;

/// CK. The library wipes it when it is freed.
pub(super) struct Keys(LessSafeKey);

impl Keys {
    pub(super) fn new(keys: &KeyPair) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, keys.ck.expose()).ok().map(LessSafeKey::new).map(Self)
    }

    pub(super) fn protect(&self, packet: PacketId, header: &[u8], body: &mut [u8]) {
        let Some((payload, tag)) = body.split_last_chunk_mut::<TAG>() else { return };
        // It fails beyond 64 GiB only.
        if let Ok(sealed) =
            self.0.seal_in_place_separate_tag(nonce(packet), Aad::from(header), payload)
            && let Ok(sealed) = sealed.as_ref().try_into()
        {
            *tag = sealed;
        }
    }

    pub(super) fn unprotect(
        &self,
        packet: PacketId,
        header: &[u8],
        body: &mut [u8],
    ) -> Result<(), NotAuthentic> {
        let opened = self.0.open_in_place(nonce(packet), Aad::from(header), body);
        opened.map(drop).map_err(|_| NotAuthentic)
    }
}

fn nonce(packet: PacketId) -> Nonce {
    let [a, b, c, d, e, f, g, h] = packet.salt.0;
    let [i, j, k, l] = packet.sn.to_be_bytes();
    Nonce::assume_unique_for_key([a, b, c, d, e, f, g, h, i, j, k, l])
}
