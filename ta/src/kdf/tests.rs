//! What is derived for one thing is nothing else's: outputs differ as soon as
//! one input does, whatever the profile. That no two inputs encode alike is
//! tested where they are encoded.

use std::string::String;
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proseal_proto::key::KeyPair;
use proseal_proto::limit;

use super::*;

pub(super) fn unhex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| std::format!("{octet:02x}")).collect()
}

/// Labels of 0 to 32 octets, each length as likely, of any letters.
pub(super) fn label() -> impl Strategy<Value = String> {
    (vec(any::<char>(), 0..=limit::LABEL), 0..=limit::LABEL).prop_map(|(letters, len)| {
        let mut label = String::new();
        for letter in letters {
            if label.len() + letter.len_utf8() <= len {
                label.push(letter);
            }
        }
        while label.len() < len {
            label.push('x');
        }
        label
    })
}

/// All inputs of a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inputs {
    pub(super) key: [u8; 32],
    pub(super) profile: Profile,
    pub(super) suite: Suite,
    pub(super) group: [u8; 3],
    pub(super) generation: u64,
    pub(super) pgk_id: u8,
    pub(super) sender: [u8; 3],
    pub(super) ptk_id: u16,
    pub(super) salt: [u8; 8],
    pub(super) label: String,
}

pub(super) fn inputs() -> impl Strategy<Value = Inputs> {
    let pairs: Vec<(Profile, Suite)> = Profile::ALL
        .iter()
        .flat_map(|&profile| profile.suites().iter().map(move |&suite| (profile, suite)))
        .collect();
    // Edges as often as what lies between.
    let generation = prop_oneof![1..=limit::GENERATION, Just(1), Just(limit::GENERATION)];
    let ptk_id = prop_oneof![1..=u16::MAX, Just(1), Just(u16::MAX)];
    (
        (any::<[u8; 32]>(), select(pairs), any::<[u8; 3]>(), generation, any::<u8>()),
        (any::<[u8; 3]>(), ptk_id, any::<[u8; 8]>(), label()),
    )
        .prop_map(|((key, pair, group, generation, pgk_id), (sender, ptk_id, salt, label))| {
            let (profile, suite) = pair;
            let salt = if profile.has_salt() { salt } else { [0; 8] };
            Inputs { key, profile, suite, group, generation, pgk_id, sender, ptk_id, salt, label }
        })
}

/// Another value of the same kind.
fn other<T: PartialEq + Copy>(all: &[T], this: T, by: usize) -> T {
    let others: Vec<T> = all.iter().copied().filter(|&value| value != this).collect();
    others[by % others.len()]
}

impl Inputs {
    /// With one field changed, and no other; `None` where there is no other
    /// value that is allowed.
    fn with_another(&self, field: Field, by: usize) -> Option<Self> {
        let mut changed = self.clone();
        let bit = |octets: &mut [u8]| octets[by / 8 % octets.len()] ^= 1 << (by % 8);
        match field {
            Field::Key => bit(&mut changed.key),
            Field::Group => bit(&mut changed.group),
            Field::Sender => bit(&mut changed.sender),
            Field::Salt => bit(&mut changed.salt),
            Field::PgkId => changed.pgk_id ^= 1 << (by % 8),
            Field::Generation => changed.generation = other(&[1, 2, 1 << 48], self.generation, by),
            Field::PtkId => changed.ptk_id = other(&[1, 2, 0x100, 0xffff], self.ptk_id, by),
            Field::Suite => {
                let suites = self.profile.suites();
                if suites.len() == 1 {
                    return None;
                }
                changed.suite = other(suites, self.suite, by);
            }
            Field::Profile => {
                let has_suite = |profile: &&Profile| profile.suites().contains(&self.suite);
                let profiles: Vec<_> = Profile::ALL.iter().filter(has_suite).copied().collect();
                if profiles.len() == 1 || self.salt != [0; 8] {
                    return None;
                }
                changed.profile = other(&profiles, self.profile, by);
            }
            Field::Label => {
                // One longer, one shorter, or another last letter.
                match by % 3 {
                    0 if self.label.len() < limit::LABEL => changed.label.push('y'),
                    1 if !self.label.is_empty() => drop(changed.label.pop()),
                    _ if !self.label.is_empty() => {
                        let last = changed.label.pop();
                        changed.label.push(if last == Some('x') { 'z' } else { 'x' });
                    }
                    _ => changed.label.push('\0'),
                }
                if changed.label.len() > limit::LABEL {
                    return None;
                }
            }
        }
        Some(changed)
    }

