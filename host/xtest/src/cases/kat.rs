//! Suite `kat`: known answers. 1000 RFC 5869, through the TA's own HKDF; 2000
//! the vectors of docs/derivation.md, through `install` and `receive`.

use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::message::ReceiveItem;
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::{Hkdf, Scope};
use serde_json::Value;

use crate::case::{Case, Verdict, plainly};
use crate::check::Context;
use crate::fixture;

pub(super) const CASES: &[Case] = &[
    case(1001, "RFC 5869 A.1: basic", rfc5869_a1),
    case(1002, "RFC 5869 A.2: longer inputs and outputs", rfc5869_a2),
    case(1003, "RFC 5869 A.3: no salt, no info", rfc5869_a3),
    case(2001, "the vectors of the derivation", derivation),
];

const fn case(number: u16, title: &'static str, run: fn(&mut Context) -> Verdict) -> Case {
    Case { suite: "kat", number, title, run, around: plainly }
}

fn rfc5869(c: &mut Context, salt: &[u8], ikm: &[u8], info: &[u8], okm: &[u8]) -> Verdict {
    let reply = c.ta.call(&Hkdf { len: okm.len() as u16, salt, ikm, info });
    let reply = c.ok("hkdf", reply)?;
    c.octets("OKM", &reply.okm, okm);
    Ok(())
}

/// The octets from `first` to `last`.
fn run_of(first: u8, last: u8) -> Vec<u8> {
    (first..=last).collect()
}

fn rfc5869_a1(c: &mut Context) -> Verdict {
    let okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b88718\
               5865";
    rfc5869(c, &run_of(0, 0x0c), &[0x0b; 22], &run_of(0xf0, 0xf9), &unhex(okm))
}

fn rfc5869_a2(c: &mut Context) -> Verdict {
    let okm = "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272\
               71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f\
               1d87";
    rfc5869(c, &run_of(0x60, 0xaf), &run_of(0, 0x4f), &run_of(0xb0, 0xff), &unhex(okm))
}

fn rfc5869_a3(c: &mut Context) -> Verdict {
    let okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a\
               96c8";
    rfc5869(c, &[], &[0x0b; 22], &[], &unhex(okm))
}

/// docs/derivation.md says what the fields are.
const VECTORS: &str = include_str!("../../../../docs/vectors/derivation.json");

/// One vector, as the TA takes it.
struct Vector {
    comment: String,
    key: [u8; 32],
    pgk_id: PgkId,
    policy: Policy,
    epoch: ReceiveItem,
    ik: Vec<u8>,
    ck: Vec<u8>,
}

fn derivation(c: &mut Context) -> Verdict {
    let vectors: Value = c.ok("the file of vectors", serde_json::from_str(VECTORS))?;
    let vectors = c.some("the list of vectors", vectors["vectors"].as_array())?;
    for (number, vector) in (1..).zip(vectors) {
        let vector = c.some(&format!("the fields of vector {number}"), read(vector))?;
        c.part(&vector.comment.clone(), |c| check(c, &vector));
    }
    c.that("there are vectors", !vectors.is_empty());
    Ok(())
}

fn check(c: &mut Context, vector: &Vector) -> Verdict {
    c.fresh()?;
    let epoch = vector.epoch;
    // Receiver keys are given for others only.
    let [a, b, own] = epoch.sender.octets();
    let member = MemberId::from_octets([a, b, own ^ 1]);
    let pgk = Pgk {
        generation: epoch.generation,
        id: vector.pgk_id,
        key: &vector.key,
        is_root: false,
        policy: vector.policy,
    };
    let group = Group {
        group: epoch.group,
        member,
        next: epoch.generation.get(),
        may_send: true,
        pgks: vec![pgk],
    };
    let content = Content {
        device: DeviceId::NONE,
        sequence: 1,
        time: fixture::TIME,
        start_nonce: None,
        groups: vec![group],
    };
    c.applied(Scope::Whole, &content)?;
    let keys = c.receive_one(epoch)?;
    let len = vector.policy.suite.key_len();
    c.octets("IK", &keys.ik.expose()[..len], &vector.ik);
    c.octets("CK", &keys.ck.expose()[..len], &vector.ck);
    c.octets("the end of IK", &keys.ik.expose()[len..], &[0; 32][len..]);
    c.octets("the end of CK", &keys.ck.expose()[len..], &[0; 32][len..]);
    Ok(())
}

/// `None` if a field is missing, or is not what it should be.
fn read(vector: &Value) -> Option<Vector> {
    let text = |field: &str| vector[field].as_str();
    let octets = |field: &str| Some(unhex(text(field)?));
    let profiles = [Profile::HkdfSha256, Profile::Ts33303];
    let suites = [Suite::Aead, Suite::Integrity, Suite::ThreeGpp];
    let [pgk_id] = octets("pgk_id")?.try_into().ok()?;
    Some(Vector {
        comment: text("comment")?.to_owned(),
        key: octets("pgk")?.try_into().ok()?,
        pgk_id: PgkId(pgk_id),
        policy: Policy {
            profile: profiles.into_iter().find(|p| Some(p.name()) == text("profile"))?,
            suite: suites.into_iter().find(|s| Some(s.name()) == text("suite"))?,
            label: Label::new(text("label")?).ok()?,
            ..fixture::policy()
        },
        epoch: ReceiveItem {
            group: GroupId::from_octets(octets("group")?.try_into().ok()?),
            generation: Generation::new(vector["generation"].as_u64()?).ok()?,
            sender: MemberId::from_octets(octets("sender")?.try_into().ok()?),
            ptk_id: PtkId::new(u16::from_be_bytes(octets("ptk_id")?.try_into().ok()?)).ok()?,
            salt: EpochSalt(octets("salt")?.try_into().ok()?),
        },
        ik: octets("ik")?,
        ck: octets("ck")?,
    })
}

/// The octets of hexadecimal digits; a wrong digit panics, which fails the case.
fn unhex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}
