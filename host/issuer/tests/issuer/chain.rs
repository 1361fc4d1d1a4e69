//! From the root key to the content: what holds, and who is refused.

use proseal_issuer::{
    Delegation, Error, Kind, ManagerId, Notice, Package, RootKey, Signer, SignerKey, SignerVersion,
    Trust, system_random,
};

use crate::fixture::{
    MANAGER, NOW, VERSION, device, generation, group_id, other_device, package, random, root,
    signer, signer_of, state, trust,
};

fn version() -> SignerVersion {
    SignerVersion::new(VERSION).unwrap()
}

fn notice() -> Notice {
    Notice::sign(&signer(), group_id(0x0a_0b0c), generation(3), NOW)
}

#[test]
fn a_package_opens_to_what_was_sealed() {
    let read = Package::verify(package().octets(), &trust()).unwrap();
    assert_eq!(read, package());
    assert_eq!(read.device(), device().keys().id());
    assert_eq!((read.sequence(), read.version()), (7, version()));
    let opened = device().open(&read).unwrap();
    assert_eq!((opened.sequence, opened.time, opened.start_nonce), (7, NOW, None));
    let sent = state();
    for (got, sent) in opened.groups.iter().zip(&sent.groups) {
        assert_eq!((got.group, got.member, got.next), (sent.group, sent.member, sent.next));
        assert_eq!((got.may_send, got.pgks.len()), (sent.may_send, sent.pgks.len()));
        for (got, sent) in got.pgks.iter().zip(&sent.pgks) {
            assert_eq!((got.generation, got.id), (sent.generation, sent.id));
            assert_eq!((got.is_root, got.policy), (sent.is_root, sent.policy));
            assert_eq!(got.key.expose(), sent.key.expose());
        }
    }
}

#[test]
fn a_notice_and_a_delegation_read_as_they_were_made() {
    let read = Notice::verify(notice().octets(), &trust()).unwrap();
    assert_eq!(read, notice());
    assert_eq!(
        (read.group(), read.below(), read.time()),
        (group_id(0x0a_0b0c), generation(3), NOW)
    );
    let delegation = Delegation::verify(signer().delegation().octets(), &root().public()).unwrap();
    assert_eq!(&delegation, signer().delegation());
    assert_eq!((delegation.version().get(), delegation.manager()), (VERSION, MANAGER));
}

#[test]
fn two_sealings_of_one_state_share_nothing_but_the_headers() {
    let seal = || Package::seal(&signer(), device().keys(), &state(), &mut system_random());
    let (one, other) = (seal().unwrap(), seal().unwrap());
    assert_ne!(one.digest(), other.digest());
    assert!(device().open(&one).is_ok() && device().open(&other).is_ok());
}

#[test]
fn the_kind_is_told_before_anything_is_checked() {
    assert_eq!(Kind::of(package().octets()), Some(Kind::Package));
    assert_eq!(Kind::of(notice().octets()), Some(Kind::Notice));
    assert_eq!(Kind::of(signer().delegation().octets()), Some(Kind::Delegation));
    assert_eq!(Kind::of(&package().octets()[1..]), None);
    assert_eq!(Kind::of(b""), None);
}

#[test]
fn no_kind_passes_for_another() {
    let (package, notice) = (package(), notice());
    let expected = Err(Error::WrongType { expected: Kind::Notice });
    assert_eq!(Notice::verify(package.octets(), &trust()), expected);
    let expected = Err(Error::WrongType { expected: Kind::Package });
    assert_eq!(Package::verify(notice.octets(), &trust()), expected);
    let expected = Err(Error::WrongType { expected: Kind::Delegation });
    assert_eq!(Delegation::verify(notice.octets(), &root().public()), expected);
}

#[test]
fn another_root_another_manager_and_an_older_signer_are_refused() {
    let octets = package().octets().to_vec();
    let verify = |trust: Trust| Package::verify(&octets, &trust).err();
    let other_root = RootKey::from_seed(&[9; 32]).public();
    assert_eq!(verify(Trust { root: other_root, ..trust() }), Some(Error::Untrusted));
    let found = MANAGER;
    assert_eq!(
        verify(Trust { manager: ManagerId([0; 16]), ..trust() }),
        Some(Error::WrongManager { found })
    );
    let least = 3;
    assert_eq!(
        verify(Trust { least_version: least, ..trust() }),
        Some(Error::OldSigner { found: version(), least })
    );
    assert_eq!(verify(Trust { least_version: 0, ..trust() }), None);
}

#[test]
fn a_later_signer_is_taken_without_more_ado() {
    let later = signer_of(&root(), 0x22, u32::MAX, MANAGER);
    let package = Package::seal(&later, device().keys(), &state(), &mut random()).unwrap();
    assert_eq!(Package::verify(package.octets(), &trust()).unwrap().version().get(), u32::MAX);
}

#[test]
fn a_package_opens_for_its_device_only() {
    assert_eq!(other_device().open(&package()).err(), Some(Error::WrongDevice));
    assert_eq!(other_device().open_octets(&package()).err(), Some(Error::NotOpened));
}

#[test]
fn a_signer_needs_the_delegation_of_its_own_key() {
    let delegation = signer().delegation().clone();
    let other = Signer::new(SignerKey::from_seed(&[8; 32]), delegation);
    assert_eq!(other.err(), Some(Error::NotDelegated));
}

#[test]
fn messages_say_what_to_do() {
    let mut seen = std::collections::BTreeSet::new();
    for error in [
        Error::TooLong { kind: Kind::Package, len: 16_000, max: 15_360 },
        Error::Malformed { kind: Kind::Notice, part: "payload" },
        Error::WrongType { expected: Kind::Package },
        Error::Algorithm { kind: Kind::Package },
        Error::BadSignature { kind: Kind::Statement },
        Error::Untrusted,
        Error::WrongManager { found: MANAGER },
        Error::OldSigner { found: SignerVersion::FIRST, least: 2 },
        Error::WrongDevice,
        Error::NotOpened,
        Error::BadKey { what: "X25519" },
        Error::NotDelegated,
        Error::OutOfRange { what: "signer version" },
        Error::OldStatement,
        Error::WrongDeviceId,
    ] {
        let message = error.to_string();
        assert!(message.contains(": "), "no advice in: {message}");
        assert!(seen.insert(error.name()), "{} twice", error.name());
    }
}
