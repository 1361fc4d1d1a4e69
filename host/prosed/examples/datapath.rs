//! How fast frames are protected and opened on one core, against raw AES-256-GCM of
//! the same library on as many octets of payload and header:
//! `cargo run --release -p prosed --example datapath`.
//! Nanoseconds a packet, the best of several rounds; `--json` for programs.
//!
//! The path is all that prosed does with a packet between two sockets: epoch, counter
//! and header when sending; header, group, index, high-water, key cache, window, tag
//! and counters when receiving, from one sender and from 50 in turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::message::{
    DeviceState, GroupStatus, PgkState, PgkStatus, ReceiveReply, SendReply, StatusReply,
};
use proseal_proto::profile::{Profile, Suite};
use prosed::frame::{HEADROOM, SduType, TAILROOM};
use prosed::receive::Verdict;
use prosed::station::{Action, Station};
use prosed::time::Time;

/// As many octets as a header has without extension: the same are authenticated.
const HEADER: [u8; 14] = [0; 14];
const PACKETS: u32 = 1_000;
const ROUNDS: u32 = 40;
const NOW: Time = Time { up: Duration::from_secs(1), clock: 1, floor: 1 };

fn group() -> GroupId {
    GroupId::from_octets([1, 2, 3])
}

fn pair(member: MemberId) -> KeyPair {
    let mut pair = KeyPair::zero();
    pair.ck.expose_mut()[..3].copy_from_slice(&member.octets());
    pair.ik.expose_mut()[..3].copy_from_slice(&member.octets());
    pair
}

/// A radio of the group, with an admission key of zeros.
fn station(member: MemberId, suite: Suite) -> Station {
    let pgk = PgkStatus {
        generation: Generation::FIRST,
        pgk_id: PgkId(1),
        profile: Profile::HkdfSha256,
        suite,
        state: PgkState::Held,
        not_before: 0,
        not_after: u64::MAX,
        receive_grace_s: 0,
        send_grace_s: 0,
        max_unsynced_s: 0,
        rollback_unprotected: false,
        epochs_left: 100,
    };
    let (may_send, suspended, next) = (true, false, 2);
    let pgks = vec![pgk];
    let status = StatusReply {
        state: DeviceState::Enrolled,
        floor: 0,
        unsynced_s: 0,
        sequence: 1,
        device: DeviceId([1; 16]),
        root_key: [0; 32],
        manager: [0; 16],
        signer_version: 0,
        start_nonce: [0; 32],
        groups: vec![GroupStatus { group: group(), member, next, suspended, may_send, pgks }],
        refusals: 0,
    };
    let mut station = Station::default();
    let key = |_, _| Some(AdmissionKey::zero());
    station.configure(NOW, &status, key, &[], &mut |_, _| {});
    work(&mut station, member, suite);
    station
}

/// Answers all questions.
fn work(station: &mut Station, member: MemberId, suite: Suite) {
    let mut ptk_id = 1;
    while let Some(action) = station.poll(NOW) {
        match action {
            Action::Send(_) => {
                let reply = SendReply {
                    generation: Generation::FIRST,
                    pgk_id: PgkId(1),
                    member,
                    ptk_id: PtkId::new(ptk_id).expect("not 0"),
                    salt: EpochSalt([7; 8]),
                    suite,
                    not_after: u64::MAX,
                    epoch_s: u32::MAX,
                    epoch_packets: u32::MAX,
                    keys: pair(member),
                };
                ptk_id += 1;
                station.epoch(NOW, group(), Some(&reply));
            }
            Action::Receive(call) => {
                let items = call.items.iter().map(|item| Ok(pair(item.sender)));
                let reply = ReceiveReply { items: items.collect() };
                station.keys(NOW, Some(reply), &mut |_, _| {});
            }
            Action::Save(_) => station.saved(NOW, true, &mut |_, _| {}),
            Action::Keep(_) | Action::Import(_) | Action::Transmit(..) | Action::Report(_) => {}
        }
    }
}

fn member(number: u32) -> MemberId {
    MemberId::new(1 + number).expect("24 bits")
}

/// Nanoseconds for one of `packets`, in the best round.
fn best(mut round: impl FnMut(u32) -> Duration) -> f64 {
    let rounds = (0..ROUNDS).map(|number| round(number).as_nanos());
    rounds.min().unwrap_or_default() as f64 / f64::from(PACKETS)
}

