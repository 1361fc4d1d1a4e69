//! docs/vectors/package.json: everything in it is made again from its keys, states and
//! nonces. `PROSEAL_FILL=1` writes it anew.

use std::path::Path;

use proseal_issuer::testing::{Device, Fixed, enc_structure, fault};
use proseal_issuer::{
    Delegation, DesiredState, Group, GroupKey, Notice, Package, Pgk, RootKey, Signer, SignerKey,
    SignerVersion, Statement, Trust, held_digest,
};
use proseal_proto::content::{Label, Policy};
use proseal_proto::id::{Generation, GroupId, MemberId, PgkId};
use proseal_proto::message::DeviceState;
use proseal_proto::profile::{Profile, Suite};
use serde_json::{Map, Value};

use crate::{faults, fixture};

type Object = Map<String, Value>;

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object[name].as_str().unwrap_or_else(|| panic!("{name} of {object}"))
}

fn octets(object: &Value, name: &str) -> Vec<u8> {
    let hex = text(object, name);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn fixed<const N: usize>(object: &Value, name: &str) -> [u8; N] {
    octets(object, name).try_into().unwrap()
}

fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or_else(|| panic!("{name} of {object}"))
}

fn narrow(object: &Value, name: &str) -> u32 {
    number(object, name).try_into().unwrap()
}

fn flag(object: &Value, name: &str) -> bool {
    object[name].as_bool().unwrap_or_else(|| panic!("{name} of {object}"))
}

fn hex(octets: &[u8]) -> Value {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>().into()
}

fn state(of: &Value) -> DesiredState {
    let list = |of: &Value, name: &str| of[name].as_array().unwrap().clone();
    DesiredState {
        sequence: number(of, "sequence"),
        time: number(of, "time"),
        start_nonce: (!of["start_nonce"].is_null()).then(|| fixed(of, "start_nonce")),
        groups: list(of, "groups")
            .iter()
            .map(|of| Group {
                group: GroupId::from_octets(fixed(of, "group")),
                member: MemberId::from_octets(fixed(of, "member")),
                next: Generation::new(number(of, "next")).unwrap(),
                may_send: flag(of, "may_send"),
                pgks: list(of, "pgks").iter().map(pgk).collect(),
            })
            .collect(),
    }
}

fn pgk(of: &Value) -> Pgk {
    let profile = Profile::ALL.iter().find(|profile| profile.name() == text(of, "profile"));
    let suite = Suite::ALL.iter().find(|suite| suite.name() == text(of, "suite"));
    Pgk {
        generation: Generation::new(number(of, "generation")).unwrap(),
        id: PgkId(fixed::<1>(of, "id")[0]),
        key: GroupKey::from_octets(&fixed(of, "key")),
        is_root: flag(of, "root"),
        policy: Policy {
            not_before: number(of, "not_before"),
            not_after: number(of, "not_after"),
            profile: *profile.unwrap(),
            suite: *suite.unwrap(),
            label: Label::new(text(of, "label")).unwrap(),
            epoch_s: narrow(of, "epoch_s"),
            epoch_packets: narrow(of, "epoch_packets"),
            receive_grace_s: narrow(of, "receive_grace_s"),
            send_grace_s: narrow(of, "send_grace_s"),
            max_unsynced_s: narrow(of, "max_unsynced_s"),
            accept_rollback: flag(of, "accept_rollback"),
        },
    }
}

/// Who acts in the vectors.
struct Parties {
    root: RootKey,
    device: Device,
    keys: Value,
}

impl Parties {
    fn of(keys: &Value) -> Self {
        Self {
            root: RootKey::from_seed(&fixed(keys, "root_seed")),
            device: Device::from_secrets(
                &fixed(keys, "x25519_private"),
                &fixed(keys, "ed25519_seed"),
            ),
            keys: keys.clone(),
        }
    }

