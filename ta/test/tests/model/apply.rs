//! How a content takes effect (docs/commands.md, Content, rules 1 to 7). Where
//! more than one thing is wrong, the documents do not say which is named: all
//! reasons are collected, and any of them is right.

use std::collections::BTreeMap;

use proseal_proto::error::Code;
use proseal_proto::message::{EventKind, Outcome, PgkState};

use crate::content::{Content, Entry, Flaw, Wanted};
use crate::derive::{self, Policy};
use crate::life::{Group, Life, Pgk, Removed};

const GROUPS: usize = 16;
const PGKS: usize = 4;
const REMOVED: usize = 32;
const LABEL: usize = 32;
const LAYER2_IDS: u32 = 1 << 24;
/// The highest generation.
pub(crate) const HIGHEST: u64 = 1 << 48;
const TEN_YEARS_S: u64 = 3660 * 24 * 3600;

/// What came of a content.
pub(crate) enum Applied {
    /// Nothing to do.
    Idle(Outcome),
    /// A new state; whether keys have gone in it.
    New { life: Life, erased: bool, outcome: Outcome },
}

/// The content's effect on `before`, of which what the floor has ended is gone already;
/// `held` has that too, since it goes in the same commit.
pub(crate) fn apply(
    before: &Life,
    held: &Life,
    content: &Content,
    octets: &[u8],
    whole: bool,
    is_fresh: bool,
) -> Result<Applied, Vec<Code>> {
    let faults = malformed(content);
    if !faults.is_empty() {
        return Err(faults);
    }
    if content.device != [0; 16] {
        return Err(vec![Code::WrongDevice]);
    }
    if content.sequence < before.sequence {
        return Ok(Applied::Idle(Outcome::Superseded));
    }
    if content.sequence == before.sequence {
        let same = octets == before.content;
        return if same {
            Ok(Applied::Idle(Outcome::Same))
        } else {
            Err(vec![Code::SequenceConflict])
        };
    }
    let mut change = Change { life: before.clone(), erased: false, partly: false, faults: vec![] };
    change.time(content.time);
    if whole {
        change.remove_groups(content);
    }
    content.groups.iter().for_each(|wanted| change.group(wanted, whole));
    // What the content itself ends counts until then.
    change.limits();
    change.keys(held);
    change.erased |= change.life.end();
    if !change.faults.is_empty() {
        return Err(change.faults);
    }
    let mut life = change.life;
    life.sequence = content.sequence;
    life.content = octets.to_vec();
    if is_fresh {
        let since_made = life.floor.saturating_sub(content.time);
        life.unsynced_s = life.unsynced_s.min(since_made.try_into().unwrap_or(u32::MAX));
    }
    let outcome = if change.partly { Outcome::Partly } else { Outcome::Applied };
    Ok(Applied::New { life, erased: change.erased, outcome })
}

/// A state on its way, and what speaks against it.
struct Change {
    life: Life,
    erased: bool,
    partly: bool,
    faults: Vec<Code>,
}

impl Change {
    fn refuse_if(&mut self, wrong: bool, code: Code) {
        if wrong {
            self.faults.push(code);
        }
    }

    /// Rule 2. While the floor is unknown there is nothing to be past of.
    fn time(&mut self, time: u64) {
        let latest = self.life.floor.saturating_add(TEN_YEARS_S);
        self.refuse_if(self.life.floor != 0 && time > latest, Code::TimeOutOfRange);
        self.life.floor = self.life.floor.max(time);
    }

    /// Rule 5, for groups.
    fn remove_groups(&mut self, content: &Content) {
        let listed = |id: &u32| content.groups.iter().any(|wanted| wanted.group == *id);
        let gone: Vec<u32> = self.life.groups.keys().copied().filter(|id| !listed(id)).collect();
        for id in gone {
            let Some(group) = self.life.groups.remove(&id) else { continue };
            self.erased |= !group.pgks.is_empty();
            self.life.event(EventKind::Removed, id, group.next);
            let removed = Removed { next: group.next, suspended: group.suspended };
            self.life.removed.insert(id, removed);
        }
    }

    /// Rules 3 and 5, for one group.
    fn group(&mut self, wanted: &Wanted, whole: bool) {
        let id = wanted.group;
        let remembered = self.life.removed.remove(&id);
        let mut group = self.life.groups.remove(&id).unwrap_or_else(|| Group {
            member: wanted.member,
            next: remembered.map_or(1, |removed| removed.next),
            suspended: remembered.is_some_and(|removed| removed.suspended),
            may_send: wanted.may_send,
            pgks: [].into(),
        });

        let held = group.pgks.len();
        group.pgks.retain(|&generation, _| generation >= wanted.next);
        if group.pgks.len() < held {
            self.erased = true;
            self.life.event(EventKind::Revoked, id, wanted.next);
        }
        group.next = group.next.max(wanted.next);

        if whole {
            let listed = |generation| wanted.entries.iter().any(|e| e.generation == generation);
            let gone: Vec<u64> = group.pgks.keys().copied().filter(|&g| !listed(g)).collect();
            for generation in gone {
                group.pgks.remove(&generation);
                self.erased = true;
                self.life.event(EventKind::Removed, id, generation);
            }
        }

        let member_changes = group.member != wanted.member && !group.pgks.is_empty();
        self.refuse_if(member_changes, Code::MemberConflict);
        group.member = wanted.member;
        group.may_send = wanted.may_send;
        wanted.entries.iter().for_each(|entry| self.entry(id, &mut group, entry));
        if let Some(last) = wanted.entries.last() {
            group.next = group.next.max(last.generation + 1);
        }
        self.life.groups.insert(id, group);
    }

