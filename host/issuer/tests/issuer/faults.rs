//! Packages and notices with one fault each, and signatures that hold wherever the
//! fault allows it. docs/vectors/package.json has them all.

use coset::CborSerializable as _;
use proseal_issuer::testing::Value;
use proseal_issuer::testing::fault::{self, Part};
use proseal_issuer::{DesiredState, Kind, ManagerId, Notice, Package, RootKey, Signer};

use crate::fixture::{
    MANAGER, NOW, VERSION, device, generation, group, group_id, other_device, pgk, random, root,
    signer, signer_of, state, trust,
};

/// What a device makes of it that has seen the signer of [`trust`]: a name of
/// docs/package.md, or `accepted`.
pub(crate) fn judged(octets: &[u8]) -> &'static str {
    let judge = || match Kind::of(octets) {
        Some(Kind::Notice) => Notice::verify(octets, &trust()).map(drop),
        _ => Package::verify(octets, &trust()).and_then(|p| device().open(&p)).map(drop),
    };
    judge().err().map_or("accepted", |error| error.name())
}

pub(crate) struct Refusal {
    pub(crate) comment: &'static str,
    pub(crate) error: &'static str,
    pub(crate) octets: Vec<u8>,
}

fn good() -> fault::Package {
    fault::package(&signer(), device().keys(), &state())
}

fn bytes(octets: &[u8]) -> Value {
    Value::Bytes(octets.to_vec())
}

fn read(octets: &[u8]) -> Value {
    Value::from_slice(octets).unwrap()
}

/// A package with a change before it is sealed.
fn package(change: impl FnOnce(&mut fault::Package)) -> Vec<u8> {
    let mut draft = good();
    change(&mut draft);
    draft.seal(&signer(), device().keys(), &mut random())
}

/// A package with a change between its sealing and its signing.
fn sealed(change: impl FnOnce(&mut fault::Encrypt0)) -> Vec<u8> {
    let mut encrypt0 = good().encrypt(device().keys(), &mut random());
    change(&mut encrypt0);
    good().around(encrypt0.octets()).sign(&signer())
}

/// A package with a change after its sealing and before its signing.
fn around(change: impl FnOnce(&mut fault::Sign1)) -> Vec<u8> {
    let mut sign1 = good().around(good().encrypt(device().keys(), &mut random()).octets());
    change(&mut sign1);
    sign1.sign(&signer())
}

fn notice(change: impl FnOnce(&mut fault::Sign1)) -> Vec<u8> {
    let good = Notice::sign(&signer(), group_id(0x0a_0b0c), generation(3), NOW);
    let mut draft = fault::notice(&good);
    change(&mut draft);
    draft.sign(&signer())
}

/// A package under a delegation that has a change, signed by `root`.
fn delegated(root: &RootKey, change: impl FnOnce(&mut fault::Sign1)) -> Vec<u8> {
    let mut delegation = fault::delegation(signer().delegation());
    change(&mut delegation);
    package(|p| p.unprotected = fault::with_delegation(&delegation.sign(root)))
}

/// A good package of another signer.
fn by(signer: &Signer) -> Vec<u8> {
    Package::seal(signer, device().keys(), &state(), &mut random()).unwrap().octets().to_vec()
}

/// A package before it is sealed, of a state that the library might not seal.
fn draft_of(change: impl FnOnce(&mut DesiredState)) -> fault::Package {
    let mut state = state();
    change(&mut state);
    fault::package(&signer(), device().keys(), &state)
}

fn of(change: impl FnOnce(&mut DesiredState)) -> Vec<u8> {
    draft_of(change).seal(&signer(), device().keys(), &mut random())
}

fn octets_of(part: &Part, change: impl FnOnce(&mut Vec<u8>)) -> Part {
    let mut octets = part.octets();
    change(&mut octets);
    Part::Octets(octets)
}

type Case = (&'static str, &'static str, Vec<u8>);

