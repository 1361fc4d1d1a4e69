//! Notices and packages on the link, of a manager by whom all radios are enrolled.

use proseal_client::Client;
use proseal_client::sim::Machine;
use proseal_issuer::testing::{Device, Fixed};
use proseal_issuer::{
    Delegation, DesiredState, DeviceKeys, Group, GroupKey, ManagerId, Notice, Package, Pgk,
    RootKey, Signer, SignerKey, SignerVersion, Statement,
};
use proseal_proto::id::GroupId;
use proseal_proto::message::{Enrol, Import, Status};
use prosed::drops::DropReason;
use prosed::frame;
use prosed::object::{BUNDLE, Kind, NotCarried};
use prosed::station::Counters;

use crate::link::Chance;
use crate::radio::Radio;
use crate::world::{HKDF, TIME, generation, group, member, policy};

const MANAGER: ManagerId = ManagerId([0x3a; 16]);

struct Manager {
    root: RootKey,
    signer: Signer,
}

impl Manager {
    fn new(version: u32) -> Self {
        let root = RootKey::from_seed(&[1; 32]);
        let key = SignerKey::from_seed(&[version as u8; 32]);
        let version = SignerVersion::new(version).unwrap();
        let delegation = Delegation::sign(&root, key.public(), version, MANAGER);
        Self { signer: Signer::new(key, delegation).unwrap(), root }
    }

    fn notice(&self, below: u64, time: u64) -> Notice {
        Notice::sign(&self.signer, group(), generation(below), TIME + time)
    }

    /// A package by which a radio holds these generations.
    fn package(&self, device: &DeviceKeys, number: usize, sequence: u64, held: &[u64]) -> Package {
        let pgk = |&number: &u64| {
            let pgk = crate::world::pgk(number, policy(HKDF));
            let key = GroupKey::from_octets(pgk.key);
            Pgk { generation: pgk.generation, id: pgk.id, key, is_root: false, policy: pgk.policy }
        };
        let group = Group {
            group: group(),
            member: member(number),
            next: generation(held[0]),
            may_send: true,
            pgks: held.iter().map(pgk).collect(),
        };
        let state = DesiredState { sequence, time: TIME, start_nonce: None, groups: vec![group] };
        Package::seal(&self.signer, device, &state, &mut Fixed::new(&[7; 32])).unwrap()
    }
}

/// A radio that holds generations 1 and 2.
fn enrolled(manager: &Manager, number: usize) -> (Radio, DeviceKeys) {
    let machine = Machine::start(Default::default(), 100 + number as u64);
    let mut client = Client::new(machine.clone());
    let enrol = Enrol { root_key: *manager.root.public().octets(), manager: MANAGER.0 };
    let statement = client.call(&enrol).ok().unwrap().statement;
    let device = Statement::verify(&statement).unwrap().device;
    let package = manager.package(&device, number, 1, &[1, 2]);
    client.call(&Import { octets: package.octets() }).ok().unwrap();
    let mut radio = Radio::on(machine);
    radio.configure(0);
    radio.work(0);
    radio.work(10);
    (radio, device)
}

fn object(octets: &[u8]) -> Vec<u8> {
    frame::object(group(), member(9), octets)
}

fn carry(radio: &mut Radio, ms: u64, octets: &[u8]) -> Result<(Kind, bool), NotCarried> {
    radio.station.carry(crate::radio::time(ms), group(), octets)
}

fn counters(radio: &Radio) -> Counters {
    radio.station.counters().clone()
}

#[test]
fn a_notice_is_imported_once_and_its_generations_are_over() {
    let manager = Manager::new(1);
    let (mut radio, _) = enrolled(&manager, 0);
    let notice = manager.notice(2, 10);
    radio.receive(20, &object(notice.octets()));
    radio.work(20);
    assert_eq!(radio.imported, [Ok(())]);
    let held = &radio.call(&Status).groups[0].pgks;
    assert_eq!(held.iter().map(|pgk| pgk.generation.get()).collect::<Vec<_>>(), [2]);
    for ms in 21..40 {
        radio.receive(ms, &object(notice.octets()));
        radio.work(ms);
    }
    // An older one, and one that says the same later: neither costs the TEE anything.
    radio.receive(40, &object(manager.notice(1, 99).octets()));
    radio.receive(41, &object(manager.notice(2, 11).octets()));
    radio.work(50);
    assert_eq!(radio.imported.len(), 1);
    assert_eq!(radio.dropped(DropReason::ObjectKnown), 20);
    assert_eq!(counters(&radio).objects, 2);
}