    pub(super) fn epoch<'a>(&self, label: &'a Label) -> Epoch<'a> {
        Epoch {
            suite: self.suite,
            group: GroupId::from_octets(self.group),
            generation: Generation::new(self.generation).unwrap(),
            pgk_id: PgkId(self.pgk_id),
            sender: MemberId::from_octets(self.sender),
            ptk_id: PtkId::new(self.ptk_id).unwrap(),
            salt: EpochSalt(self.salt),
            label,
        }
    }

    pub(super) fn scope<'a>(&self, label: &'a Label) -> Scope<'a> {
        Scope {
            profile: self.profile,
            suite: self.suite,
            group: GroupId::from_octets(self.group),
            generation: Generation::new(self.generation).unwrap(),
            pgk_id: PgkId(self.pgk_id),
            label,
        }
    }

    /// Everything that is derived from these inputs.
    fn outputs(&self) -> Outputs {
        let label = Label::new(&self.label).unwrap();
        let pgk = GroupKey::copied_from(&self.key);
        let prepared = Prepared::new();
        let mut keys = KeyPair::zero();
        derive(self.profile, &pgk, &prepared, &self.epoch(&label), keys.slots()).unwrap();
        let mut admission = [0; AdmissionKey::LEN];
        let scope = self.scope(&label);
        let has_admission = derive_admission(&pgk, &prepared, &scope, &mut admission);
        let mut from_root = [0; GroupKey::LEN];
        derive_from_root(&pgk, &scope, &mut from_root).unwrap();
        assert_eq!(
            has_admission.err(),
            match self.profile {
                Profile::HkdfSha256 => None,
                Profile::Ts33303 => Some(Code::NoAdmissionKey),
            }
        );
        Outputs {
            ik: *keys.ik.expose(),
            ck: *keys.ck.expose(),
            admission: has_admission.is_ok().then_some(admission),
            from_root,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Outputs {
    ik: [u8; 32],
    ck: [u8; 32],
    admission: Option<[u8; 16]>,
    from_root: [u8; 32],
}

impl Outputs {
    /// The first 128 bits of each: of no two purposes they may be the same.
    fn heads(&self) -> Vec<[u8; 16]> {
        let head = |key: &[u8]| <[u8; 16]>::try_from(&key[..16]).unwrap();
        let mut heads = std::vec![head(&self.ik), head(&self.ck), head(&self.from_root)];
        heads.extend(self.admission);
        heads
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Key,
    Profile,
    Suite,
    Group,
    Generation,
    PgkId,
    Sender,
    PtkId,
    Salt,
    Label,
}

/// Which outputs a field takes part in, by docs/derivation.md.
struct Part {
    keys: bool,
    admission: bool,
    root: bool,
}

/// Whether `field` takes part in what a profile derives.
fn part(profile: Profile, field: Field) -> Part {
    // The root step is the same HKDF in every profile; it has no epoch.
    let root = !matches!(field, Field::Sender | Field::PtkId | Field::Salt);
    let keys = match profile {
        Profile::HkdfSha256 => true,
        Profile::Ts33303 => {
            !matches!(field, Field::Generation | Field::PgkId | Field::Label | Field::Salt)
        }
    };
    Part { keys, admission: root, root }
}

/// An output changes if `takes_part`, and only then.
fn check<T: PartialEq + core::fmt::Debug>(
    what: &str,
    one: &T,
    other: &T,
    takes_part: bool,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(one != other, takes_part, "{}", what);
    Ok(())
}

const FIELDS: [Field; 10] = [
    Field::Key,
    Field::Profile,
    Field::Suite,
    Field::Group,
    Field::Generation,
    Field::PgkId,
    Field::Sender,
    Field::PtkId,
    Field::Salt,
    Field::Label,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Exactly one field differs: so do all outputs that it takes part in, and
    /// no other.
    #[test]
    fn one_other_field_gives_other_keys(inputs in inputs(), by: usize) {
        for field in FIELDS {
            let has_salt = inputs.profile.has_salt();
            if field == Field::Salt && !has_salt {
                continue;
            }
            let Some(changed) = inputs.with_another(field, by) else { continue };
            let Part { keys, admission, root } = part(inputs.profile, field);
            let (one, two) = (inputs.outputs(), changed.outputs());
            check("IK", &one.ik, &two.ik, keys)?;
            check("CK", &one.ck, &two.ck, keys)?;
            check("the PGK from a root", &one.from_root, &two.from_root, root)?;
            if one.admission.is_some() && two.admission.is_some() {
                check("the admission key", &one.admission, &two.admission, admission)?;
            }
        }
    }

    /// IK, CK, admission key and the PGK from a root: none is ever one of
    /// another kind, not even where all come from the same 32 octets.
    #[test]
    fn no_purpose_gives_the_key_of_another(one in inputs(), other in inputs()) {
        let (mine, others) = (one.outputs(), Inputs { key: one.key, ..other }.outputs());
        for (kind, key) in mine.heads().iter().enumerate() {
            for outputs in [&mine, &others] {
                for (other_kind, other_key) in outputs.heads().iter().enumerate() {
                    prop_assert!(kind == other_kind || key != other_key);
                }
            }
        }
    }

    /// The profiles have nothing in common, whatever the rest.
    #[test]
    fn no_profile_gives_the_key_of_another(inputs in inputs()) {
        let of = |profile| {
            let inputs = Inputs { profile, suite: Suite::ThreeGpp, salt: [0; 8], ..inputs.clone() };
            inputs.outputs().heads()
        };
        let all: Vec<_> = Profile::ALL.iter().copied().map(of).collect();
        for (at, heads) in all.iter().enumerate() {
            for other in &all[..at] {
                prop_assert!(heads.iter().all(|head| !other.contains(head)));
            }
        }
    }
}

/// What is kept of a PGK is of that PGK: a second derivation by it is as the
/// first.
#[test]
fn what_is_prepared_gives_the_same_again() {
    for profile in Profile::ALL.iter().copied() {
        let inputs = Inputs {
            key: [7; 32],
            profile,
            suite: Suite::ThreeGpp,
            group: [1, 2, 3],
            generation: 4,
            pgk_id: 5,
            sender: [6, 7, 8],
            ptk_id: 9,
            salt: [0; 8],
            label: String::new(),
        };
        let (pgk, prepared) = (GroupKey::copied_from(&inputs.key), Prepared::new());
        let keys = |prepared: &Prepared| {
            let mut keys = KeyPair::zero();
            derive(profile, &pgk, prepared, &inputs.epoch(&Label::EMPTY), keys.slots()).unwrap();
            (*keys.ik.expose(), *keys.ck.expose())
        };
        let first = keys(&prepared);
        assert_eq!(keys(&prepared), first);
        assert_eq!(keys(&Prepared::new()), first);
    }
}

/// The admission key of docs/derivation.md, which an independent program
/// (tests/derivation_reference.py) computed.
#[test]
fn the_admission_key_of_the_specification() {
    let pgk = GroupKey::copied_from(&core::array::from_fn(|at| at as u8));
    let scope = Scope {
        profile: Profile::HkdfSha256,
        suite: Suite::Aead,
        group: GroupId::from_octets([0x0a, 0x0b, 0x0c]),
        generation: Generation::FIRST,
        pgk_id: PgkId(1),
        label: &Label::EMPTY,
    };
    let mut key = [0; AdmissionKey::LEN];
    derive_admission(&pgk, &Prepared::new(), &scope, &mut key).unwrap();
    assert_eq!(hex(&key), "baee64a5339ed50612d7fc7c25e6deec");
}

#[test]
fn a_salt_is_refused_where_there_is_none() {
    let epoch = Inputs {
        key: [0; 32],
        profile: Profile::Ts33303,
        suite: Suite::ThreeGpp,
        group: [0; 3],
        generation: 1,
        pgk_id: 0,
        sender: [0; 3],
        ptk_id: 1,
        salt: [0, 0, 0, 0, 0, 0, 0, 1],
        label: String::new(),
    };
    let mut keys = KeyPair::zero();
    let result = derive(
        Profile::Ts33303,
        &GroupKey::copied_from(&epoch.key),
        &Prepared::new(),
        &epoch.epoch(&Label::EMPTY),
        keys.slots(),
    );
    assert_eq!(result, Err(Code::OutOfRange));
    assert_eq!(keys.ik.expose(), &[0; 32], "and nothing is derived");
}
