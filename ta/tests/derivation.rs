//! docs/vectors/derivation.json is what this code computes. The file says
//! which independent program made it.

use proseal_proto::content::Label;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::profile::{Profile, Suite};
use proseal_ta::kdf::{self, Epoch, Prepared, Scope};
use proseal_ta::secret::GroupKey;
use serde_json::Value;

const VECTORS: &str = include_str!("../../docs/vectors/derivation.json");

/// One of the file's lists, which has at least so many vectors.
#[track_caller]
fn list(name: &str, fewest: usize) -> Vec<Value> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    assert!(file["source"].as_str().unwrap().contains("tests/derivation_reference.py"));
    let list = file[name].as_array().unwrap().clone();
    assert!(list.len() >= fewest, "some vectors are gone");
    list
}

fn octets<const N: usize>(vector: &Value, name: &str) -> [u8; N] {
    let text = vector[name].as_str().unwrap();
    assert_eq!(text.len(), 2 * N, "{name}");
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn profile(vector: &Value) -> Profile {
    let name = vector["profile"].as_str().unwrap();
    *Profile::ALL.iter().find(|profile| profile.name() == name).unwrap()
}

fn suite(vector: &Value) -> Suite {
    let name = vector["suite"].as_str().unwrap();
    *Suite::ALL.iter().find(|suite| suite.name() == name).unwrap()
}

fn label(vector: &Value) -> Label {
    Label::new(vector["label"].as_str().unwrap()).unwrap()
}

fn scope<'a>(vector: &Value, label: &'a Label) -> Scope<'a> {
    Scope {
        profile: profile(vector),
        suite: suite(vector),
        group: GroupId::from_octets(octets(vector, "group")),
        generation: Generation::new(vector["generation"].as_u64().unwrap()).unwrap(),
        pgk_id: PgkId(octets::<1>(vector, "pgk_id")[0]),
        label,
    }
}

#[test]
fn pgks_from_roots_are_computed_anew() {
    for vector in list("roots", 12) {
        let mut pgk = [0; 32];
        let root = GroupKey::copied_from(&octets(&vector, "root"));
        kdf::derive_from_root(&root, &scope(&vector, &label(&vector)), &mut pgk).unwrap();
        assert_eq!(vector["pgk"], hex(&pgk), "{}", vector["comment"]);
    }
}

#[test]
fn admission_keys_are_computed_anew() {
    for vector in list("admissions", 12) {
        let mut key = [0; AdmissionKey::LEN];
        let pgk = GroupKey::copied_from(&octets(&vector, "pgk"));
        let label = label(&vector);
        kdf::derive_admission(&pgk, &Prepared::new(), &scope(&vector, &label), &mut key).unwrap();
        assert_eq!(vector["admission"], hex(&key), "{}", vector["comment"]);
    }
}

#[test]
fn each_profile_has_vectors_with_each_of_its_suites() {
    let vectors = list("vectors", 32);
    for wanted in Profile::ALL {
        for with in wanted.suites() {
            let mut vectors = vectors.iter();
            let is_there = vectors.any(|v| profile(v) == *wanted && suite(v) == *with);
            assert!(is_there, "{} with {}", wanted.name(), with.name());
        }
    }
}

#[test]
fn vectors_are_computed_anew() {
    for vector in list("vectors", 32) {
        let label = label(&vector);
        let Scope { suite, group, generation, pgk_id, .. } = scope(&vector, &label);
        let epoch = Epoch {
            suite,
            group,
            generation,
            pgk_id,
            sender: MemberId::from_octets(octets(&vector, "sender")),
            ptk_id: PtkId::new(u16::from_be_bytes(octets(&vector, "ptk_id"))).unwrap(),
            salt: EpochSalt(octets(&vector, "salt")),
            label: &label,
        };
        let pgk = GroupKey::copied_from(&octets(&vector, "pgk"));
        let mut keys = KeyPair::zero();
        let prepared = Prepared::new();
        kdf::derive(profile(&vector), &pgk, &prepared, &epoch, keys.slots()).unwrap();
        for (name, key) in [("ik", &keys.ik), ("ck", &keys.ck)] {
            let (used, unused) = key.expose().split_at(suite.key_len());
            assert_eq!(vector[name], hex(used), "{name} of {}", vector["comment"]);
            assert!(unused.iter().all(|&octet| octet == 0), "{name} is left-aligned");
        }
    }
}
