//! Known answers of HKDF (RFC 5869 Appendix A), the example of
//! docs/derivation.md, which an independent program computed
//! (tests/derivation_reference.py), and that no two inputs encode alike.

use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use proseal_proto::content::Label;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::profile::Suite;

use super::super::tests::{Inputs, inputs, unhex};
use super::*;

#[track_caller]
fn rfc5869(salt: &[u8], ikm: &[u8], info: &[u8], golden: &str) {
    let golden = unhex(golden);
    let mut okm = std::vec![0; golden.len()];
    hkdf(salt, ikm, info, &mut okm).unwrap();
    assert_eq!(okm, golden);
}

#[test]
fn rfc_5869_appendix_a() {
    let octets = |first: u8, last: u8| (first..=last).collect::<Vec<_>>();
    // A.1
    rfc5869(
        &octets(0, 0x0c),
        &[0x0b; 22],
        &octets(0xf0, 0xf9),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    // A.2
    rfc5869(
        &octets(0x60, 0xaf),
        &octets(0, 0x4f),
        &octets(0xb0, 0xff),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb\
         41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
    // A.3
    rfc5869(
        &[],
        &[0x0b; 22],
        &[],
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
}

#[test]
fn more_than_255_blocks_are_refused() {
    let mut okm = std::vec![0; 255 * 32 + 1];
    assert_eq!(hkdf(&[], &[1], &[], &mut okm), Err(Code::Internal));
    assert_eq!(hkdf(&[], &[1], &[], &mut okm[1..]), Ok(()));
}

/// docs/derivation.md, the worked example.
fn worked_example(label: &Label) -> Epoch<'_> {
    Epoch {
        suite: Suite::Aead,
        group: GroupId::from_octets([0x0a, 0x0b, 0x0c]),
        generation: Generation::FIRST,
        pgk_id: PgkId(1),
        sender: MemberId::from_octets([1, 2, 3]),
        ptk_id: PtkId::new(1).unwrap(),
        salt: EpochSalt([0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7]),
        label,
    }
}

#[test]
fn the_worked_example_of_the_specification() {
    let pgk = GroupKey::copied_from(&core::array::from_fn(|at| at as u8));
    let mut keys = KeyPair::zero();
    derive(&extract(&pgk), &worked_example(&Label::EMPTY), keys.slots()).unwrap();
    let ik = "96c6f0d25f504a90241d3059eba83c4150cce9e2141d8c834535ab17012a5cce";
    let ck = "88983d7a034a8d439696052c7c416185c10b19ec09b3538a956e228106645a85";
    assert_eq!(keys.ik.expose().as_slice(), unhex(ik));
    assert_eq!(keys.ck.expose().as_slice(), unhex(ck));
}

/// The whole info string.
fn octets(info: &Info<'_>) -> Vec<u8> {
    [&info.head, info.label].concat()
}

#[test]
fn the_info_is_laid_out_as_the_specification_says() {
    let label = Label::new("A").unwrap();
    let example = worked_example(&label);
    let info = octets(&Info::of_epoch(Purpose::ConfidentialityKey, &example));
    let golden = "50726f5365616c31 01 01 02 0a0b0c 0000000000000001 01 010203 0001 \
                  a0a1a2a3a4a5a6a7 01 41";
    assert_eq!(info, unhex(&golden.replace(' ', "")));
}

#[test]
fn keys_of_128_bits_are_left_aligned() {
    let pgk = GroupKey::copied_from(&[7; 32]);
    let mut keys = KeyPair::zero();
    let epoch = Epoch { suite: Suite::ThreeGpp, ..worked_example(&Label::EMPTY) };
    derive(&extract(&pgk), &epoch, keys.slots()).unwrap();
    for key in [&keys.ik, &keys.ck] {
        assert_ne!(key.expose()[..16], [0; 16]);
        assert_eq!(key.expose()[16..], [0; 16]);
    }
}

/// What an info string says, read back by docs/derivation.md alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decoded {
    profile: u8,
    suite: u8,
    purpose: u8,
    group: [u8; 3],
    generation: u64,
    pgk_id: u8,
    sender: [u8; 3],
    ptk_id: u16,
    salt: [u8; 8],
    label: String,
}

fn decoded(info: &[u8]) -> Option<Decoded> {
    let mut rest = info;
    let mut take = |len: usize| -> Option<&[u8]> {
        let (field, after) = rest.split_at_checked(len)?;
        rest = after;
        Some(field)
    };
    if take(8)? != b"ProSeal1" {
        return None;
    }
    let decoded = Decoded {
        profile: take(1)?[0],
        suite: take(1)?[0],
        purpose: take(1)?[0],
        group: take(3)?.try_into().ok()?,
        generation: u64::from_be_bytes(take(8)?.try_into().ok()?),
        pgk_id: take(1)?[0],
        sender: take(3)?.try_into().ok()?,
        ptk_id: u16::from_be_bytes(take(2)?.try_into().ok()?),
        salt: take(8)?.try_into().ok()?,
        label: {
            let len = take(1)?[0];
            String::from_utf8(take(len.into())?.to_vec()).ok()?
        },
    };
    rest.is_empty().then_some(decoded)
}

const PURPOSES: [Purpose; 4] = [
    Purpose::IntegrityKey,
    Purpose::ConfidentialityKey,
    Purpose::AdmissionKey,
    Purpose::PgkFromRoot,
];

/// The info string of these inputs for a purpose, and what it must say.
fn encoded(inputs: &Inputs, purpose: Purpose) -> (Vec<u8>, Decoded) {
    let label = Label::new(&inputs.label).unwrap();
    let (epoch, scope) = (inputs.epoch(&label), inputs.scope(&label));
    let info = match purpose {
        Purpose::IntegrityKey | Purpose::ConfidentialityKey => Info::of_epoch(purpose, &epoch),
        Purpose::AdmissionKey | Purpose::PgkFromRoot => Info::of_scope(purpose, &scope),
    };
    let of_epoch = matches!(purpose, Purpose::IntegrityKey | Purpose::ConfidentialityKey);
    let wanted = Decoded {
        // The keys of an epoch are this profile's; the rest serves all.
        profile: if of_epoch { 1 } else { inputs.profile.number() },
        suite: inputs.suite.number(),
        purpose: purpose as u8,
        group: inputs.group,
        generation: inputs.generation,
        pgk_id: inputs.pgk_id,
        sender: if of_epoch { inputs.sender } else { [0; 3] },
        ptk_id: if of_epoch { inputs.ptk_id } else { 0 },
        salt: if of_epoch { inputs.salt } else { [0; 8] },
        label: inputs.label.clone(),
    };
    (octets(&info), wanted)
}

/// Written out a second time, from docs/derivation.md.
#[test]
fn each_purpose_has_its_number() {
    assert_eq!(PURPOSES.map(|purpose| purpose as u8), [1, 2, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// The info string gives back every input of every purpose, so no two
    /// different inputs encode alike.
    #[test]
    fn the_info_gives_back_every_input(inputs in inputs()) {
        for purpose in PURPOSES {
            let (info, wanted) = encoded(&inputs, purpose);
            prop_assert_eq!(decoded(&info), Some(wanted));
        }
    }

    /// The same said of two inputs.
    #[test]
    fn two_infos_are_alike_only_if_all_they_say_is(one in inputs(), other in inputs()) {
        for purpose in PURPOSES {
            for other_purpose in PURPOSES {
                let (info, says) = encoded(&one, purpose);
                let (other_info, other_says) = encoded(&other, other_purpose);
                prop_assert_eq!(info == other_info, says == other_says);
            }
        }
    }

    /// No info string is the beginning of another one: what stands behind it
    /// (the number of HKDF's block) makes no two alike either.
    #[test]
    fn no_info_is_the_beginning_of_another(one in inputs(), other in inputs()) {
        for purpose in PURPOSES {
            let (info, _) = encoded(&one, purpose);
            let (other_info, _) = encoded(&Inputs { label: other.label.clone(), ..one.clone() }, purpose);
            prop_assert!(info == other_info || !other_info.starts_with(&info));
        }
    }
}
