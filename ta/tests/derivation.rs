//! docs/vectors/derivation.json is what this code computes.

use proseal_proto::content::Label;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::profile::{Profile, Suite};
use proseal_ta::kdf::{self, Epoch, Prepared, Scope};
use proseal_ta::secret::GroupKey;
use serde_json::Value;

const VECTORS: &str = include_str!("../../docs/vectors/derivation.json");

fn octets<const N: usize>(vector: &Value, name: &str) -> [u8; N] {
    let text = vector[name].as_str().unwrap();
    assert_eq!(text.len(), 2 * N, "{name}");
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn suite(vector: &Value) -> Suite {
    match vector["suite"].as_str().unwrap() {
        "aead" => Suite::Aead,
        "integrity" => Suite::Integrity,
        "3gpp" => Suite::ThreeGpp,
        other => panic!("suite {other}"),
    }
}

#[test]
fn pgks_from_roots_are_computed_anew() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let roots = file["roots"].as_array().unwrap();
    assert!(roots.len() >= 7, "some vectors are gone");
    for vector in roots {
        let step = Scope {
            profile: Profile::HkdfSha256,
            suite: suite(vector),
            group: GroupId::from_octets(octets(vector, "group")),
            generation: Generation::new(vector["generation"].as_u64().unwrap()).unwrap(),
            pgk_id: PgkId(octets::<1>(vector, "pgk_id")[0]),
            label: &Label::new(vector["label"].as_str().unwrap()).unwrap(),
        };
        let mut pgk = [0; 32];
        let root = GroupKey::copied_from(&octets(vector, "root"));
        kdf::derive_from_root(&root, &step, &mut pgk).unwrap();
        assert_eq!(vector["pgk"], hex(&pgk), "{}", vector["comment"]);
    }
}

#[test]
fn vectors_are_computed_anew() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 20, "some vectors are gone");
    for vector in vectors {
        let suite = suite(vector);
        let epoch = Epoch {
            suite,
            group: GroupId::from_octets(octets(vector, "group")),
            generation: Generation::new(vector["generation"].as_u64().unwrap()).unwrap(),
            pgk_id: PgkId(octets::<1>(vector, "pgk_id")[0]),
            sender: MemberId::from_octets(octets(vector, "sender")),
            ptk_id: PtkId::new(u16::from_be_bytes(octets(vector, "ptk_id"))).unwrap(),
            salt: EpochSalt(octets(vector, "salt")),
            label: &Label::new(vector["label"].as_str().unwrap()).unwrap(),
        };
        assert_eq!(vector["profile"], Profile::HkdfSha256.name());
        let pgk = GroupKey::copied_from(&octets(vector, "pgk"));
        let mut keys = KeyPair::zero();
        kdf::derive(Profile::HkdfSha256, &pgk, &Prepared::new(), &epoch, keys.slots()).unwrap();
        for (name, key) in [("ik", &keys.ik), ("ck", &keys.ck)] {
            let (used, unused) = key.expose().split_at(suite.key_len());
            assert_eq!(vector[name], hex(used), "{name} of {}", vector["comment"]);
            assert!(unused.iter().all(|&octet| octet == 0), "{name} is left-aligned");
        }
    }
}