#[test]
fn only_what_a_trusted_signer_signed_is_taken_in() {
    let manager = Manager::new(2);
    let (mut radio, device) = enrolled(&manager, 0);
    let notice = manager.notice(3, 10);
    for at in 0..notice.octets().len() {
        let mut changed = notice.octets().to_vec();
        changed[at] ^= 1;
        radio.receive(1_000 * at as u64, &object(&changed));
    }
    let ms = 1_000_000;
    let replaced = Manager::new(1);
    radio.receive(ms, &object(replaced.notice(3, 10).octets()));
    radio.receive(ms, &object(replaced.package(&device, 0, 2, &[1, 2]).octets()));
    radio.receive(ms, &object(&[]));
    radio.work(ms);
    assert_eq!(radio.imported, []);
    let invalid = notice.octets().len() as u64 + 3;
    assert_eq!(radio.dropped(DropReason::ObjectInvalid), invalid);
}

#[test]
fn a_flood_of_objects_is_verified_ten_times_a_second() {
    let manager = Manager::new(1);
    let (mut radio, _) = enrolled(&manager, 0);
    let mut chance = Chance::new(1);
    for ms in 100..2_100 {
        let octets = chance.octets(300);
        radio.receive(ms, &object(&octets));
    }
    assert_eq!(radio.dropped(DropReason::ObjectInvalid), 10 + 20 - 1);
    assert_eq!(radio.dropped(DropReason::ObjectBucket), 2_000 - 29);
}

