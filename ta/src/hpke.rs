//! HPKE (RFC 9180) in base mode, as packages are sealed with it: DHKEM(X25519,
//! HKDF-SHA256), HKDF-SHA256, AES-128-GCM, one message a key. What is done with
//! the device's private key is the platform's.

use alloc::vec::Vec;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::gcm::{self, KEY_LEN, NONCE_LEN};

/// Octets of a public key, of an encapsulated key and of a shared secret.
pub const KEY: usize = 32;

/// DHKEM(X25519, HKDF-SHA256), in the KEM's own steps (section 4.1).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// The same with HKDF-SHA256 and AES-128-GCM, in all others (section 5.1).
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x01";
const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;
/// SHA-256's output.
const HASH: usize = 32;

/// It does not open: other octets, or another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealed;

/// What a seal depends on.
#[derive(Clone, Copy)]
pub struct Sealed<'a> {
    /// The Diffie-Hellman value of the encapsulated key and the recipient's.
    pub agreed: &'a [u8; KEY],
    /// The encapsulated key, as it came.
    pub encapsulated: &'a [u8; KEY],
    /// The recipient's public key.
    pub recipient: &'a [u8; KEY],
    /// Application information; empty in packages.
    pub info: &'a [u8],
    /// Additional data.
    pub aad: &'a [u8],
}

/// Opens `ciphertext` in place (RFC 9180 section 5.2, sequence number 0): the
/// plaintext. If it does not open the octets are of no use.
pub fn open<'s>(sealed: &Sealed<'_>, ciphertext: &'s mut [u8]) -> Result<&'s mut [u8], NotSealed> {
    // Section 4.1, ExtractAndExpand.
    let kem_context = [*sealed.encapsulated, *sealed.recipient].concat();
    let prk = extract(KEM_SUITE, &[], b"eae_prk", sealed.agreed);
    let mut shared = Zeroizing::new([0; HASH]);
    expand(KEM_SUITE, &prk, b"shared_secret", &kem_context, shared.as_mut())?;
    // Section 5.1, KeySchedule without a pre-shared key.
    let psk_id_hash = extract(SUITE, &[], b"psk_id_hash", &[]);
    let info_hash = extract(SUITE, &[], b"info_hash", sealed.info);
    let context = [&[MODE_BASE][..], psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let secret = extract(SUITE, shared.as_slice(), b"secret", &[]);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    expand(SUITE, &secret, b"key", &context, key.as_mut())?;
    let mut nonce = Zeroizing::new([0; NONCE_LEN]);
    expand(SUITE, &secret, b"base_nonce", &context, nonce.as_mut())?;
    gcm::open(&key, &nonce, sealed.aad, ciphertext).map_err(|_| NotSealed)
}

/// LabeledExtract (section 4).
fn extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Zeroizing<[u8; HASH]> {
    // The input holds secrets, and is wiped.
    let labeled = Zeroizing::new([VERSION, suite, label, ikm].concat());
    let (prk, _) = Hkdf::<Sha256>::extract(Some(salt), &labeled);
    let mut out = Zeroizing::new([0; HASH]);
    out.copy_from_slice(&prk);
    out
}

/// LabeledExpand (section 4).
fn expand(
    suite: &[u8],
    prk: &[u8; HASH],
    label: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), NotSealed> {
    let len = u16::try_from(out.len()).map_err(|_| NotSealed)?;
    let labeled: Vec<u8> = [&len.to_be_bytes(), VERSION, suite, label, info].concat();
    let hkdf = Hkdf::<Sha256>::from_prk(prk).map_err(|_| NotSealed)?;
    hkdf.expand(&labeled, out).map_err(|_| NotSealed)
}

/// Whether an X25519 public key may be used: a number below 2^255 - 19 in its
/// one form, and no point of low order, with which nothing is secret (RFC 7748
/// section 6.1). OP-TEE would end the TA at one of these.
#[must_use]
pub fn is_good_key(key: &[u8; KEY]) -> bool {
    !LOW_ORDER.contains(key) && is_canonical(key)
}

/// Points of order 1, 2, 4 and 8 of the curve and its twist, in their one form.
const LOW_ORDER: [[u8; KEY]; 5] = [
    [0; KEY],
    first(1),
    *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
       \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
    *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
       \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
    near_prime(0xec),
];

const fn first(octet: u8) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[0] = octet;
    key
}

/// The little-endian number whose first octet is this, and that differs from
/// 2^255 - 19 in no other.
const fn near_prime(octet: u8) -> [u8; KEY] {
    let mut key = [0xff; KEY];
    key[0] = octet;
    key[KEY - 1] = 0x7f;
    key
}

/// Whether the little-endian number is below 2^255 - 19.
fn is_canonical(key: &[u8; KEY]) -> bool {
    const PRIME: [u8; KEY] = near_prime(0xed);
    key.iter().rev().lt(PRIME.iter().rev())
}

#[cfg(test)]
mod tests;