    fn signer(&self, version: u32) -> Signer {
        let key = SignerKey::from_seed(&fixed(&self.keys, "signer_seed"));
        let version = SignerVersion::new(version).unwrap();
        let manager = proseal_issuer::ManagerId(fixed(&self.keys, "manager"));
        let delegation = Delegation::sign(&self.root, key.public(), version, manager);
        Signer::new(key, delegation).unwrap()
    }

    fn trust(&self) -> Trust {
        let manager = self.signer(1).delegation().manager();
        Trust { root: self.root.public(), manager, least_version: 0 }
    }

    fn public(&self) -> Object {
        let mut keys = self.keys.as_object().unwrap().clone();
        keys.insert("root".into(), hex(self.root.public().octets()));
        keys.insert("signer".into(), hex(self.signer(1).delegation().signer().octets()));
        keys.insert("x25519".into(), hex(self.device.keys().x25519()));
        keys.insert("ed25519".into(), hex(self.device.keys().ed25519()));
        keys.insert("device".into(), hex(&self.device.keys().id().0));
        keys
    }

    fn delegation(&self, vector: &Value) -> Object {
        let signer = self.signer(narrow(vector, "version"));
        let octets = signer.delegation().octets();
        assert_eq!(&Delegation::verify(octets, &self.root.public()).unwrap(), signer.delegation());
        [("octets".to_owned(), hex(octets))].into_iter().collect()
    }