/// `aad` is what is authenticated beside the payload: the header, or nothing.
fn raw_seal(len: usize, aad: &[u8]) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).expect("32 octets"));
    let mut octets = vec![0; len];
    best(|round| {
        let start = Instant::now();
        for packet in 0..PACKETS {
            let nonce = Nonce::assume_unique_for_key(nonce(round * PACKETS + packet));
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut octets);
            let _ = black_box(tag.expect("short enough"));
        }
        start.elapsed()
    })
}

fn raw_open(len: usize, aad: &[u8]) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).expect("32 octets"));
    let sealed = |number| {
        let mut octets = vec![0; len];
        let nonce = Nonce::assume_unique_for_key(nonce(number));
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut octets).expect("short enough");
        octets
    };
    best(|round| {
        let numbers = round * PACKETS..(round + 1) * PACKETS;
        let mut all: Vec<_> = numbers.clone().map(sealed).collect();
        let start = Instant::now();
        for (number, octets) in numbers.zip(&mut all) {
            let nonce = Nonce::assume_unique_for_key(nonce(number));
            black_box(key.open_in_place(nonce, Aad::from(aad), octets).expect("authentic"));
        }
        start.elapsed()
    })
}

fn nonce(number: u32) -> [u8; 12] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
}

fn protect(len: usize, suite: Suite) -> f64 {
    let mut station = station(member(0), suite);
    let mut buffer = vec![0; HEADROOM + len + TAILROOM];
    best(|_| {
        let start = Instant::now();
        for _ in 0..PACKETS {
            let frame = station.send(NOW, group(), SduType::Ip, &mut buffer);
            black_box(frame.expect("an epoch is there"));
        }
        start.elapsed()
    })
}

fn unprotect(len: usize, suite: Suite, senders: u32) -> f64 {
    let count = senders;
    let mut senders: Vec<_> = (0..count).map(|number| station(member(number), suite)).collect();
    let mut receiver = station(member(count), suite);
    let mut frame = |number: u32| {
        let mut buffer = vec![0; HEADROOM + len + TAILROOM];
        let sender = &mut senders[(number % count) as usize];
        let range = sender.send(NOW, group(), SduType::Ip, &mut buffer).expect("an epoch is there");
        buffer[range].to_vec()
    };
    // Every sender is known, and his ceiling far away.
    for number in 0..20_000 {
        receiver.receive(NOW, &mut frame(number));
        work(&mut receiver, member(count), suite);
    }
    best(|_| {
        let mut all: Vec<_> = (0..PACKETS).map(&mut frame).collect();
        let start = Instant::now();
        let mut delivered = 0;
        for octets in &mut all {
            delivered += u32::from(matches!(receiver.receive(NOW, octets), Verdict::Deliver(_)));
        }
        let took = start.elapsed();
        assert_eq!(delivered, PACKETS);
        work(&mut receiver, member(count), suite);
        took
    })
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let suites = [Suite::Aead, Suite::Integrity, Suite::ThreeGpp];
    for len in [64, 512, 1400] {
        let (seal, open) = (raw_seal(len, &HEADER), raw_open(len, &HEADER));
        let without_header = raw_seal(len, &[]) + raw_open(len, &[]);
        for suite in suites {
            let protect = protect(len, suite);
            let (one, many) = (unprotect(len, suite, 1), unprotect(len, suite, 50));
            let (name, path) = (suite.name(), protect + one);
            let (ratio, bare) = ((seal + open) / path, without_header / path);
            if json {
                println!(
                    "{{\"suite\":\"{name}\",\"octets\":{len},\"protect_ns\":{protect:.1},\
                     \"unprotect_ns\":{one:.1},\"unprotect_of_50_ns\":{many:.1},\
                     \"raw_seal_ns\":{seal:.1},\"raw_open_ns\":{open:.1},\
                     \"ratio_path\":{ratio:.3},\"ratio_path_bare\":{bare:.3}}}"
                );
            } else {
                println!(
                    "{name:9} {len:5} octets: protect {protect:6.1} ns, unprotect {one:6.1} \
                     (of 50 senders {many:6.1}); AES-256-GCM seal {seal:6.1}, open {open:6.1}; \
                     ratio {ratio:.3}, without header {bare:.3}"
                );
            }
        }
    }
}
