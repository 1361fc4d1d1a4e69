//! Statements: what holds, and what is refused.

use proseal_issuer::testing::{Value, fault};
use proseal_issuer::{Error, Kind, Statement, held_digest};
use proseal_proto::message::DeviceState;

use crate::fixture::{NOW, device, generation, group_id, other_device, package, root};

pub(crate) fn fixture() -> Statement {
    Statement {
        device: *device().keys(),
        ta_version: 100,
        nonce: [0x6e; 32],
        start_nonce: [0x73; 32],
        floor: NOW,
        sequence: 7,
        package_digest: *package().digest(),
        held_digest: held_digest([(group_id(0x0a_0b0c), generation(1))]),
        root_digest: root().public().digest(),
        state: DeviceState::Enrolled,
    }
}

#[test]
fn a_statement_reads_as_it_was_made() {
    let octets = device().state(&fixture());
    assert_eq!(Statement::verify(&octets), Ok(fixture()));
    assert_eq!(Statement::verify_answer(&octets, &[0x6e; 32]), Ok(fixture()));
    assert_eq!(Statement::verify_answer(&octets, &[0; 32]), Err(Error::OldStatement));
    assert_eq!(Kind::of(&octets), Some(Kind::Statement));
}

/// The statement with one change that the device itself signed.
fn changed(path: &[i64], value: impl Into<Value>) -> Option<Error> {
    let mut draft = fault::statement(&device(), &fixture());
    draft.payload.set(path, value);
    Statement::verify(&draft.sign(&device())).err()
}

#[test]
fn each_field_is_checked() {
    let malformed = |part| Some(Error::Malformed { kind: Kind::Statement, part });
    let other = other_device();
    assert_eq!(changed(&[1], vec![0; 16]), Some(Error::WrongDeviceId));
    assert_eq!(changed(&[2], vec![0; 32]), Some(Error::BadKey { what: "X25519" }));
    let key = other.keys().ed25519().to_vec();
    assert_eq!(changed(&[3], key), Some(Error::BadSignature { kind: Kind::Statement }));
    assert_eq!(changed(&[4], 1_u64 << 32), malformed("payload"));
    assert_eq!(changed(&[5], vec![0; 31]), malformed("payload"));
    assert_eq!(changed(&[12], 0), malformed("payload"));
    assert_eq!(changed(&[12], 4), malformed("payload"));
    assert_eq!(changed(&[13], 0), malformed("payload"), "an unknown key");
    assert_eq!(changed(&[64], 0), None, "an extension");
    for key in 1..=12 {
        let mut draft = fault::statement(&device(), &fixture());
        draft.payload.remove(&[key]);
        assert!(Statement::verify(&draft.sign(&device())).is_err(), "without {key}");
    }
}

#[test]
fn a_statement_has_no_other_header() {
    for (label, value) in [(4, Value::Bytes(vec![0, 0, 0, 1])), (2, Value::Array(vec![]))] {
        let mut draft = fault::statement(&device(), &fixture());
        draft.protected.set(&[label], value);
        assert!(Statement::verify(&draft.sign(&device())).is_err(), "{label}");
    }
    let mut draft = fault::statement(&device(), &fixture());
    draft.unprotected = Value::Map(vec![(Value::from(4), Value::Bytes(vec![1]))]);
    assert!(Statement::verify(&draft.sign(&device())).is_err());
}

#[test]
fn the_digest_of_what_is_held_does_not_hang_on_the_order() {
    let (a, b) = ((group_id(1), generation(2)), (group_id(2), generation(1)));
    assert_eq!(held_digest([a, b]), held_digest([b, a]));
    assert_ne!(held_digest([a]), held_digest([b]));
}
