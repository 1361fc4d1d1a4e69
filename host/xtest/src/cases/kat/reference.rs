//! docs/vectors/derivation.json, by the product's own commands. An independent
//! program made it, tests/derivation_reference.py, written in Python from
//! docs/derivation.md and the published standards only.
//!
//! An install costs a hundred calls, so one serves as many vectors as a device
//! can hold together.

use std::collections::BTreeSet;

use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::limit;
use proseal_proto::message::{Admission, ReceiveItem, Send};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::test_command::Scope;
use serde_json::Value;

use super::{case, unhex};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::fixture;

pub(super) const CASES: &[Case] = &[
    case(2001, "the vectors of the derivation", |c| keys(c, Profile::HkdfSha256, 21)),
    case(2002, "the vectors of profile 3gpp-ts33303", |c| keys(c, Profile::Ts33303, 11)),
    case(2003, "the vectors of admission keys", admissions),
    case(2004, "the vectors of PGKs from roots", roots),
    case(2005, "the keys that a sender without salt is given", sent),
];

const VECTORS: &str = include_str!("../../../../../docs/vectors/derivation.json");

/// What a PGK is installed as.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    key: [u8; 32],
    is_root: bool,
    profile: Profile,
    suite: Suite,
    label: Label,
    group: GroupId,
    generation: Generation,
    pgk_id: PgkId,
}

/// One vector: its comment, its entry, and its members.
struct Vector {
    comment: String,
    entry: Entry,
    members: Value,
}

impl Vector {
    /// `None` if a member is missing, or is not what it should be.
    fn read(members: &Value) -> Option<Self> {
        let text = |name: &str| members[name].as_str();
        let (key, is_root) = match text("root") {
            Some(root) => (root, true),
            None => (text("pgk")?, false),
        };
        let named = |all: &[Profile], name| all.iter().copied().find(|p| p.name() == name);
        let suite = |name| Suite::ALL.iter().copied().find(|s| s.name() == name);
        Some(Self {
            comment: text("comment")?.to_owned(),
            entry: Entry {
                key: unhex(key).try_into().ok()?,
                is_root,
                profile: named(Profile::ALL, text("profile")?)?,
                suite: suite(text("suite")?)?,
                label: Label::new(text("label")?).ok()?,
                group: GroupId::from_octets(unhex(text("group")?).try_into().ok()?),
                generation: Generation::new(members["generation"].as_u64()?).ok()?,
                pgk_id: PgkId(*unhex(text("pgk_id")?).first()?),
            },
            members: members.clone(),
        })
    }

    fn octets(&self, name: &str) -> Option<Vec<u8>> {
        self.members[name].as_str().map(unhex)
    }

    fn epoch(&self) -> Option<ReceiveItem> {
        let ptk_id = self.octets("ptk_id")?.try_into().ok()?;
        Some(ReceiveItem {
            group: self.entry.group,
            generation: self.entry.generation,
            sender: MemberId::from_octets(self.octets("sender")?.try_into().ok()?),
            ptk_id: PtkId::new(u16::from_be_bytes(ptk_id)).ok()?,
            salt: EpochSalt(self.octets("salt")?.try_into().ok()?),
        })
    }
}

fn read(c: &mut Context, list: &str) -> Result<Vec<Vector>, Stop> {
    let file: Value = c.ok("the file of vectors", serde_json::from_str(VECTORS))?;
    let source = file["source"].as_str().unwrap_or_default();
    c.that("it names what made it", source.contains("tests/derivation_reference.py"));
    let vectors = c.some("the list of vectors", file[list].as_array())?;
    let vectors = vectors.iter().map(Vector::read).collect();
    c.some("the members of all vectors", vectors)
}

/// Checks each vector, on a device that holds its PGK beside others. Vectors that differ
/// from the first in one input have its key, or its generation, and no device holds
/// these twice.
fn each(
    c: &mut Context,
    vectors: Vec<Vector>,
    check: fn(&mut Context, &Vector) -> Verdict,
) -> Verdict {
    let batches = batches(vectors);
    c.note(format!("  {} devices", batches.len()));
    for together in batches {
        c.fresh()?;
        let entries: Vec<Entry> = distinct(&together);
        let senders: BTreeSet<MemberId> =
            together.iter().filter_map(Vector::epoch).map(|epoch| epoch.sender).collect();
        // Receiver keys are given for others only.
        let own = (1..).map(fixture::member).find(|member| !senders.contains(member));
        let own = c.some("a member id for this device", own)?;
        install(c, &entries, own)?;
        for vector in &together {
            c.part(&vector.comment, |c| check(c, vector));
        }
    }
    Ok(())
}

/// The entries of these vectors, each once.
fn distinct(vectors: &[Vector]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for vector in vectors {
        if !entries.contains(&vector.entry) {
            entries.push(vector.entry);
        }
    }
    entries
}

