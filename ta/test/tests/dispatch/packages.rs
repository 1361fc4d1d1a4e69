//! Packages, notices and statements over the platform in memory: the vectors of
//! docs/vectors/package.json, flipped octets, power cuts, lost objects. (What each
//! single fault is refused with is suite `package` of prose-xtest.)

use proptest::prelude::*;
use proseal_issuer::testing::{Fixed, fault};
use proseal_issuer::{
    Delegation, DesiredState, DeviceKeys, Group, GroupKey, ManagerId, Notice, Pgk, RootKey, Signer,
    SignerKey, SignerVersion, Statement, Trust,
};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{
    DeviceState, Enrol, Erase, GetStatement, Import, Outcome, StatusReply,
};
use proseal_proto::test_command::Scope;
use proseal_ta::sim::Fault;
use proseal_ta::state::record;
use serde_json::Value;

use crate::fixture::{self, Device, GROUP, MEMBER, TIME};

const MANAGER: ManagerId = ManagerId([0x3a; 16]);

/// A manager, and the device that is enrolled with it.
struct Manager {
    signer: Signer,
    keys: DeviceKeys,
}

fn root() -> RootKey {
    RootKey::from_seed(&[0x41; 32])
}

fn signer(version: u32) -> Signer {
    let key = SignerKey::from_seed(&[5; 32]);
    let version = SignerVersion::new(version).unwrap();
    let delegation = Delegation::sign(&root(), key.public(), version, MANAGER);
    Signer::new(key, delegation).unwrap()
}

fn pgk(generation: u64) -> Pgk {
    let pgk = fixture::pgk(generation, generation as usize);
    let key = GroupKey::from_octets(pgk.key);
    let (generation, id, is_root, policy) = (pgk.generation, pgk.id, pgk.is_root, pgk.policy);
    Pgk { generation, id, key, is_root, policy }
}

/// [`GROUP`] with these generations.
fn state(sequence: u64, generations: &[u64]) -> DesiredState {
    let group = Group {
        group: fixture::group_id(GROUP),
        member: fixture::member(MEMBER),
        next: fixture::generation(generations[0]),
        may_send: true,
        pgks: generations.iter().map(|&generation| pgk(generation)).collect(),
    };
    DesiredState { sequence, time: TIME, start_nonce: None, groups: vec![group] }
}

impl Device {
    fn import(&mut self, octets: &[u8]) -> Result<Outcome, Code> {
        self.call(&Import { octets }).map(|reply| reply.outcome)
    }

    fn enrol(&mut self) -> Result<DeviceKeys, Code> {
        let enrol = Enrol { root_key: *root().public().octets(), manager: MANAGER.0 };
        let reply = self.call(&enrol)?;
        Ok(Statement::verify(&reply.statement).unwrap().device)
    }

    fn erase_own(&mut self) -> Result<(), Code> {
        let device = self.status().device;
        self.call(&Erase { device }).map(drop)
    }

    fn statement(&mut self) -> Result<Statement, Code> {
        let reply = self.call(&GetStatement { nonce: [9; 32] })?;
        Ok(Statement::verify_answer(&reply.statement, &[9; 32]).unwrap())
    }
}

impl Manager {
    /// With a device that holds generations 1 and 2.
    fn with_device() -> (Self, Device) {
        let mut device = Device::new();
        let keys = device.enrol().unwrap();
        let manager = Self { signer: signer(1), keys };
        let first = manager.package(&state(1, &[1, 2]));
        assert_eq!(device.import(&first), Ok(Outcome::Applied));
        (manager, device)
    }

    fn package(&self, state: &DesiredState) -> Vec<u8> {
        let random = &mut Fixed::new(&[7; 32]);
        fault::package(&self.signer, &self.keys, state).seal(&self.signer, &self.keys, random)
    }

    fn notice(&self, below: u64) -> Vec<u8> {
        let (group, below) = (fixture::group_id(GROUP), fixture::generation(below));
        Notice::sign(&self.signer, group, below, TIME).octets().to_vec()
    }
}

