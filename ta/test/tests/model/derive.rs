//! docs/derivation.md in code: HKDF from HMAC alone, and nothing of the TA's.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// IK and CK as they travel: 32 octets each.
pub(crate) type Keys = ([u8; 32], [u8; 32]);

/// What a PGK brings into each derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) suite: u8,
    pub(crate) group: u32,
    pub(crate) generation: u64,
    pub(crate) pgk_id: u8,
    pub(crate) label: String,
}

/// What an epoch brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) sender: u32,
    pub(crate) ptk_id: u16,
    pub(crate) salt: [u8; 8],
}

const IK: u8 = 1;
const CK: u8 = 2;
const PGK: u8 = 4;

/// The keys of an epoch: 16 octets and zeros for `3gpp` (3), else 32.
pub(crate) fn keys(pgk: &[u8; 32], policy: &Policy, epoch: &Epoch) -> Keys {
    let prk = extract(pgk);
    let used = if policy.suite == 3 { 16 } else { 32 };
    let key = |purpose| {
        let mut key = expand(&prk, &info(policy, purpose, epoch));
        key[used..].fill(0);
        key
    };
    (key(IK), key(CK))
}

/// The group's PGK from a root.
pub(crate) fn pgk(root: &[u8; 32], policy: &Policy) -> [u8; 32] {
    expand(&extract(root), &info(policy, PGK, &Epoch::default()))
}

fn info(policy: &Policy, purpose: u8, epoch: &Epoch) -> Vec<u8> {
    let label = policy.label.as_bytes();
    [
        b"ProSeal1".as_slice(),
        &[1, policy.suite, purpose],
        &policy.group.to_be_bytes()[1..],
        &policy.generation.to_be_bytes(),
        &[policy.pgk_id],
        &epoch.sender.to_be_bytes()[1..],
        &epoch.ptk_id.to_be_bytes(),
        &epoch.salt,
        &[label.len() as u8],
        label,
    ]
    .concat()
}

fn extract(key: &[u8; 32]) -> [u8; 32] {
    hmac(&[0; 32], &[key])
}

fn expand(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    hmac(prk, &[info, &[1]])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[test]
fn the_worked_example_of_the_document() {
    let pgk: [u8; 32] = std::array::from_fn(|at| at as u8);
    let policy =
        Policy { suite: 1, group: 0x0a_0b0c, generation: 1, pgk_id: 1, label: String::new() };
    let salt = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7];
    let (ik, ck) = keys(&pgk, &policy, &Epoch { sender: 0x01_0203, ptk_id: 1, salt });
    let hex = |key: [u8; 32]| key.map(|octet| format!("{octet:02x}")).concat();
    assert_eq!(hex(ik), "96c6f0d25f504a90241d3059eba83c4150cce9e2141d8c834535ab17012a5cce");
    assert_eq!(hex(ck), "88983d7a034a8d439696052c7c416185c10b19ec09b3538a956e228106645a85");
}