#[test]
fn a_package_is_for_its_device_only_and_only_if_it_is_newer() {
    let manager = Manager::new(1);
    let (mut radio, device) = enrolled(&manager, 0);
    let (_, other) = enrolled(&manager, 1);
    radio.receive(20, &object(manager.package(&other, 1, 2, &[2, 3]).octets()));
    radio.receive(21, &object(manager.package(&device, 0, 1, &[1, 2]).octets()));
    radio.work(21);
    assert_eq!(radio.imported, []);
    assert_eq!(radio.dropped(DropReason::ObjectForeign), 1);
    assert_eq!(radio.dropped(DropReason::ObjectKnown), 1);
    radio.receive(22, &object(manager.package(&device, 0, 2, &[2, 3]).octets()));
    radio.work(22);
    assert_eq!(radio.imported, [Ok(())]);
    let held = &radio.call(&Status).groups[0].pgks;
    assert_eq!(held.iter().map(|pgk| pgk.generation.get()).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_radio_that_was_off_learns_from_the_link_what_was_ended() {
    let manager = Manager::new(1);
    let (mut carrier, own) = enrolled(&manager, 0);
    let (mut away, device) = enrolled(&manager, 1);
    // Member 9 is lost: everything that it was given ends, the others get generation 5.
    let bundle = [
        manager.notice(5, 10).octets().to_vec(),
        manager.package(&own, 0, 2, &[5]).octets().to_vec(),
        manager.package(&device, 1, 2, &[5]).octets().to_vec(),
    ];
    let kinds: Vec<_> = bundle.iter().map(|octets| carry(&mut carrier, 100, octets)).collect();
    assert_eq!(kinds, [Ok((Kind::Notice, true)), Ok((Kind::Own, true)), Ok((Kind::Package, true))]);
    carrier.work(100);
    assert_eq!(carrier.imported, [Ok(()), Ok(())]);
    // It is sent once, and nobody hears it.
    (101..1_000).for_each(|ms| carrier.work(ms));
    assert_eq!(carrier.objects.drain(..).count(), 2);
    // After a restart it is there still.
    carrier.kill(1_000);
    carrier.work(1_000);
    assert_eq!((carrier.station.carried(), carrier.objects.len()), (1, 0));
    // The radio that was off still sends under a generation that nobody holds any more.
    let mut heard = Vec::new();
    for ms in (11_000..41_000).step_by(50) {
        if let Ok(frame) = away.send(ms, group(), b"hello") {
            carrier.receive(ms, &frame);
        }
        carrier.work(ms);
        for frame in carrier.objects.drain(..) {
            away.receive(ms, &frame);
            heard.push(ms);
        }
        away.work(ms);
        carrier.work(ms + 20);
        away.work(ms + 20);
    }
    assert_eq!(away.imported, [Ok(()), Ok(())]);
    // One notice and one package; then both use generation 5, and nothing is sent again.
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[1] - heard[0] >= 100);
    assert_eq!(away.station.in_use(group()).unwrap().0, generation(5));
    assert!(!carrier.heard.is_empty());
}

#[test]
fn what_does_not_belong_to_the_group_is_not_carried() {
    let (manager, other) = (Manager::new(2), Manager::new(1));
    let (mut radio, _) = enrolled(&manager, 0);
    let (_, device) = enrolled(&manager, 1);
    let package = |sequence| manager.package(&device, 1, sequence, &[1, 2]).octets().to_vec();
    let foreign = GroupId::new(1).unwrap();
    let refused = |group, octets: &[u8], radio: &mut Radio| {
        radio.station.carry(crate::radio::time(20), group, octets).unwrap_err().to_string()
    };
    assert!(refused(foreign, &package(2), &mut radio).contains("not in group 000001"));
    refused(group(), other.notice(2, 1).octets(), &mut radio);
    refused(group(), other.package(&device, 1, 9, &[1, 2]).octets(), &mut radio);
    refused(group(), b"", &mut radio);
    let foreign = Notice::sign(&manager.signer, foreign, generation(2), TIME);
    assert!(refused(group(), foreign.octets(), &mut radio).contains("a notice of group 000001"));
    assert_eq!(carry(&mut radio, 20, &package(3)), Ok((Kind::Package, true)));
    for old in [2, 3] {
        assert_eq!(carry(&mut radio, 20, &package(old)), Ok((Kind::Package, false)));
    }
    assert_eq!(radio.station.carried(), 1);
}

#[test]
fn the_packages_that_are_carried_are_bounded_and_the_last_ones_stay() {
    let manager = Manager::new(1);
    let (mut radio, _) = enrolled(&manager, 0);
    let devices: Vec<_> = (0..=BUNDLE as u8)
        .map(|number| Device::from_secrets(&[number + 1; 32], &[number + 1; 32]))
        .collect();
    for device in &devices {
        let package = manager.package(device.keys(), 1, 2, &[1, 2]);
        assert_eq!(carry(&mut radio, 20, package.octets()), Ok((Kind::Package, true)));
    }
    assert_eq!(radio.station.carried(), BUNDLE);
    radio.work(20);
    radio.work(30);
    let kept = prosed::object::file::decode(&radio.carried);
    let first = manager.package(devices[0].keys(), 1, 2, &[1, 2]);
    assert!(kept.len() == BUNDLE && kept.iter().all(|(_, octets)| octets != first.octets()));
}

#[test]
fn another_manager_ends_what_was_carried() {
    let manager = Manager::new(1);
    let (mut radio, _) = enrolled(&manager, 0);
    carry(&mut radio, 20, manager.notice(1, 1).octets()).unwrap();
    let (_, device) = enrolled(&manager, 1);
    carry(&mut radio, 20, manager.package(&device, 1, 2, &[1, 2]).octets()).unwrap();
    radio.work(20);
    radio.work(30);
    assert!(!radio.carried.is_empty());
    let mut status = radio.call(&Status);
    status.manager = [9; 16];
    radio.station.configure(crate::radio::time(40), &status, |_, _| None, &[], &mut |_, _| {});
    radio.work(40);
    radio.work(50);
    assert_eq!((radio.station.carried(), radio.carried.len(), radio.objects.len()), (0, 0, 1));
}

#[test]
fn a_full_disk_is_tried_again() {
    let manager = Manager::new(1);
    let (mut radio, _) = enrolled(&manager, 0);
    radio.disk_full = true;
    carry(&mut radio, 20, manager.notice(1, 1).octets()).unwrap();
    radio.work(20);
    radio.work(30);
    radio.disk_full = false;
    radio.work(40);
    assert!(radio.carried.is_empty());
    for ms in [6_000, 6_010] {
        radio.work(ms);
    }
    assert!(!radio.carried.is_empty());
}

#[test]
fn a_notice_is_sent_at_most_once_in_ten_seconds_and_not_if_it_was_just_heard() {
    let manager = Manager::new(1);
    let (mut carrier, _) = enrolled(&manager, 0);
    let (mut away, _) = enrolled(&manager, 1);
    let notice = manager.notice(5, 10);
    carrier.receive(0, &object(notice.octets()));
    carrier.work(0);
    let mut sent = Vec::new();
    for ms in (100..35_000).step_by(100) {
        let frame = away.send(ms, group(), b"hello").unwrap();
        away.work(ms);
        carrier.receive(ms, &frame);
        if ms == 21_000 {
            carrier.receive(ms, &object(notice.octets()));
        }
        carrier.work(ms);
        sent.extend(carrier.objects.drain(..).map(|_| ms));
    }
    assert_eq!(sent, [10_000, 20_000, 31_000]);
}
