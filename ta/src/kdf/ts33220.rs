//! The key derivation function of 3GPP: TS 33.220 Annex B.2.

use hmac::{Hmac, KeyInit, Mac};
use proseal_proto::error::Code;
use sha2::Sha256;

/// Octets of what it derives.
pub(super) const LEN: usize = 32;

/// HMAC-SHA-256, keyed. sha2 and hmac wipe it when it is dropped (their
/// feature `zeroize`).
pub(super) type Keyed = Hmac<Sha256>;

/// HMAC-SHA-256 (RFC 2104) of one message, in place.
pub fn hmac_sha256(key: &[u8], message: &[u8], mac: &mut [u8; LEN]) -> Result<(), Code> {
    finish(keyed(key)?.chain_update(message), mac);
    Ok(())
}

/// Derives 32 octets from a key, an FC and parameters of at most 65,535 octets
/// each, in place (B.2.0).
pub fn kdf(key: &[u8], fc: u8, parameters: &[&[u8]], derived: &mut [u8; LEN]) -> Result<(), Code> {
    derive(&keyed(key)?, fc, parameters, derived)
}

/// The same by a key that was prepared.
pub(super) fn derive(
    key: &Keyed,
    fc: u8,
    parameters: &[&[u8]],
    derived: &mut [u8; LEN],
) -> Result<(), Code> {
    let mut mac = key.clone();
    s_string(fc, parameters, |octets| mac.update(octets))?;
    finish(mac, derived);
    Ok(())
}

pub(super) fn keyed(key: &[u8]) -> Result<Keyed, Code> {
    Keyed::new_from_slice(key).map_err(|_| Code::Internal)
}

/// Puts out S (B.2.0): FC, then each parameter followed by its length of two
/// octets, big-endian.
fn s_string(fc: u8, parameters: &[&[u8]], mut put: impl FnMut(&[u8])) -> Result<(), Code> {
    put(&[fc]);
    for parameter in parameters {
        put(parameter);
        put(&u16::try_from(parameter.len()).map_err(|_| Code::Internal)?.to_be_bytes());
    }
    Ok(())
}

fn finish(mac: Keyed, derived: &mut [u8; LEN]) {
    derived.copy_from_slice(&mac.finalize().into_bytes());
}

#[cfg(test)]
mod tests;
