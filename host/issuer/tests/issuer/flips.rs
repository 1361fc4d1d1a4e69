//! No octet can be changed, cut off or added without being noticed; any input at all
//! gives an error and no panic.

use proptest::prelude::*;
use proseal_issuer::testing::fault;
use proseal_issuer::{Delegation, Error, Kind, Notice, Package, Statement};

use crate::fixture::{
    NOW, device, generation, group_id, package, random, root, signer, state, trust,
};
use crate::statement;

fn refused(octets: &[u8], at: usize) {
    let verified = Package::verify(octets, &trust());
    assert!(verified.is_err(), "octet {at} can be changed");
}

#[test]
fn every_octet_of_a_package_counts() {
    let good = package().octets().to_vec();
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = good.clone();
            changed[at] ^= change;
            refused(&changed, at);
        }
        refused(&good[..at], at);
    }
    refused(&[&good[..], &[0]].concat(), good.len());
}

#[test]
fn every_octet_of_a_notice_a_delegation_and_a_statement_counts() {
    let notice = Notice::sign(&signer(), group_id(1), generation(2), NOW).octets().to_vec();
    let delegation = signer().delegation().octets().to_vec();
    let statement = device().state(&statement::fixture());
    type IsRefused = fn(&[u8]) -> bool;
    let checks: [(Vec<u8>, IsRefused); 3] = [
        (notice, |octets| Notice::verify(octets, &trust()).is_err()),
        (delegation, |octets| Delegation::verify(octets, &root().public()).is_err()),
        (statement, |octets| Statement::verify(octets).is_err()),
    ];
    for (good, is_refused) in checks {
        assert!(!is_refused(&good));
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut changed = good.clone();
                changed[at] ^= 1 << bit;
                assert!(is_refused(&changed), "bit {bit} of octet {at} can be changed");
            }
            assert!(is_refused(&good[..at]), "it can be cut at {at}");
        }
        assert!(is_refused(&[&good[..], &[0]].concat()));
    }
}

/// With signatures that hold, the sealing still notices.
#[test]
fn every_octet_of_the_sealed_part_counts() {
    let draft = fault::package(&signer(), device().keys(), &state());
    let sealed = draft.encrypt(device().keys(), &mut random()).octets();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x01;
        let octets = draft.around(changed).sign(&signer());
        let opened = Package::verify(&octets, &trust())
            .and_then(|package| device().open_octets(&package).map(drop));
        assert!(opened.is_err(), "octet {at} can be changed");
    }
}

proptest! {
    #[test]
    fn any_change_of_a_package_is_refused(
        at in 0_usize..1000, len in 0_usize..40, put in proptest::collection::vec(any::<u8>(), 0..40)
    ) {
        let good = package().octets().to_vec();
        let at = at % good.len();
        let end = (at + len).min(good.len());
        let mut changed = good.clone();
        changed.splice(at..end, put);
        prop_assume!(changed != good);
        prop_assert!(Package::verify(&changed, &trust()).is_err());
    }

    /// A content that was sealed and signed all right, with anything in it.
    #[test]
    fn any_content_is_read_or_refused(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut draft = fault::package(&signer(), device().keys(), &state());
        draft.content = fault::Part::Octets(content.clone());
        let octets = draft.seal(&signer(), device().keys(), &mut random());
        let package = Package::verify(&octets, &trust()).unwrap();
        let opened = device().open_octets(&package).unwrap();
        prop_assert_eq!(opened.as_slice(), &content[..]);
        prop_assert!(device().open(&package).is_err());
    }

    #[test]
    fn any_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Package::verify(&octets, &trust()).is_err());
        prop_assert!(Notice::verify(&octets, &trust()).is_err());
        prop_assert!(Delegation::verify(&octets, &root().public()).is_err());
        prop_assert!(Statement::verify(&octets).is_err());
        prop_assert_eq!(Kind::of(&octets), None);
    }

    /// What claims to be long is refused by what is there.
    #[test]
    fn claimed_lengths_allocate_nothing(claimed in any::<[u8; 8]>(), major in 2_u8..6) {
        let octets = [&[0xd2, 0x84, (major << 5) | 27][..], &claimed, &[0; 20]].concat();
        let malformed = Error::Malformed { kind: Kind::Package, part: "COSE_Sign1" };
        prop_assert_eq!(Package::verify(&octets, &trust()).err(), Some(malformed));
    }
}