fn frame() -> Vec<Case> {
    let cut = || {
        let mut octets = package(|_| ());
        octets.pop();
        octets
    };
    vec![
        ("nothing at all", "malformed", vec![]),
        ("cut short by one octet", "malformed", cut()),
        ("one octet too many", "malformed", [package(|_| ()), vec![0]].concat()),
        ("longer than any package", "oversized", vec![0xd2; 15_361]),
        ("without its tag", "malformed", around(|s| s.tag = None)),
        ("with the tag of COSE_Encrypt0", "malformed", around(|s| s.tag = Some(16))),
        ("the array's head in a longer form", "malformed", {
            let mut octets = package(|_| ());
            octets.splice(1..2, [0x98, 0x04]);
            octets
        }),
        ("the signature's length in a longer form", "malformed", {
            let mut octets = package(|_| ());
            let head = octets.len() - 66;
            octets.splice(head..head + 2, [0x59, 0x00, 0x40]);
            octets
        }),
        ("the payload is null", "malformed", {
            let mut parts = Part::Item(read(&package(|_| ())));
            parts.set(&[0, 2], Value::Null);
            parts.octets()
        }),
        ("the signature is of 63 octets", "malformed", around_signature(&[0; 63])),
        ("the signature is of zeros", "bad_signature", around_signature(&[0; 64])),
        ("signed by another key than the delegation's", "bad_signature", {
            good().seal(&signer_of(&root(), 0x77, VERSION, MANAGER), device().keys(), &mut random())
        }),
        ("signed by the root key itself", "bad_signature", {
            good().seal(&root(), device().keys(), &mut random())
        }),
    ]
}

fn around_signature(signature: &[u8]) -> Vec<u8> {
    good().around(good().encrypt(device().keys(), &mut random()).octets()).with_signature(signature)
}

fn outer_header() -> Vec<Case> {
    vec![
        ("outer: another type", "wrong_type", package(|p| p.outer.set(&[16], "proseal-packages"))),
        ("outer: the type of a notice, for which it is too long", "oversized", {
            package(|p| p.outer.set(&[16], "proseal-notice"))
        }),
        ("outer: no type", "malformed", package(|p| p.outer.remove(&[16]))),
        ("outer: algorithm Ed25519 (-19)", "unsupported_algorithm", {
            package(|p| p.outer.set(&[1], -19))
        }),
        ("outer: no algorithm", "malformed", package(|p| p.outer.remove(&[1]))),
        ("outer: no signer version", "malformed", package(|p| p.outer.remove(&[4]))),
        ("outer: a signer version of 3 octets", "malformed", {
            package(|p| p.outer.set(&[4], bytes(&[0, 0, 2])))
        }),
        ("outer: signer version 0", "malformed", package(|p| p.outer.set(&[4], bytes(&[0; 4])))),
        ("both headers say another signer version than the delegation", "headers_disagree", {
            package(|p| {
                p.outer.set(&[4], bytes(&[0, 0, 0, 3]));
                p.inner.set(&[4], bytes(&[0, 0, 0, 3]));
            })
        }),
        ("outer: no device id", "malformed", package(|p| p.outer.remove(&[-65538]))),
        ("outer: no sequence", "malformed", package(|p| p.outer.remove(&[-65539]))),
        ("outer: sequence 0", "malformed", package(|p| p.outer.set(&[-65539], 0))),
        ("outer: another device's id", "headers_disagree", {
            package(|p| p.outer.set(&[-65538], bytes(&other_device().keys().id().0)))
        }),
        ("outer: another sequence", "headers_disagree", { package(|p| p.outer.set(&[-65539], 8)) }),
        ("outer: a further entry", "malformed", package(|p| p.outer.set(&[-65540], 0))),
        ("outer: its entries in another order", "malformed", package(|p| p.outer.reverse(&[]))),
        ("outer: the algorithm in a longer form", "malformed", {
            package(|p| {
                p.outer = octets_of(&p.outer, |octets| {
                    octets.splice(2..3, [0x38, 0x07]);
                });
            })
        }),
    ]
}