    fn entry(&mut self, id: u32, group: &mut Group, entry: &Entry) {
        let new = pgk(id, entry);
        if let Some(held) = group.pgks.get_mut(&entry.generation) {
            let same = held.key == new.key
                && held.root.is_some() == new.root.is_some()
                && held.policy == new.policy;
            held.terms = new.terms;
            self.refuse_if(!same, Code::GenerationConflict);
        } else if entry.generation >= group.next
            && entry.terms.state(self.life.floor) != PgkState::Ended
        {
            self.refuse_if(!new.policy.is_allowed_pair(), Code::UnsupportedSuite);
            let is_used = new.policy.has_label() || new.root.is_some();
            self.refuse_if(!new.policy.label.is_empty() && !is_used, Code::LabelUnused);
            group.pgks.insert(entry.generation, new);
            self.life.event(EventKind::Installed, id, entry.generation);
        } else {
            self.partly = true;
        }
    }

    /// Indexes, and how much there is room for.
    fn limits(&mut self) {
        let groups = &self.life.groups;
        let mut faults = vec![];
        if groups.len() > GROUPS {
            faults.push(Code::TooManyGroups);
        }
        if self.life.removed.len() > REMOVED {
            faults.push(Code::TooManyRemoved);
        }
        for group in groups.values() {
            let pgks: Vec<&Pgk> = group.pgks.values().collect();
            if pgks.len() > PGKS {
                faults.push(Code::TooManyPgks);
            }
            if repeats(pgks.iter().map(|pgk| pgk.policy.pgk_id & 0x1f)) {
                faults.push(Code::PgkIdClash);
            }
        }
        self.faults.extend(faults);
    }

    /// Rules 4 and 6 of keys and roots: of all entries, those that leave among them, no two
    /// have the same. What stays is one entry, before and after.
    fn keys(&mut self, held: &Life) {
        let mut entries: BTreeMap<(u32, u64), &Pgk> = named(held).collect();
        entries.extend(named(&self.life));
        let roots = |(&(group, _), pgk): (&(u32, u64), &&Pgk)| pgk.root.map(|root| (group, root));
        let repeated = repeats(entries.values().map(|pgk| pgk.key))
            || repeats(entries.iter().filter_map(roots));
        self.refuse_if(repeated, Code::KeyRepeated);
    }
}

/// Each PGK by its group and generation.
fn named(life: &Life) -> impl Iterator<Item = ((u32, u64), &Pgk)> {
    life.groups.iter().flat_map(|(&id, group)| {
        group.pgks.iter().map(move |(&generation, pgk)| ((id, generation), pgk))
    })
}

fn repeats<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items.iter().enumerate().any(|(at, item)| items[..at].contains(item))
}

fn pgk(group: u32, entry: &Entry) -> Pgk {
    let policy = Policy {
        profile: entry.profile,
        suite: entry.suite,
        group,
        generation: entry.generation,
        pgk_id: entry.pgk_id as u8,
        label: entry.label.clone(),
    };
    let (key, root) = if entry.is_root {
        (derive::pgk(&entry.key, &policy), Some(entry.key))
    } else {
        (entry.key, None)
    };
    Pgk { key, root, policy, terms: entry.terms, reserved: 0 }
}

/// What the format does not allow.
fn malformed(content: &Content) -> Vec<Code> {
    let mut faults = vec![];
    let mut unless = |right: bool, code| {
        if !right {
            faults.push(code);
        }
    };
    let malformed = Code::ContentMalformed;
    unless(matches!(content.flaw, Flaw::None | Flaw::Extension), malformed);
    unless(content.sequence >= 1, malformed);
    unless(content.groups.is_sorted_by(|a, b| a.group < b.group), malformed);
    unless(content.groups.len() <= GROUPS, Code::TooManyGroups);
    for group in &content.groups {
        unless(group.group < LAYER2_IDS && group.member < LAYER2_IDS, malformed);
        unless((1..=HIGHEST).contains(&group.next), malformed);
        unless(group.entries.is_sorted_by(|a, b| a.generation < b.generation), malformed);
        unless(group.entries.len() <= PGKS, Code::TooManyPgks);
        for entry in &group.entries {
            let terms = &entry.terms;
            unless((1..=HIGHEST).contains(&entry.generation), malformed);
            unless(entry.generation >= group.next, malformed);
            unless(entry.pgk_id <= 0xff && entry.label.len() <= LABEL, malformed);
            unless(terms.epoch_s >= 1 && terms.epoch_packets >= 1, malformed);
            unless(terms.not_after > terms.not_before, malformed);
            unless((1..=2).contains(&entry.profile), Code::UnsupportedProfile);
            unless((1..=3).contains(&entry.suite), Code::UnsupportedSuite);
        }
    }
    faults
}