/// What lasts of a status: no clock, no counters of this start.
fn lasting(device: &mut Device) -> StatusReply {
    StatusReply { start_nonce: [0; 32], refusals: 0, unsynced_s: 0, ..device.status() }
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/vectors/package.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn octets(object: &Value, name: &str) -> Vec<u8> {
    let hex = object[name].as_str().unwrap_or_else(|| panic!("{name}"));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn fixed<const N: usize>(object: &Value, name: &str) -> [u8; N] {
    octets(object, name).try_into().unwrap()
}

/// A device with the keys of a part of the vectors, enrolled with their manager.
fn device_of(keys: &Value) -> Device {
    let mut device = Device::new();
    device.medium().given_keys = Some([fixed(keys, "x25519_private"), fixed(keys, "ed25519_seed")]);
    let enrol = Enrol { root_key: fixed(keys, "root"), manager: fixed(keys, "manager") };
    device.call(&enrol).unwrap();
    let id: [u8; 16] = fixed(keys, "device");
    assert_eq!(device.status().device, DeviceId(id));
    device
}

#[test]
fn packages_of_the_issuer_and_of_the_python_program_are_applied() {
    let vectors = vectors();
    let packages = vectors["packages"].as_array().unwrap();
    // What has ended by a package's own time is left out of it.
    let outcome = |package: &Value| {
        let time = package["state"]["time"].as_u64();
        let groups = package["state"]["groups"].as_array().unwrap().iter();
        let mut pgks = groups.flat_map(|group| group["pgks"].as_array().unwrap());
        let ended = pgks.any(|pgk| pgk["not_after"].as_u64() == Some(1) && time > Some(1));
        if ended { Outcome::Partly } else { Outcome::Applied }
    };
    for package in packages {
        let mut device = device_of(&vectors["keys"]);
        assert_eq!(device.import(&octets(package, "octets")), Ok(outcome(package)));
        assert_eq!(device.status().sequence, package["state"]["sequence"].as_u64().unwrap());
    }
    let by_cwt = vectors["by_cwt"].as_array().unwrap();
    assert_eq!(by_cwt.len(), packages.len());
    for (package, of) in by_cwt.iter().zip(packages) {
        let mut device = device_of(&vectors["keys"]);
        assert_eq!(device.import(&octets(package, "octets")), Ok(outcome(of)));
    }
    for notice in vectors["notices"].as_array().unwrap() {
        let mut device = device_of(&vectors["keys"]);
        assert_eq!(device.import(&octets(notice, "octets")), Ok(Outcome::Same), "of no group");
        let version = notice["version"].as_u64().unwrap();
        assert_eq!(u64::from(device.status().signer_version), version);
    }
}

#[test]
fn the_vectors_with_one_fault_are_refused_with_the_names_they_say() {
    let vectors = vectors();
    let refused = &vectors["refused"];
    let mut device = device_of(refused);
    let least = u32::try_from(refused["least_version"].as_u64().unwrap()).unwrap();
    let mut state = record::decode(device.medium().object.as_ref().unwrap()).unwrap();
    state.signer_version = least;
    device.medium().object = Some(record::encode(&state).unwrap().to_vec());
    device.restart();
    let mut wrong = Vec::new();
    for vector in refused["vectors"].as_array().unwrap() {
        let (comment, error) = (&vector["comment"], vector["error"].as_str().unwrap());
        let octets = octets(vector, "octets");
        let before = lasting(&mut device);
        match device.import(&octets) {
            Err(code) if code.name() == error => {}
            other => wrong.push(format!("{comment}: {error}, but {other:?}")),
        }
        assert_eq!(lasting(&mut device), before, "{comment} changes nothing");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statement_makes_one_identity_which_is_announced_and_stays() {
    let mut device = Device::new();
    assert_eq!(device.status().device, DeviceId::NONE);
    let keys = device.statement().unwrap().device;
    device.restart();
    assert_eq!(device.statement().unwrap().device, keys);
    assert_eq!(device.status().device, keys.id());
    assert_eq!(device.medium().announced, [keys.id()]);
    assert_eq!(device.status().state, DeviceState::Factory);
}

#[test]
fn a_nonce_tells_identities_of_one_random_source_apart() {
    let id = |nonce| {
        let reply = Device::new().call(&GetStatement { nonce: [nonce; 32] }).unwrap();
        Statement::verify(&reply.statement).unwrap().device.id()
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
    // Who enrols says what all say.
    assert_eq!(Device::new().enrol().unwrap().id(), Device::new().enrol().unwrap().id());
}

#[test]
fn an_identity_without_its_state_or_a_state_without_its_identity_is_damage() {
    let damages: [fn(&mut Device); 4] = [
        |device| device.medium().object = None,
        |device| device.medium().keys[0] = None,
        |device| device.medium().keys[1] = None,
        |device| device.medium().keys = [Some([1; 32]), Some([2; 32])],
    ];
    for (at, damage) in damages.into_iter().enumerate() {
        let (manager, mut device) = Manager::with_device();
        damage(&mut device);
        device.restart();
        assert_eq!(device.status().state, DeviceState::Damaged, "{at}");
        assert_eq!(device.send(2).err(), Some(Code::Damaged));
        assert_eq!(device.import(&manager.package(&state(2, &[2]))), Err(Code::Damaged));
        assert_eq!(device.enrol().err(), Some(Code::Damaged));
        match device.statement() {
            // Whole keys can still speak for themselves.
            Ok(statement) => {
                assert!([0, 3].contains(&at));
                assert_eq!(statement.state as u8, DeviceState::Damaged.number());
                assert_eq!(statement.sequence, 0);
            }
            Err(code) => assert_eq!((code, [1, 2].contains(&at)), (Code::Damaged, true)),
        }
        device.erase().unwrap();
        assert_eq!(device.status().state, DeviceState::Factory);
        assert_eq!(device.medium().keys, [None, None], "erased with the rest");
        assert_ne!(device.enrol().unwrap(), manager.keys);
    }
}

#[test]
fn parts_of_an_identity_that_no_state_names_are_made_anew() {
    let mut device = Device::new();
    device.statement().unwrap();
    let whole = device.medium().keys;
    // As if the power had gone before the state named them.
    let mut device = Device::new();
    device.medium().power_left = Some(3);
    assert!(device.call(&GetStatement { nonce: [9; 32] }).is_err());
    device.power_on();
    device.restart();
    assert_eq!(device.medium().keys[1], None, "cut between the two");
    assert_eq!(device.status().state, DeviceState::Factory);
    device.statement().unwrap();
    assert_ne!(device.medium().keys, whole);
}

/// What makes an identity; its keys.
type MakesIdentity = fn(&mut Device) -> Result<DeviceKeys, Code>;

/// At each write of a first statement and of an enrolment: the state, the two pairs,
/// the state that names them. Until it was answered there is no identity; whoever asks
/// again gets one that is whole, and it stays.
#[test]
fn a_write_that_makes_an_identity_fails_or_lies() {
    let acts: [(&str, MakesIdentity); 2] = [
        ("statement", |device| device.statement().map(|statement| statement.device)),
        ("enrol", Device::enrol),
    ];
    for (name, act) in acts {
        let mut device = Device::new();
        act(&mut device).unwrap();
        let writes = device.medium().writes;
        assert!(writes >= 5, "{name}: twice the state, two pairs, the name");
        for fault in [Fault::WriteFails, Fault::WriteLies] {
            for spared in 0..writes {
                for restarts in [false, true] {
                    let what = format!("{name}, {fault:?} after {spared}, restart: {restarts}");
                    let mut device = Device::new();
                    (device.medium().fault, device.medium().spared) = (fault, spared);
                    assert_eq!(act(&mut device), Err(Code::StoreFailed), "{what}");
                    device.fault(Fault::None);
                    if restarts {
                        device.restart();
                    }
                    let found = device.status();
                    let is_enrolled = found.state == DeviceState::Enrolled;
                    // Its last write is on the medium, and nobody was told.
                    let may_be = restarts && name == "enrol" && fault == Fault::WriteLies;
                    assert!(!is_enrolled || may_be && spared + 1 == writes, "{what}");
                    let keys = device.statement().unwrap().device;
                    if found.device != DeviceId::NONE {
                        assert_eq!(keys.id(), found.device, "{what}: what was named stays");
                    }
                    if !is_enrolled {
                        assert_eq!(act(&mut device), Ok(keys), "{what}");
                    }
                    assert_eq!(device.medium().announced.last(), Some(&keys.id()), "{what}");
                    device.restart();
                    assert_eq!(device.status().device, keys.id(), "{what}");
                    assert_eq!(device.statement().unwrap().device, keys, "{what}");
                }
            }
        }
    }
}

/// A write that was reported as done, and is not there at the next start.
#[test]
fn a_write_that_makes_an_identity_is_lost() {
    // The state before it names the identity.
    let mut unnamed = Device::new();
    unnamed.medium().power_left = Some(4);
    assert!(unnamed.statement().is_err());
    let unnamed = unnamed.medium().object.clone();
    assert!(unnamed.is_some());

    let mut device = Device::new();
    let keys = device.statement().unwrap().device;
    device.medium().object = unnamed;
    device.restart();
    assert_eq!(device.status().state, DeviceState::Factory);
    assert_eq!(device.status().device, DeviceId::NONE);
    // Who has the old one approved sees another device.
    assert_ne!(device.enrol().unwrap(), keys);
    assert_eq!(device.status().state, DeviceState::Enrolled);

    for at in 0..2 {
        let mut device = Device::new();
        let keys = device.statement().unwrap().device;
        device.medium().keys[at] = None;
        device.restart();
        assert_eq!(device.status().state, DeviceState::Damaged, "pair {at}");
        assert_eq!(device.enrol(), Err(Code::Damaged), "pair {at}");
        device.erase().unwrap();
        assert_ne!(device.enrol().unwrap(), keys, "pair {at}");
    }
}

/// The device's state, or none if it has no identity.
fn told(device: &mut Device) -> (bool, StatusReply) {
    let status = lasting(device);
    (status.device != DeviceId::NONE, StatusReply { device: DeviceId::NONE, ..status })
}

/// The manager, and the device that an act begins with.
type Made = fn() -> (Manager, Device);
/// What is done to it.
type Act = fn(&Manager, &mut Device) -> Result<(), Code>;

#[test]
fn power_goes_after_each_write_of_statement_enrol_and_import() {
    let fresh = || {
        let manager = Manager { signer: signer(1), keys: Manager::with_device().0.keys };
        (manager, Device::new())
    };
    let acts: [(&str, Made, Act); 5] = [
        ("statement", fresh, |_, device| device.statement().map(drop)),
        ("enrol", fresh, |_, device| device.enrol().map(drop)),
        ("import", Manager::with_device, |manager, device| {
            device.import(&manager.package(&state(2, &[2, 3]))).map(drop)
        }),
        ("import of a notice", Manager::with_device, |manager, device| {
            device.import(&manager.notice(2)).map(drop)
        }),
        ("import that changes the sequence only", Manager::with_device, |manager, device| {
            device.import(&manager.package(&state(2, &[1, 2]))).map(drop)
        }),
    ];
    for (name, made, act) in acts {
        let (manager, mut device) = made();
        let before = told(&mut device);
        let written = device.medium().writes;
        act(&manager, &mut device).unwrap();
        let writes = device.medium().writes - written;
        let after = told(&mut device);
        assert!(writes > 0, "{name} writes");
        for cut in 0..writes {
            let (manager, mut device) = made();
            device.medium().power_left = Some(cut);
            assert!(act(&manager, &mut device).is_err(), "{name}, cut {cut}: nobody hears it");
            device.power_on();
            device.restart();
            let found = told(&mut device);
            // An identity is there before the enrolment is, and stays.
            let named = (true, before.1.clone());
            assert!(
                found == before || found == after || found == named,
                "{name}, cut {cut}: {found:?}"
            );
            match act(&manager, &mut device) {
                Ok(()) => {}
                // It took effect, and a device is enrolled once.
                Err(code) => assert_eq!((name, code), ("enrol", Code::WrongState), "cut {cut}"),
            }
            assert_eq!(told(&mut device), after, "{name}, again after cut {cut}");
        }
    }
}

#[test]
fn a_write_that_fails_costs_nothing() {
    for fault in [Fault::WriteFails, Fault::WriteLies] {
        let (manager, mut device) = Manager::with_device();
        let package = manager.package(&state(2, &[2, 3]));
        device.fault(fault);
        assert_eq!(device.import(&package), Err(Code::StoreFailed));
        device.fault(Fault::None);
        assert_eq!(device.held().0, [1, 2]);
        assert_eq!(device.import(&package), Ok(Outcome::Applied));
        assert_eq!(device.held().0, [2, 3]);
    }
}

/// An erase that was begun is never taken back: half of an identity is none.
#[test]
fn an_erase_of_an_enrolled_device_fails_or_is_cut_at_each_write() {
    let writes = {
        let (_, mut device) = Manager::with_device();
        let before = device.medium().writes;
        device.erase_own().unwrap();
        device.medium().writes - before
    };
    assert_eq!(writes, 5, "twice over the state, two pairs, the state");
    for fault in [Fault::WriteFails, Fault::WriteLies] {
        for spared in 0..writes {
            let (manager, mut device) = Manager::with_device();
            (device.medium().fault, device.medium().spared) = (fault, spared);
            assert!(device.erase_own().is_err(), "{fault:?} after {spared}");
            device.fault(Fault::None);
            // From the third write on nothing of the state is left.
            if spared >= 2 {
                assert_eq!(device.status().state, DeviceState::Damaged, "{fault:?} {spared}");
                assert_eq!(device.send(2).err(), Some(Code::Damaged));
                let package = manager.package(&state(2, &[2]));
                assert_eq!(device.import(&package), Err(Code::Damaged));
            }
            device.erase_own().unwrap();
            device.restart();
            assert_eq!(device.status().state, DeviceState::Factory, "{fault:?} {spared}");
            assert_eq!(device.medium().keys, [None, None]);
        }
    }
    for cut in 0..writes {
        let (_, mut device) = Manager::with_device();
        device.medium().power_left = Some(cut);
        assert!(device.erase_own().is_err());
        device.power_on();
        device.restart();
        let state = device.status().state;
        let expected = if cut == 0 { DeviceState::Enrolled } else { DeviceState::Damaged };
        assert_eq!(state, expected, "cut {cut}");
        device.erase_own().unwrap();
        assert_eq!(device.status().state, DeviceState::Factory);
        assert_eq!(device.medium().keys, [None, None]);
    }
}

/// A pair that is taken away while the device runs is damage at once, and not only
/// at the next start.
#[test]
fn a_pair_that_goes_while_the_device_runs_is_damage() {
    for at in 0..2 {
        let (manager, mut device) = Manager::with_device();
        device.medium().keys[at] = None;
        let package = manager.package(&state(2, &[2, 3]));
        assert_eq!(device.import(&package), Err(Code::Damaged), "{at}");
        assert_eq!(device.status().state, DeviceState::Damaged, "{at}");
        assert_eq!(device.send(2).err(), Some(Code::Damaged));
    }
}

#[test]
fn a_content_in_clear_is_for_a_device_of_the_same_name_only() {
    let (_, mut device) = Manager::with_device();
    let clear = fixture::generations(9, &[1]);
    assert_eq!(device.install(Scope::Whole, &clear), Err(Code::WrongDevice));
}

/// No octet of a package can be another, whoever has signed it then.
#[test]
fn every_octet_of_a_package_counts() {
    let (manager, mut device) = Manager::with_device();
    let good = manager.package(&state(2, &[2, 3]));
    let before = lasting(&mut device);
    for at in 0..good.len() {
        for flip in [0x01, 0x80] {
            let mut flipped = good.clone();
            flipped[at] ^= flip;
            assert!(device.import(&flipped).is_err(), "octet {at} ^ {flip:#04x}");
        }
    }
    assert_eq!(lasting(&mut device), before);
    assert_eq!(device.import(&good), Ok(Outcome::Applied));
}

/// Points of low order, no points, numbers beyond the field: whatever an operator pins
/// as a root key, nothing is signed by it. Under the neutral point, in each of its forms,
/// this signature holds for any message, if low order is not looked for.
#[test]
fn a_root_key_that_is_none_signs_nothing() {
    let neutral: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
    // The field's prime and 1.
    let other_form: [u8; 32] = std::array::from_fn(|at| match at {
        0 => 0xee,
        31 => 0x7f,
        _ => 0xff,
    });
    let signature = [neutral, [0; 32]].concat();
    for root_key in [neutral, other_form, [0xff; 32], [2; 32], [0x80; 32]] {
        let mut device = Device::new();
        let enrolled = device.call(&Enrol { root_key, manager: MANAGER.0 }).unwrap();
        let keys = Statement::verify(&enrolled.statement).unwrap().device;
        let signer = signer(1);
        let mut package = fault::package(&signer, &keys, &state(1, &[1]));
        let delegation = fault::delegation(signer.delegation()).with_signature(&signature);
        package.unprotected = fault::with_delegation(&delegation);
        let refused = device.import(&package.seal(&signer, &keys, &mut Fixed::new(&[7; 32])));
        assert_eq!(refused, Err(Code::UntrustedSigner), "{root_key:?}");
    }
}

/// The same with a signature that holds: what is sealed is authentic by itself,
/// and the headers agree or do not.
#[test]
fn every_octet_of_a_signed_payload_counts() {
    let (manager, mut device) = Manager::with_device();
    let random = &mut Fixed::new(&[7; 32]);
    let draft = fault::package(&manager.signer, &manager.keys, &state(2, &[2, 3]));
    let payload = draft.encrypt(&manager.keys, random).octets();
    let before = lasting(&mut device);
    for at in 0..payload.len() {
        let mut flipped = payload.clone();
        flipped[at] ^= 1;
        let signed = draft.around(flipped).sign(&manager.signer);
        assert!(device.import(&signed).is_err(), "octet {at}");
    }
    let header = draft.outer.octets();
    for at in 0..header.len() {
        let mut draft = draft.clone();
        let mut flipped = header.clone();
        flipped[at] ^= 1;
        draft.outer = fault::Part::Octets(flipped);
        let signed = draft.around(payload.clone()).sign(&manager.signer);
        assert!(device.import(&signed).is_err(), "octet {at} of the header");
    }
    assert_eq!(lasting(&mut device), before);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]

    #[test]
    fn random_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (_, mut device) = Manager::with_device();
        prop_assert!(device.import(&octets).is_err());
    }

    /// Content of any octets, sealed and signed as it should be.
    #[test]
    fn sealed_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (manager, mut device) = Manager::with_device();
        let mut draft = fault::package(&manager.signer, &manager.keys, &state(2, &[2]));
        draft.content = fault::Part::Octets(octets);
        let random = &mut Fixed::new(&[7; 32]);
        let package = draft.seal(&manager.signer, &manager.keys, random);
        prop_assert!(device.import(&package).is_err());
    }
}

#[test]
fn what_the_trusted_application_takes_the_issuer_takes() {
    let (manager, _) = Manager::with_device();
    let trust = Trust { root: root().public(), manager: MANAGER, least_version: 1 };
    assert!(proseal_issuer::Package::verify(&manager.package(&state(2, &[1])), &trust).is_ok());
    assert!(Notice::verify(&manager.notice(3), &trust).is_ok());
}