fn delegations() -> Vec<Case> {
    let other_root = RootKey::from_seed(&[0x99; 32]);
    vec![
        ("no delegation", "malformed", package(|p| p.unprotected = Value::Map(vec![]))),
        ("a further entry beside the delegation", "malformed", {
            around(|s| s.unprotected(|u| u.set(&[4], bytes(&[1]))))
        }),
        ("the delegation is not wrapped in a byte string", "malformed", {
            around(|s| {
                let item = read(signer().delegation().octets());
                s.unprotected(|u| u.set(&[-65537], item));
            })
        }),
        ("the delegation is by another root key", "untrusted_signer", {
            delegated(&other_root, |_| ())
        }),
        ("the delegation is by the signer itself", "untrusted_signer", {
            let key = signer();
            let delegation = fault::delegation(signer().delegation()).sign(&key);
            package(|p| p.unprotected = fault::with_delegation(&delegation))
        }),
        ("the delegation is a notice", "wrong_type", {
            package(|p| p.unprotected = fault::with_delegation(&notice(|_| ())))
        }),
        ("the delegation has another algorithm", "unsupported_algorithm", {
            delegated(&root(), |d| d.protected.set(&[1], -19))
        }),
        ("the delegation has a version in its header", "malformed", {
            delegated(&root(), |d| {
                d.protected = Part::Item(Value::Map(vec![
                    (Value::from(1), Value::from(-8)),
                    (Value::from(4), bytes(&[0, 0, 0, 2])),
                    (Value::from(16), Value::from("proseal-delegation")),
                ]));
            })
        }),
        ("the delegation is for another manager", "wrong_manager", {
            by(&signer_of(&root(), 0x02, VERSION, ManagerId([0x4e; 16])))
        }),
        ("the delegation names version 0", "malformed", {
            delegated(&root(), |d| d.payload.set(&[2], 0))
        }),
        ("the delegation names a key of low order", "bad_signature", {
            delegated(&root(), |d| d.payload.set(&[1], bytes(&[0; 32])))
        }),
        ("the delegation lacks the manager", "malformed", {
            delegated(&root(), |d| d.payload.remove(&[3]))
        }),
        ("the delegation has an unknown entry", "malformed", {
            delegated(&root(), |d| d.payload.set(&[63], 0))
        }),
        ("the signer has been replaced", "signer_superseded", {
            by(&signer_of(&root(), 0x12, VERSION - 1, MANAGER))
        }),
    ]
}

fn inner_header() -> Vec<Case> {
    vec![
        ("inner: algorithm HPKE-4 (42)", "unsupported_algorithm", {
            package(|p| p.inner.set(&[1], 42))
        }),
        ("inner: algorithm of key encryption (49)", "unsupported_algorithm", {
            package(|p| p.inner.set(&[1], 49))
        }),
        ("inner: the outer's type", "wrong_type", {
            package(|p| p.inner.set(&[16], "proseal-package"))
        }),
        ("inner: another signer version", "headers_disagree", {
            package(|p| p.inner.set(&[4], bytes(&[0, 0, 0, 1])))
        }),
        ("inner: another device's id", "headers_disagree", {
            package(|p| p.inner.set(&[-65538], bytes(&other_device().keys().id().0)))
        }),
        ("inner: another sequence", "headers_disagree", package(|p| p.inner.set(&[-65539], 6))),
        ("inner: no sequence", "malformed", package(|p| p.inner.remove(&[-65539]))),
        ("inner: a further entry", "malformed", { package(|p| p.inner.set(&[-65540], 0)) }),
        ("inner: psk_id, which would be another mode of HPKE", "malformed", {
            package(|p| p.inner.set(&[-5], bytes(&[1])))
        }),
        ("inner: its entries in another order", "malformed", package(|p| p.inner.reverse(&[]))),
        ("inner: without its tag", "malformed", sealed(|e| e.tag = None)),
        ("inner: ek in the protected header", "malformed", {
            package(|p| p.inner.set(&[-4], bytes(&[9; 32])))
        }),
        ("inner: no ek", "malformed", sealed(|e| e.unprotected = Value::Map(vec![]))),
        ("inner: a further entry beside ek", "malformed", {
            sealed(|e| {
                let mut unprotected = Part::Item(e.unprotected.clone());
                unprotected.set(&[-65540], 0);
                e.unprotected = unprotected.at(&[]).clone();
            })
        }),
        ("inner: an ek of 31 octets", "malformed", sealed(|e| e.set_ek(&[9; 31]))),
        ("inner: the ciphertext is null", "malformed", {
            let mut parts = Part::Item(read(&sealed_octets()));
            parts.set(&[0, 2], Value::Null);
            good().around(parts.octets()).sign(&signer())
        }),
    ]
}

fn sealed_octets() -> Vec<u8> {
    good().encrypt(device().keys(), &mut random()).octets()
}

