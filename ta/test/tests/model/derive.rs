//! docs/derivation.md in code: both profiles from HMAC alone, and nothing of
//! the TA's.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// IK and CK as they travel: 32 octets each.
pub(crate) type Keys = ([u8; 32], [u8; 32]);

/// What a PGK brings into each derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) profile: u8,
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
const ADMISSION: u8 = 3;
const PGK: u8 = 4;
/// The profiles: HKDF, and the key hierarchy of 3GPP.
const HKDF_SHA256: u8 = 1;
const TS33303: u8 = 2;
/// The pairs of profile and suite that there are.
const PAIRS: [(u8, u8); 4] = [(HKDF_SHA256, 1), (HKDF_SHA256, 2), (HKDF_SHA256, 3), (TS33303, 3)];

impl Policy {
    pub(crate) fn is_allowed_pair(&self) -> bool {
        PAIRS.contains(&(self.profile, self.suite))
    }

    pub(crate) fn has_salt(&self) -> bool {
        self.profile == HKDF_SHA256
    }

    /// Whether what is derived from the PGK depends on the label.
    pub(crate) fn has_label(&self) -> bool {
        self.profile == HKDF_SHA256
    }
}

/// The keys of an epoch: 16 octets and zeros for `3gpp` (3), else 32.
pub(crate) fn keys(pgk: &[u8; 32], policy: &Policy, epoch: &Epoch) -> Keys {
    if policy.profile == TS33303 {
        return keys_of_3gpp(pgk, policy.group, epoch);
    }
    let prk = extract(pgk);
    let used = if policy.suite == 3 { 16 } else { 32 };
    let key = |purpose| {
        let mut key = expand(&prk, &info(policy, purpose, epoch));
        key[used..].fill(0);
        key
    };
    (key(IK), key(CK))
}

/// PGK, PTK, keys: of each the last 128 bits, left-aligned.
fn keys_of_3gpp(pgk: &[u8; 32], group: u32, epoch: &Epoch) -> Keys {
    let octets = |id: u32| id.to_be_bytes()[1..].to_vec();
    let (sender, group) = (octets(epoch.sender), octets(group));
    let ptk_id = epoch.ptk_id.to_be_bytes();
    let ptk = hmac(pgk, &[&[0x4a], &sender, &[0, 3], &ptk_id, &[0, 2], &group, &[0, 3]]);
    let key = |kind| {
        let whole = hmac(&ptk, &[&[0x4b, kind, 0, 1, 2, 0, 1]]);
        let mut key = [0; 32];
        key[..16].copy_from_slice(&whole[16..]);
        key
    };
    (key(1), key(0))
}

/// The admission key, if the profile has one.
pub(crate) fn admission(pgk: &[u8; 32], policy: &Policy) -> Option<[u8; 16]> {
    let okm = expand(&extract(pgk), &info(policy, ADMISSION, &Epoch::default()));
    (policy.profile == HKDF_SHA256).then(|| std::array::from_fn(|at| okm[at]))
}

/// The group's PGK from a root: the same HKDF in every profile.
pub(crate) fn pgk(root: &[u8; 32], policy: &Policy) -> [u8; 32] {
    expand(&extract(root), &info(policy, PGK, &Epoch::default()))
}

fn info(policy: &Policy, purpose: u8, epoch: &Epoch) -> Vec<u8> {
    let label = policy.label.as_bytes();
    [
        b"ProSeal1".as_slice(),
        &[policy.profile, policy.suite, purpose],
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
fn the_worked_examples_of_the_document() {
    let pgk: [u8; 32] = std::array::from_fn(|at| at as u8);
    let policy = Policy {
        profile: 1,
        suite: 1,
        group: 0x0a_0b0c,
        generation: 1,
        pgk_id: 1,
        label: String::new(),
    };
    let salt = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7];
    let (ik, ck) = keys(&pgk, &policy, &Epoch { sender: 0x01_0203, ptk_id: 1, salt });
    let hex = |key: [u8; 32]| key.map(|octet| format!("{octet:02x}")).concat();
    assert_eq!(hex(ik), "96c6f0d25f504a90241d3059eba83c4150cce9e2141d8c834535ab17012a5cce");
    assert_eq!(hex(ck), "88983d7a034a8d439696052c7c416185c10b19ec09b3538a956e228106645a85");
    let admission = admission(&pgk, &policy).expect("this profile has one");
    assert_eq!(admission.map(|o| format!("{o:02x}")).concat(), "baee64a5339ed50612d7fc7c25e6deec");
    let policy = Policy { profile: 2, suite: 3, ..policy };
    let (ik, ck) = keys(&pgk, &policy, &Epoch { sender: 0x01_0203, ptk_id: 1, salt: [0; 8] });
    assert_eq!(hex(ik)[..32], *"88f378fd28e2085c762e6b4ee4b152c2");
    assert_eq!(hex(ck)[..32], *"dad1dc42b8cb212c8470ee1acc262e95");
}