    fn package(&self, vector: &Value) -> Object {
        let signer = self.signer(narrow(vector, "version"));
        let state = state(&vector["state"]);
        let ikm = octets(vector, "ikm_e");
        let made =
            Package::seal(&signer, self.device.keys(), &state, &mut Fixed::new(&ikm)).unwrap();
        let read = Package::verify(made.octets(), &self.trust()).unwrap();
        assert_eq!(read, made);
        let content = self.device.open_octets(&read).unwrap();
        assert!(self.device.open(&read).is_ok());
        // The parts again, from the layer beneath.
        let draft = fault::package(&signer, self.device.keys(), &state);
        assert_eq!(draft.content.octets(), *content);
        let mut encrypt0 = draft.encrypt(self.device.keys(), &mut Fixed::new(&ikm));
        let mut unprotected = fault::Part::Item(encrypt0.unprotected.clone());
        let ek = unprotected.at(&[-4]).as_bytes().unwrap().clone();
        let enc_structure = enc_structure(&encrypt0.protected);
        let ciphertext = std::mem::take(&mut encrypt0.ciphertext);
        [
            ("content", hex(&content)),
            ("enc_structure", hex(&enc_structure)),
            ("ek", hex(&ek)),
            ("ciphertext", hex(&ciphertext)),
            ("digest", hex(made.digest())),
            ("octets", hex(made.octets())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }

    /// A package that another program sealed: it opens here to the same content.
    fn check_by_cwt(&self, vector: &Value, packages: &[Value]) {
        let of = &packages[usize::try_from(number(vector, "package")).unwrap()];
        let package = Package::verify(&octets(vector, "octets"), &self.trust()).unwrap();
        assert_eq!(u64::from(package.version().get()), number(of, "version"));
        assert!(self.device.open(&package).is_ok());
        assert_eq!(*self.device.open_octets(&package).unwrap(), octets(of, "content"));
        assert_ne!(vector["octets"], of["octets"], "it draws a key of its own");
    }

    fn notice(&self, vector: &Value) -> Object {
        let signer = self.signer(narrow(vector, "version"));
        let group = GroupId::from_octets(fixed(vector, "group"));
        let below = Generation::new(number(vector, "below")).unwrap();
        let made = Notice::sign(&signer, group, below, number(vector, "time"));
        assert_eq!(Notice::verify(made.octets(), &self.trust()).unwrap(), made);
        [("octets".to_owned(), hex(made.octets()))].into_iter().collect()
    }

    fn statement(&self, vector: &Value, packages: &[Value]) -> Object {
        let held = vector["held"].as_array().unwrap().iter().map(|pair| {
            let pair = serde_json::json!({"group": pair[0], "generation": pair[1]});
            let generation = Generation::new(number(&pair, "generation")).unwrap();
            (GroupId::from_octets(fixed(&pair, "group")), generation)
        });
        let package = vector["package"].as_u64().map(|at| fixed(&packages[at as usize], "digest"));
        let root = flag(vector, "enrolled").then(|| self.root.public().digest());
        let statement = Statement {
            device: *self.device.keys(),
            ta_version: narrow(vector, "ta_version"),
            nonce: fixed(vector, "nonce"),
            start_nonce: fixed(vector, "start_nonce"),
            floor: number(vector, "floor"),
            sequence: number(vector, "sequence"),
            package_digest: package.unwrap_or_default(),
            held_digest: held_digest(held),
            root_digest: root.unwrap_or_default(),
            state: match text(vector, "state") {
                "factory" => DeviceState::Factory,
                "enrolled" => DeviceState::Enrolled,
                "damaged" => DeviceState::Damaged,
                other => panic!("{other}"),
            },
        };
        let made = self.device.state(&statement);
        assert_eq!(Statement::verify(&made), Ok(statement));
        [("octets".to_owned(), hex(&made))].into_iter().collect()
    }
}

/// Packages and notices with faults, and who refuses them.
fn refused() -> Value {
    let trust = fixture::trust();
    let device = fixture::device();
    let vectors = faults::all().into_iter().map(|refusal| {
        serde_json::json!({
            "comment": refusal.comment,
            "error": refusal.error,
            "octets": hex(&refusal.octets),
        })
    });
    serde_json::json!({
        "root": hex(trust.root.octets()),
        "manager": trust.manager.to_string(),
        "least_version": trust.least_version,
        "x25519_private": hex(&[0x03; 32]),
        "ed25519_seed": hex(&[0x04; 32]),
        "device": hex(&device.keys().id().0),
        // One is larger than any package: it is told by its size alone.
        "vectors": vectors
            .filter(|vector| text(vector, "octets").len() <= 2 * 15_360)
            .collect::<Vec<_>>(),
    })
}

/// The file with all that is computed put in.
fn filled(mut file: Value) -> Value {
    let parties = Parties::of(&file["keys"]);
    let fill = |vector: &mut Value, computed: Object| {
        let vector = vector.as_object_mut().unwrap();
        computed.into_iter().for_each(|(name, value)| {
            vector.insert(name, value);
        });
    };
    fill(&mut file["keys"], parties.public());
    for vector in file["delegations"].as_array_mut().unwrap() {
        fill(vector, parties.delegation(vector));
    }
    for vector in file["packages"].as_array_mut().unwrap() {
        fill(vector, parties.package(vector));
    }
    for vector in file["notices"].as_array_mut().unwrap() {
        fill(vector, parties.notice(vector));
    }
    let packages = file["packages"].as_array().unwrap().clone();
    for vector in file["by_cwt"].as_array().unwrap() {
        parties.check_by_cwt(vector, &packages);
    }
    for vector in file["statements"].as_array_mut().unwrap() {
        fill(vector, parties.statement(vector, &packages));
    }
    file["refused"] = refused();
    file
}

#[test]
fn vectors_are_what_the_library_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors/package.json");
    let written = std::fs::read_to_string(&path).unwrap();
    let file: Value = serde_json::from_str(&written).unwrap();
    let computed = filled(file.clone());
    if std::env::var_os("PROSEAL_FILL").is_some() {
        std::fs::write(&path, format!("{computed:#}\n")).unwrap();
        return;
    }
    for (name, list) in computed.as_object().unwrap() {
        assert_eq!(list, &file[name], "{name}");
    }
    for (name, fewest) in
        [("packages", 4), ("by_cwt", 4), ("notices", 2), ("delegations", 2), ("statements", 3)]
    {
        assert!(computed[name].as_array().unwrap().len() >= fewest, "{name}");
    }
}