fn sealing() -> Vec<Case> {
    let other = other_device();
    vec![
        ("for another device", "wrong_device", {
            let keys = other.keys();
            fault::package(&signer(), keys, &state()).seal(&signer(), keys, &mut random())
        }),
        ("under this device's id, sealed to another", "not_opened", {
            good().seal(&signer(), other.keys(), &mut random())
        }),
        ("another ek", "not_opened", sealed(|e| e.set_ek(&[9; 32]))),
        ("an ek of low order", "not_opened", sealed(|e| e.set_ek(&[0; 32]))),
        ("an ek that is 2^255 - 18", "not_opened", {
            let mut ek = [0xff; 32];
            (ek[0], ek[31]) = (0xee, 0x7f);
            sealed(|e| e.set_ek(&ek))
        }),
        ("the ciphertext's first octet changed", "not_opened", {
            sealed(|e| e.ciphertext[0] ^= 1)
        }),
        ("the tag's last octet changed", "not_opened", {
            sealed(|e| *e.ciphertext.last_mut().unwrap() ^= 1)
        }),
        ("a ciphertext shorter than a tag", "not_opened", sealed(|e| e.ciphertext.truncate(15))),
        ("no ciphertext", "not_opened", sealed(|e| e.ciphertext.clear())),
        ("sealed under another header than it has", "not_opened", {
            let mut other = good();
            other.inner.set(&[-65539], 8);
            let mut encrypt0 = other.encrypt(device().keys(), &mut random());
            encrypt0.protected = good().inner.octets();
            good().around(encrypt0.octets()).sign(&signer())
        }),
    ]
}

fn contents() -> Vec<Case> {
    let content = |change: fn(&mut Part)| package(|p| change(&mut p.content));
    const PGK: [i64; 4] = [5, 0, 5, 0];
    let pgk_field =
        |key: i64, value: Value| package(|p| p.content.set(&[&PGK[..], &[key]].concat(), value));
    vec![
        ("content: another device's id", "headers_disagree", {
            package(|p| p.content.set(&[1], bytes(&other_device().keys().id().0)))
        }),
        ("content: another sequence", "headers_disagree", content(|c| c.set(&[2], 8))),
        ("content: empty", "content_malformed", package(|p| p.content = Part::Octets(vec![]))),
        ("content: no map", "content_malformed", content(|c| *c = Part::Item(Value::from(0)))),
        ("content: one octet too many", "content_malformed", {
            package(|p| p.content = octets_of(&p.content, |octets| octets.push(0)))
        }),
        ("content: no time", "content_malformed", content(|c| c.remove(&[3]))),
        ("content: an unknown entry", "content_malformed", content(|c| c.set(&[63], 0))),
        ("content: an extension that is no scalar", "content_malformed", {
            content(|c| c.set(&[64], Value::Array(vec![])))
        }),
        ("content: its entries in another order", "content_malformed", {
            content(|c| c.reverse(&[]))
        }),
        ("content: a start nonce of 31 octets", "content_malformed", {
            let mut draft = draft_of(|s| s.start_nonce = Some([0; 32]));
            draft.content.set(&[4], bytes(&[0; 31]));
            draft.seal(&signer(), device().keys(), &mut random())
        }),
        ("content: 17 groups", "too_many_groups", {
            of(|s| s.groups = (0..17).map(|id| group(id, vec![])).collect())
        }),
        ("content: groups in descending order", "content_malformed", {
            let mut draft = draft_of(|s| s.groups.push(group(0x0a_0b0d, vec![])));
            draft.content.reverse(&[5]);
            draft.seal(&signer(), device().keys(), &mut random())
        }),
        ("content: 5 PGKs in a group", "too_many_pgks", {
            of(|s| s.groups[0].pgks = (1..6).map(|n| pgk(n.into(), n, n)).collect())
        }),
        ("content: a generation below its own next", "content_malformed", {
            of(|s| s.groups[0].next = generation(2))
        }),
        ("content: two PGKs with one index", "pgk_id_clash", {
            of(|s| s.groups[0].pgks[1].id = proseal_proto::id::PgkId(0x21))
        }),
        ("content: the same key twice", "key_repeated", {
            of(|s| s.groups[0].pgks[1] = pgk(2, 2, 0xa1))
        }),
        ("content: a group of 25 bits", "content_malformed", {
            content(|c| c.set(&[5, 0, 1], 0x0100_0000))
        }),
        ("content: next 0", "content_malformed", content(|c| c.set(&[5, 0, 3], 0))),
        ("content: generation 0", "content_malformed", pgk_field(1, Value::from(0))),
        ("content: generation 2^48 + 1", "content_malformed", {
            content(|c| c.set(&[5, 0, 5, 1, 1], (1_u64 << 48) + 1))
        }),
        ("content: a PGK Id of 9 bits", "content_malformed", pgk_field(2, Value::from(256))),
        ("content: a key of 31 octets", "content_malformed", pgk_field(3, bytes(&[1; 31]))),
        ("content: a key of 33 octets", "content_malformed", pgk_field(3, bytes(&[1; 33]))),
        ("content: a number for a boolean", "content_malformed", pgk_field(4, Value::from(0))),
        ("content: it ends as it begins", "content_malformed", pgk_field(6, Value::from(NOW))),
        ("content: suite aead with profile 3gpp-ts33303", "unsupported_suite", {
            pgk_field(7, Value::from(2))
        }),
        ("content: a label of 33 octets", "content_malformed", {
            pgk_field(9, Value::from("x".repeat(33)))
        }),
        ("content: epochs of 0 seconds", "content_malformed", pgk_field(10, Value::from(0))),
        ("content: epochs of 0 packets", "content_malformed", pgk_field(11, Value::from(0))),
        ("content: epochs of 2^32 seconds", "content_malformed", {
            pgk_field(10, Value::from(1_u64 << 32))
        }),
        ("content: no accept_rollback", "content_malformed", {
            content(|c| c.remove(&[5, 0, 5, 0, 15]))
        }),
    ]
}

