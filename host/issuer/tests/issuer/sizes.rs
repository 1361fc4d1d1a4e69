//! The largest of each kind fits, with the sizes that docs/package.md says.

use proseal_issuer::{
    Delegation, DesiredState, Kind, Notice, Package, SignerKey, SignerVersion, Statement, Trust,
};
use proseal_proto::content::Label;
use proseal_proto::id::{Generation, MemberId};
use proseal_proto::limit;
use proseal_proto::message::DeviceState;
use proseal_proto::profile::Suite;

use crate::fixture::{MANAGER, device, group, group_id, pgk, random, root, signer_of, trust};
use crate::statement;

const LATEST: u64 = u64::MAX;

/// 16 groups of 4 PGKs, each number at its highest.
pub(crate) fn largest() -> DesiredState {
    let highest = limit::GENERATION;
    let groups = (0..16).map(|g: u32| {
        let pgks = (0..4).map(|p: u8| {
            let mut pgk = pgk(highest - u64::from(p), 0xff - p, 0);
            pgk.key = proseal_issuer::GroupKey::from_octets(&[1 + p + 4 * g as u8; 32]);
            let policy = &mut pgk.policy;
            (policy.not_before, policy.not_after) = (LATEST - 1, LATEST);
            policy.suite = Suite::ThreeGpp;
            policy.label = Label::new(&"x".repeat(limit::LABEL)).unwrap();
            (policy.epoch_s, policy.epoch_packets) = (u32::MAX, u32::MAX);
            (policy.receive_grace_s, policy.send_grace_s) = (u32::MAX, u32::MAX);
            policy.max_unsynced_s = u32::MAX;
            policy.accept_rollback = true;
            pgk
        });
        let mut group = group(0xff_fff0 + g, pgks.collect());
        group.member = MemberId::new(0xff_ffff).unwrap();
        group.next = Generation::new(highest - 3).unwrap();
        group
    });
    DesiredState {
        sequence: LATEST,
        time: LATEST,
        start_nonce: Some([0xff; 32]),
        groups: groups.collect(),
    }
}

#[test]
fn the_largest_of_each_kind_has_the_size_that_is_documented() {
    let signer = signer_of(&root(), 2, u32::MAX, MANAGER);
    let trust = Trust { least_version: u32::MAX, ..trust() };
    let package = Package::seal(&signer, device().keys(), &largest(), &mut random()).unwrap();
    let read = Package::verify(package.octets(), &trust).unwrap();
    let opened = device().open_octets(&read).unwrap();
    let version = SignerVersion::new(u32::MAX).unwrap();
    let delegation =
        Delegation::sign(&root(), SignerKey::from_seed(&[2; 32]).public(), version, MANAGER);
    let notice = Notice::sign(
        &signer,
        group_id(0xff_ffff),
        Generation::new(limit::GENERATION).unwrap(),
        LATEST,
    );
    let statement = Statement {
        ta_version: u32::MAX,
        floor: LATEST,
        sequence: LATEST,
        state: DeviceState::Enrolled,
        ..statement::fixture()
    };
    let statement = device().state(&statement);
    assert_eq!(opened.len(), 9_596, "content");
    assert_eq!(package.octets().len(), 10_024, "package");
    assert_eq!(delegation.octets().len(), 155, "delegation");
    assert_eq!(notice.octets().len(), 287, "notice");
    assert_eq!(statement.len(), 387, "statement");
    assert!(Notice::verify(notice.octets(), &trust).is_ok());
    assert!(Statement::verify(&statement).is_ok());
    // One message of 16 KiB carries any of them; its version is 2 octets.
    for kind in Kind::ALL {
        assert!(kind.max() + 2 <= limit::REQUEST_MAX, "{kind}");
    }
}

#[test]
fn what_is_too_long_is_not_read() {
    let limits = [(Kind::Package, 15_360), (Kind::Notice, 512), (Kind::Delegation, 256)];
    for (kind, max) in limits {
        assert_eq!(kind.max(), max);
        let long = vec![0xd2; 15_361];
        let error = match kind {
            Kind::Package => Package::verify(&long, &trust()).err(),
            Kind::Notice => Notice::verify(&long, &trust()).err(),
            _ => Delegation::verify(&long, &root().public()).err(),
        };
        assert_eq!(error.unwrap().name(), "oversized", "{kind}");
    }
    let long = vec![0xd2; 15_361];
    assert_eq!(Statement::verify(&long).unwrap_err().name(), "oversized");
}