/// Vectors that one device can hold together, in as few heaps as come of it.
fn batches(vectors: Vec<Vector>) -> Vec<Vec<Vector>> {
    let mut batches: Vec<Vec<Vector>> = Vec::new();
    for vector in vectors {
        match batches.iter_mut().find(|batch| fits(&distinct(batch), &vector.entry)) {
            Some(batch) => batch.push(vector),
            None => batches.push(vec![vector]),
        }
    }
    batches
}

/// Whether a device that holds `held` can hold `entry` too (docs/commands.md).
fn fits(held: &[Entry], entry: &Entry) -> bool {
    if held.contains(entry) {
        return true;
    }
    let groups: BTreeSet<_> = held.iter().map(|held| held.group).chain([entry.group]).collect();
    let same_group = || held.iter().filter(|held| held.group == entry.group);
    groups.len() <= limit::GROUPS
        && same_group().count() < limit::PGKS
        && held.iter().all(|held| {
            // A root may serve several groups.
            held.key != entry.key || held.is_root && entry.is_root && held.group != entry.group
        })
        && same_group().all(|held| {
            held.generation != entry.generation && held.pgk_id.index() != entry.pgk_id.index()
        })
}

fn install(c: &mut Context, entries: &[Entry], member: MemberId) -> Verdict {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| (entry.group, entry.generation));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in &entries {
        let pgk = Pgk {
            generation: entry.generation,
            id: entry.pgk_id,
            key: &entry.key,
            is_root: entry.is_root,
            policy: Policy {
                profile: entry.profile,
                suite: entry.suite,
                label: entry.label,
                accept_rollback: true,
                ..fixture::policy()
            },
        };
        match groups.last_mut().filter(|group| group.group == entry.group) {
            Some(group) => group.pgks.push(pgk),
            None => groups.push(Group {
                group: entry.group,
                member,
                next: entry.generation.get(),
                may_send: true,
                pgks: vec![pgk],
            }),
        }
    }
    let content = Content {
        device: DeviceId::NONE,
        sequence: 1,
        time: fixture::TIME,
        start_nonce: None,
        groups,
    };
    c.applied(Scope::Whole, &content)
}

fn keys(c: &mut Context, profile: Profile, fewest: usize) -> Verdict {
    let mut vectors = read(c, "vectors")?;
    vectors.retain(|vector| vector.entry.profile == profile);
    c.above("vectors", vectors.len() as u64 + 1, fewest as u64);
    each(c, vectors, received)
}

/// The keys of the vector's epoch, by `receive`.
fn received(c: &mut Context, vector: &Vector) -> Verdict {
    let epoch = c.some("the epoch", vector.epoch())?;
    let keys = c.receive_one(epoch)?;
    for (name, key) in [("ik", keys.ik.expose()), ("ck", keys.ck.expose())] {
        let wanted = c.some("the key", vector.octets(name))?;
        let (used, unused) = key.split_at(vector.entry.suite.key_len());
        c.octets(name, used, &wanted);
        c.that("the rest is zero", unused.iter().all(|&octet| octet == 0));
    }
    Ok(())
}

fn admissions(c: &mut Context) -> Verdict {
    let vectors = read(c, "admissions")?;
    c.above("vectors", vectors.len() as u64 + 1, 12_u64);
    each(c, vectors, |c, vector| {
        let (group, generation) = (vector.entry.group, vector.entry.generation);
        let reply = c.ta.call(&Admission { group, generation });
        let reply = c.ok("admission", reply)?;
        let wanted = c.some("the key", vector.octets("admission"))?;
        c.octets("admission", reply.key.expose(), &wanted);
        Ok(())
    })
}

/// The PGK itself never leaves the TA: the keys of an epoch show which it is.
fn roots(c: &mut Context) -> Verdict {
    let vectors = read(c, "roots")?;
    c.above("vectors", vectors.len() as u64 + 1, 12_u64);
    each(c, vectors, received)
}

/// Without a salt, the first epoch of a sender is one of the vectors.
fn sent(c: &mut Context) -> Verdict {
    let mut vectors = read(c, "vectors")?;
    vectors.retain(|vector| vector.comment == "3gpp-ts33303: the worked example");
    let vector = c.some("the worked example", vectors.pop())?;
    let epoch = c.some("the epoch", vector.epoch())?;
    c.fresh()?;
    install(c, &[vector.entry], epoch.sender)?;
    let reply = c.ta.call(&Send { group: epoch.group, generation: epoch.generation });
    let reply = c.ok("send", reply)?;
    c.that(
        "its PTK Id and salt are the vector's",
        (reply.ptk_id, reply.salt) == (epoch.ptk_id, epoch.salt),
    );
    for (name, key) in [("ik", reply.keys.ik.expose()), ("ck", reply.keys.ck.expose())] {
        let wanted = c.some("the key", vector.octets(name))?;
        c.octets(name, &key[..wanted.len()], &wanted);
    }
    Ok(())
}