fn notices() -> Vec<Case> {
    vec![
        ("notice: N is 0", "malformed", notice(|n| n.payload.set(&[2], 0))),
        ("notice: N is 2^48 + 1", "malformed", {
            notice(|n| n.payload.set(&[2], (1_u64 << 48) + 1))
        }),
        ("notice: a group of 25 bits", "malformed", {
            notice(|n| n.payload.set(&[1], 0x0100_0000))
        }),
        ("notice: no time", "malformed", notice(|n| n.payload.remove(&[3]))),
        ("notice: an unknown entry", "malformed", notice(|n| n.payload.set(&[4], 0))),
        ("notice: an empty payload", "malformed", { notice(|n| n.payload = Part::Octets(vec![])) }),
        ("notice: another signer version than the delegation", "headers_disagree", {
            notice(|n| n.protected.set(&[4], bytes(&[0, 0, 0, 3])))
        }),
        ("notice: a device id in its header", "malformed", {
            notice(|n| {
                n.protected.set(&[-65538], bytes(&[0; 16]));
                n.protected.set(&[-65539], 1);
            })
        }),
        ("notice: without its tag", "malformed", notice(|n| n.tag = None)),
        ("notice: N changed after it was signed", "bad_signature", {
            let good = fault::Sign1::of(&notice(|_| ()));
            let mut changed = good.clone();
            changed.payload.set(&[2], 4);
            let signed = good.sign(&signer());
            changed.with_signature(&signed[signed.len() - 64..])
        }),
        ("notice: the signer has been replaced", "signer_superseded", {
            let old = signer_of(&root(), 0x12, VERSION - 1, MANAGER);
            Notice::sign(&old, group_id(0x0a_0b0c), generation(3), NOW).octets().to_vec()
        }),
    ]
}

pub(crate) fn all() -> Vec<Refusal> {
    let cases =
        [frame(), outer_header(), delegations(), inner_header(), sealing(), contents(), notices()];
    let refusal = |(comment, error, octets)| Refusal { comment, error, octets };
    cases.into_iter().flatten().map(refusal).collect()
}

#[test]
fn each_fault_is_refused_for_its_own_reason() {
    assert_eq!(judged(&package(|_| ())), "accepted");
    assert_eq!(judged(&notice(|_| ())), "accepted");
    let all = all();
    for Refusal { comment, error, octets } in &all {
        assert_eq!(judged(octets), *error, "{comment}");
    }
    let mut comments: Vec<_> = all.iter().map(|refusal| refusal.comment).collect();
    comments.sort_unstable();
    comments.dedup();
    assert_eq!(comments.len(), all.len(), "each fault once");
    assert!(all.len() >= 80, "{} faults", all.len());
}

/// What is not wrong passes: extensions, and what the sender may choose.
#[test]
fn an_extension_is_no_fault() {
    for path in [&[64][..], &[5, 0, 64], &[5, 0, 5, 0, 99]] {
        let octets = package(|p| p.content.set(path, "later"));
        assert_eq!(judged(&octets), "accepted", "{path:?}");
    }
    assert_eq!(judged(&notice(|n| n.payload.set(&[1 << 40], true))), "accepted");
    assert_eq!(judged(&delegated(&root(), |d| d.payload.set(&[64], 1))), "accepted");
}

#[test]
fn a_draft_without_a_fault_is_what_the_library_makes() {
    let made = Package::seal(&signer(), device().keys(), &state(), &mut random()).unwrap();
    assert_eq!(package(|_| ()), made.octets());
}
