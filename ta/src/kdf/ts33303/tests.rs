//! The 3GPP key hierarchy: an example from outside, and that its inputs, PTK
//! step and key step, are told apart.

use std::vec::Vec;

use proptest::prelude::*;
use proseal_proto::content::Label;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::profile::Suite;

use super::super::tests::{hex, unhex};
use super::*;

fn epoch(group: [u8; 3], sender: [u8; 3], ptk_id: u16) -> Epoch<'static> {
    Epoch {
        suite: Suite::ThreeGpp,
        group: GroupId::from_octets(group),
        generation: Generation::FIRST,
        pgk_id: PgkId(1),
        sender: MemberId::from_octets(sender),
        ptk_id: PtkId::new(ptk_id).unwrap(),
        salt: EpochSalt::NONE,
        label: &Label::EMPTY,
    }
}

/// A regression vector, not a published one: 3GPP has published none. An
/// independent program made it in Python, from TS 33.220 Annex B.2 and TS
/// 33.303 Annex A (docs/derivation.md shows it step by step).
#[test]
fn the_example_of_an_independent_program() {
    let pgk = GroupKey::copied_from(&core::array::from_fn(|at| at as u8));
    let epoch = epoch([0x0a, 0x0b, 0x0c], [1, 2, 3], 1);

    let keyed = keyed(&pgk).unwrap();
    let mut ptk = [0; ts33220::LEN];
    ts33220::derive(&keyed, FC_PTK, &[&[1, 2, 3], &[0, 1], &[0x0a, 0x0b, 0x0c]], &mut ptk).unwrap();
    assert_eq!(hex(&ptk), "8d5b168eec3fddf4d84d17b8ab4f549c5a6d8337da094453f6137d25b8e6b73d");

    let mut keys = KeyPair::zero();
    derive(&keyed, &epoch, keys.slots()).unwrap();
    // The octets behind the key are zeros.
    let whole = |half: &str| [unhex(half), std::vec![0; 16]].concat();
    assert_eq!(keys.ck.expose().as_slice(), whole("dad1dc42b8cb212c8470ee1acc262e95"));
    assert_eq!(keys.ik.expose().as_slice(), whole("88f378fd28e2085c762e6b4ee4b152c2"));
}

/// The 128 least significant bits: the other half is not the key.
#[test]
fn a_key_is_the_end_of_what_is_derived() {
    let ptk = ts33220::keyed(&[7; 32]).unwrap();
    let mut whole = [0; ts33220::LEN];
    ts33220::derive(&ptk, FC_KEYS, &[&[TYPE_PIK], &[ALGORITHM_AES]], &mut whole).unwrap();
    let mut key = [0; DerivedKey::LEN];
    key_from_ptk(&ptk, TYPE_PIK, &mut key).unwrap();
    assert_eq!(key[..16], whole[16..]);
    assert_eq!(key[16..], [0; 16]);
}

/// Numbers from docs/derivation.md, written out a second time.
#[test]
fn the_steps_are_told_apart_by_their_function_codes() {
    assert_eq!((FC_PTK, FC_KEYS), (0x4a, 0x4b));
    assert_eq!((TYPE_PEK, TYPE_PIK, ALGORITHM_AES), (0, 1, 2));
}

/// The inputs of an S of this profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Sender, PTK Id and group.
    Ptk([u8; 3], u16, [u8; 3]),
    /// Algorithm type and identity.
    Key(u8, u8),
}

impl Step {
    fn s(self) -> Vec<u8> {
        let ptk_id;
        let (fc, parameters): (u8, Vec<&[u8]>) = match &self {
            Self::Ptk(sender, number, group) => {
                ptk_id = number.to_be_bytes();
                (FC_PTK, std::vec![sender, &ptk_id, group])
            }
            Self::Key(kind, algorithm) => {
                (FC_KEYS, std::vec![core::slice::from_ref(kind), core::slice::from_ref(algorithm)])
            }
        };
        let mut s = std::vec![fc];
        for parameter in parameters {
            s.extend_from_slice(parameter);
            s.extend_from_slice(&(parameter.len() as u16).to_be_bytes());
        }
        s
    }

    /// The inputs back, by docs/derivation.md alone.
    fn decoded(s: &[u8]) -> Option<Self> {
        match *s {
            [0x4a, a, b, c, 0, 3, high, low, 0, 2, d, e, f, 0, 3] => {
                Some(Self::Ptk([a, b, c], u16::from_be_bytes([high, low]), [d, e, f]))
            }
            [0x4b, kind, 0, 1, algorithm, 0, 1] => Some(Self::Key(kind, algorithm)),
            _ => None,
        }
    }

    /// What the code makes of `key` for this step.
    fn derived(self, key: &[u8]) -> [u8; ts33220::LEN] {
        let mut derived = [0; ts33220::LEN];
        let keyed = ts33220::keyed(key).unwrap();
        match self {
            Self::Ptk(sender, ptk_id, group) => ts33220::derive(
                &keyed,
                FC_PTK,
                &[&sender, &ptk_id.to_be_bytes(), &group],
                &mut derived,
            ),
            Self::Key(kind, algorithm) => {
                ts33220::derive(&keyed, FC_KEYS, &[&[kind], &[algorithm]], &mut derived)
            }
        }
        .unwrap();
        derived
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<[u8; 3]>(), 1..=u16::MAX, any::<[u8; 3]>())
            .prop_map(|(sender, ptk_id, group)| Step::Ptk(sender, ptk_id, group)),
        (any::<u8>(), any::<u8>()).prop_map(|(kind, algorithm)| Step::Key(kind, algorithm)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn s_gives_back_every_input_of_both_steps(one in step(), other in step()) {
        prop_assert_eq!(Step::decoded(&one.s()), Some(one));
        prop_assert_eq!(one.s() == other.s(), one == other);
    }

    #[test]
    fn each_step_is_hmac_of_its_s(key: [u8; 32], step in step()) {
        let mut mac = [0; ts33220::LEN];
        ts33220::hmac_sha256(&key, &step.s(), &mut mac).unwrap();
        prop_assert_eq!(step.derived(&key), mac);
    }

    /// The whole way from a PGK, by HMAC alone and the S of the text.
    #[test]
    fn keys_are_the_two_steps(
        pgk: [u8; 32],
        group: [u8; 3],
        sender: [u8; 3],
        ptk_id in 1..=u16::MAX,
    ) {
        let mut ptk = [0; ts33220::LEN];
        ts33220::hmac_sha256(&pgk, &Step::Ptk(sender, ptk_id, group).s(), &mut ptk).unwrap();
        let mut keys = KeyPair::zero();
        let keyed = keyed(&GroupKey::copied_from(&pgk)).unwrap();
        derive(&keyed, &epoch(group, sender, ptk_id), keys.slots()).unwrap();
        for (kind, key) in [(1, &keys.ik), (0, &keys.ck)] {
            let mut whole = [0; ts33220::LEN];
            ts33220::hmac_sha256(&ptk, &Step::Key(kind, 2).s(), &mut whole).unwrap();
            prop_assert_eq!(&key.expose()[..16], &whole[16..]);
            prop_assert_eq!(&key.expose()[16..], &[0; 16]);
        }
    }
}
